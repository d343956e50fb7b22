"""The mirror follows what was done or found out: once a request has moved on, its customer is read again."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, UUIDField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce

from billing.changes.models import Attempt, Call, ChangeRequest
from billing.changes.moves import database_now
from billing.changes.statuses import SETTLED, Status
from billing.metronome.client import Gateway
from billing.mirror.models import Customer
from billing.mirror.refresh import refresh_customer

LATELY = timedelta(hours=1)
"""How far back a forgotten reading is made up for: the refresh of the whole account has come by since."""
SOON = timedelta(seconds=30)
"""How long whoever settled a request may take to read its customer."""
MOST_AT_ONCE = 10
MOVED_ON = frozenset({Status.APPLIED, Status.PARTLY_APPLIED, Status.STALE, Status.REFUSED})


def reflect(change_id: int, gateway: Gateway) -> None:
    """Refresh the customer of a request that has just moved on. A failure changes nothing but freshness."""
    change = ChangeRequest.objects.get(pk=change_id)
    if change.status not in MOVED_ON:
        return
    if change.about_customer:
        refresh_customer(gateway, change.about_customer)


def reflect_forgotten(gateway: Gateway) -> int:
    """Read the customers again whose request was settled by a worker that died before it did so; how many."""
    forgotten = list(_forgotten()[:MOST_AT_ONCE])
    for change in forgotten:
        reflect(change.pk, gateway)
    return len(forgotten)


def _forgotten() -> QuerySet[ChangeRequest]:
    """Requests settled lately whose customer the mirror has not read since they were last sent."""
    now = database_now()
    attempts = Attempt.objects.filter(call__change_id=OuterRef("pk")).order_by("-sent_at")
    made = Call.objects.filter(change_id=OuterRef("pk"), operation="customers.create")
    read_since = Customer.objects.filter(
        Q(fetched_at__gte=OuterRef("sent")) | Q(missing_since__isnull=False), pk=OuterRef("about")
    )
    return (
        ChangeRequest.objects.filter(
            status__in=MOVED_ON & SETTLED, settled_at__gt=now - LATELY, settled_at__lt=now - SOON
        )
        .alias(
            sent=Subquery(attempts.values("sent_at")[:1]),
            about=Coalesce(
                "customer_id", Cast(Subquery(made.values(made_id=KT("result__id"))[:1]), UUIDField())
            ),
        )
        .filter(~Exists(read_since), sent__isnull=False, about__isnull=False)
        .order_by("settled_at")
    )
