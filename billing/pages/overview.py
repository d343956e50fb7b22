"""The first page: what waits for this person, what needs anybody, and what happened."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.audit.models import AuditEvent
from billing.changes import queries as changes
from billing.changes.models import ChangeRequest, Decision
from billing.changes.statuses import Status
from billing.mirror.models import Customer
from billing.pages import freshness
from billing.pages.access import needs
from billing.pages.requests import render_page
from billing.roles import Can
from billing.users import User

SHOWN_WAITING = 5
SHOWN_TROUBLES = 8
SHOWN_DECISIONS = 6
SHOWN_EVENTS = 8


@needs(Can.BROWSE)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Figures that lead somewhere, then lists that are short on purpose."""
    waiting = list(changes.waiting_for(request.user)[:SHOWN_WAITING])
    counts = changes.counts_by_status()
    return render_page(
        request,
        "overview/page",
        waiting=waiting,
        oldest=waiting[0] if waiting else None,
        submitted=counts.get(Status.SUBMITTED, 0),
        on_their_way=counts.get(Status.APPROVED, 0) + counts.get(Status.APPLYING, 0),
        in_doubt=counts.get(Status.UNKNOWN, 0) + counts.get(Status.PARTLY_APPLIED, 0),
        customers=_customer_counts(),
        troubles=_troubles(),
        decisions=_decisions(),
        events=_events(request.user),
        freshness=freshness.of_account(),
        month_start=timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0),
    )


def _customer_counts() -> dict[str, int]:
    present = Q(missing_since__isnull=True)
    month_start = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Customer.objects.aggregate(
        active=Count("pk", filter=present & Q(archived_at__isnull=True)),
        archived=Count("pk", filter=present & Q(archived_at__isnull=False)),
        missing=Count("pk", filter=~present),
        new=Count("pk", filter=present & Q(created_at__gte=month_start)),
    )


def _troubles() -> list[ChangeRequest]:
    """Requests that no worker can carry on with alone, and refusals of the last week nobody followed up."""
    week_ago = timezone.now() - timedelta(days=7)
    unfinished = Q(status__in=[Status.UNKNOWN, Status.PARTLY_APPLIED]) | Q(needs_person=True)
    refused = Q(status=Status.REFUSED, settled_at__gte=week_ago, replaced_by__isnull=True)
    found = ChangeRequest.objects.filter(unfinished | refused | Q(blocked_at__isnull=False))
    return list(found.select_related("maker").order_by("-needs_person", "-submitted_at")[:SHOWN_TROUBLES])


def _decisions() -> list[Decision]:
    rows = Decision.objects.select_related("change", "checker").order_by("-decided_at", "-pk")
    return list(rows[:SHOWN_DECISIONS])


def _events(user: User) -> list[AuditEvent]:
    """The newest events this person may see: all of them, or what they did and what befell their requests."""
    events = AuditEvent.objects.order_by("-occurred_at", "-id")
    if not user.may(Can.READ_AUDIT):
        own = ChangeRequest.objects.filter(maker=user).values("reference")
        events = events.filter(Q(actor=user) | Q(reference__in=own))
    return list(events[:SHOWN_EVENTS])
