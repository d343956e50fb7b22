"""The first page: what waits for this person, what needs anybody, and what happened."""

from __future__ import annotations

from datetime import timedelta
from heapq import nlargest

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.audit.models import AuditEvent
from billing.changes import queries as changes
from billing.changes.models import Decision
from billing.changes.statuses import Status
from billing.mirror.tally import created_since, tally
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


@needs(Can.BROWSE)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Figures that lead somewhere, then lists that are short on purpose."""
    waiting = list(changes.waiting_for(request.user)[:SHOWN_WAITING])
    counts = changes.counts_of_open()
    troubles = list(changes.troubles(timezone.now() - WEEK).defer("sealed")[:MOST_TROUBLES])
    month_start = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return render_page(
        request,
        "overview/page",
        waiting=waiting,
        oldest=waiting[0] if waiting else None,
        submitted=counts.get(Status.SUBMITTED, 0),
        on_their_way=counts.get(Status.APPROVED, 0) + counts.get(Status.APPLYING, 0),
        in_doubt=counts.get(Status.UNKNOWN, 0) + counts.get(Status.PARTLY_APPLIED, 0),
        troubles_count=len(troubles),
        customers=tally() | {"new": created_since(month_start)},
        troubles=troubles[:SHOWN_TROUBLES],
        decisions=_decisions(),
        events=_events(request.user),
        freshness=freshness.of_account(),
        month_start=month_start,
    )


def _decisions() -> list[Decision]:
    rows = Decision.objects.select_related("change", "checker").order_by("-decided_at", "-pk")
    return list(rows[:SHOWN_DECISIONS])


def _events(user: User) -> list[AuditEvent]:
    """The newest events this person may see: all of them, or what they did and what befell their requests."""
    newest = AuditEvent.objects.order_by("-occurred_at", "-id")
    if user.may(Can.READ_AUDIT):
        return list(newest[:SHOWN_EVENTS])
    did = AuditEvent.objects.filter(actor=user).order_by("-id").values_list("pk", flat=True)[:SHOWN_EVENTS]
    befell = AuditEvent.objects.filter(reference__in=changes.lately_of(user)).values_list("pk", flat=True)
    return list(newest.filter(pk__in=nlargest(SHOWN_EVENTS, {*did, *befell})))
