"""The mirror follows what was done or found out: once a request has moved on, its customer is read again."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, UUIDField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce

from billing.changes import sealed
from billing.changes.applying import comparing
from billing.changes.applying.just_read import JustRead
from billing.changes.calls import results_of
from billing.changes.models import Attempt, Call, ChangeRequest
from billing.changes.moves import as_it_is, database_now
from billing.changes.sealed import id_of
from billing.changes.statuses import SETTLED, Status
from billing.metronome.account import Gateway
from billing.mirror.refresh import refresh_customer, store_customer
from billing.mirror.resources import RESOURCES
from billing.mirror.resources.customer.models import Customer

LATELY = timedelta(hours=1)
"""How far back a forgotten reading is made up for: the refresh of the whole account has come by since."""
SOON = timedelta(seconds=30)
"""How long whoever settled a request may take to read its customer."""
MOST_AT_ONCE = 10
MOVED_ON = frozenset({Status.APPLIED, Status.PARTLY_APPLIED, Status.STALE, Status.REFUSED})


def reflect(change_id: int, gateway: Gateway, just_read: JustRead | None = None) -> None:
    """Refresh the customers of a request that has just moved on, or waits with a part of it done.

    A failure changes nothing but freshness.

    What was applied is compared first. What the work itself has read is not read again: its check, its
    read-back or its look came last. What has a list of its own is read where a call claims something of it,
    or can't be undone.
    """
    change = as_it_is(change_id)
    results = results_of(change)
    if change.status not in MOVED_ON and not (change.status == Status.APPROVED and results):
        return
    comparing.compare(change_id, gateway, just_read)
    request = sealed.read(change.sealed)
    apart = {field.name for field in RESOURCES["customer"].fields if field.is_apart}
    for thing in dict.fromkeys(request.owner_of(of) for of in request.after):
        customer_id = id_of(thing, results) if thing.startswith("customer:") else None
        if customer_id is None:
            continue
        read = just_read.of(customer_id) if just_read else None
        if read is None or change.irreversible or apart & request.after.get(thing, {}).keys():
            refresh_customer(gateway, customer_id, read=read)
        else:
            store_customer(*read)


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
