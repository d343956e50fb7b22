"""The first page: what waits for this person, what needs anybody, and what happened."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, Value
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.audit.models import AuditEvent
from billing.changes import queries as changes
from billing.changes.models import ChangeRequest, Decision
from billing.changes.statuses import Status
from billing.lists.conditions import IsAnyOf
from billing.lists.prepared import NO_MOMENT, Question, Records, no_key
from billing.mirror.resources.tally import created_since, tally
from billing.pages import freshness
from billing.pages.access import needs
from billing.pages.web import render_page
from billing.roles import Can
from billing.users import User

WEEK = timedelta(days=7)
SHOWN_WAITING = 5
SHOWN_TROUBLES = 8
MOST_TROUBLES = 100
"""Where their count stops: more is "99+"."""
SHOWN_DECISIONS = 6
SHOWN_EVENTS = 8
ONE = [no_key("one")]
ONE_OF = IsAnyOf("pk", Value(ONE, ArrayField(BigIntegerField())))


@needs(Can.BROWSE)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Figures that lead somewhere, then lists that are short on purpose."""
    order = "submitted_at"
    waiting = changes.page(
        changes.whole(changes.waiting_for, request.user), None, SHOWN_WAITING, order=order
    ).rows
    counts = changes.counts_of_open()
    troubled, of_them = _troubles()
    found = troubled.rows(since=timezone.now() - WEEK)
    troubles = [pk for pk, _status, _needs_person in found]
    month_start = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return render_page(
        request,
        "overview/page",
        waiting=waiting,
        oldest=waiting[0] if waiting else None,
        submitted=counts.get(Status.SUBMITTED, 0),
        on_their_way=counts.get(Status.APPROVED, 0) + counts.get(Status.APPLYING, 0),
        troubles_count=len(troubles),
        to_say=sum(needs_person for _pk, _status, needs_person in found),
        to_take_up=sum(status == Status.REFUSED for _pk, status, _needs_person in found),
        looked_into=sum(status == Status.UNKNOWN and not needs for _pk, status, needs in found),
        customers=tally() | {"new": created_since(month_start)},
        troubles=of_them.asked(ids=troubles[:SHOWN_TROUBLES]) if troubles else [],
        decisions=_decisions().asked(),
        events=_events(request.user),
        freshness=freshness.of_account(),
        month_start=month_start,
    )


@cache
def _troubles() -> tuple[Question, Records]:
    """Of all that are counted the id, the status and whether a person is needed; and some of them whole."""
    rows = changes.troubles(NO_MOMENT)
    shown = ChangeRequest.objects.filter(ONE_OF).select_related("maker").defer("sealed")
    return (
        Question(rows.values_list("pk", "status", "needs_person")[:MOST_TROUBLES], since=NO_MOMENT),
        Records(shown.order_by(*rows.query.order_by), ids=ONE),
    )


@cache
def _decisions() -> Records:
    rows = Decision.objects.select_related("change", "checker").order_by("-decided_at", "-pk")
    return Records(rows[:SHOWN_DECISIONS])


def _events(user: User) -> list[AuditEvent]:
    """The newest events this person may see: all of them, or what they did and what befell their requests."""
    if user.may(Can.READ_AUDIT):
        return _newest().asked()
    return _some().asked(ids=changes.newest_events_for(user, SHOWN_EVENTS))


@cache
def _newest() -> Records:
    return Records(AuditEvent.objects.order_by("-occurred_at", "-id")[:SHOWN_EVENTS])


@cache
def _some() -> Records:
    return Records(AuditEvent.objects.filter(ONE_OF).order_by("-occurred_at", "-id"), ids=ONE)
