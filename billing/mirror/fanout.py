"""Lists that only a customer has, such as its contracts: read one customer after another, from a queue.

A row of the queue is a customer's list of one noun. Until it was read to its end once it is *not read yet*,
which is never *none*. What somebody looks at jumps the queue; live customers come before the others.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from billing.lists.prepared import Question, no_id
from billing.metronome.account import Gateway
from billing.metronome.outcomes import ReadFailed
from billing.mirror.cleaning import Cleaner
from billing.mirror.connection import ensure_account
from billing.mirror.hanging import keep_list
from billing.mirror.models import Reading
from billing.mirror.oddities import TooManyOdd
from billing.mirror.resource import Resource
from billing.mirror.resources import RESOURCES, mirrored
from billing.mirror.resources.customer.models import Customer
from billing.mirror.resources.tally import tally

LOOKED_AT, LIVE, OTHERS = 0, 1, 2
AGAIN_AFTER = timedelta(days=1)
"""How long a live customer's list is good for; what others have is read once."""
AFTER_TROUBLE = timedelta(minutes=10)
TURN_SECONDS = 20.0
LINED_UP_AT_ONCE = 5_000

CLAIM = """
UPDATE billing_reading SET claimed_until = clock_timestamp() + interval '5 minutes'
 WHERE id = (SELECT id FROM billing_reading
              WHERE due_at <= clock_timestamp()
                AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
                AND NOT EXISTS (SELECT FROM billing_customer c
                                 WHERE c.id = customer_id AND c.missing_since IS NOT NULL) {about}
              ORDER BY priority, due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, customer_id, noun, clock_timestamp()
"""


def queued() -> list[Resource]:
    """The nouns that are read so."""
    return [noun for noun in mirrored() if noun.is_queued]


def line_up(limit: int = LINED_UP_AT_ONCE) -> int:
    """Queue lists of customers that have never been queued, live ones first; returns how many."""
    known, lined_up = sum(tally().values()), 0
    live = RESOURCES["customer"].live
    for noun in queued():
        mine = Reading.objects.filter(noun=noun.name)
        if mine.count() >= known:
            continue
        present = Customer.objects.filter(missing_since__isnull=True)
        unqueued = present.exclude(Exists(mine.filter(customer=OuterRef("pk"))))
        for priority, some in ((LIVE, unqueued.filter(live)), (OTHERS, unqueued.exclude(live))):
            ids = some.order_by("pk").values_list("pk", flat=True)[: limit - lined_up]
            rows = [Reading(customer_id=pk, noun=noun.name, priority=priority, due_at=Now()) for pk in ids]
            lined_up += len(Reading.objects.bulk_create(rows, ignore_conflicts=True))
    return lined_up


def look_at(customer_id: UUID | str) -> None:
    """Somebody looks at this customer: its lists are due now, before all others."""
    rows = [
        Reading(customer_id=customer_id, noun=noun.name, priority=LOOKED_AT, due_at=Now())
        for noun in queued()
    ]
    with transaction.atomic():
        Reading.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["noun", "customer"],
            update_fields=["priority", "due_at"],
        )


def is_mirrored(customer_id: UUID | str) -> bool:
    """Whether there is a customer that lists can hang on."""
    return Customer.objects.filter(pk=customer_id, missing_since__isnull=True).exists()


def read_at(customer_id: UUID | str) -> dict[str, datetime | None]:
    """When each of a customer's lists was read to its end, by noun; None for *not read yet*."""
    read = dict(_read_at().rows(owner=UUID(str(customer_id))))
    return {noun.name: read.get(noun.name) for noun in queued()}


@cache
def _read_at() -> Question:
    rows = Reading.objects.filter(customer=no_id("owner")).values_list("noun", "read_at")
    return Question(rows, owner=no_id("owner"))


def read_lists_of(gateway: Gateway, customer_id: UUID | str) -> int:
    """Read what hangs on one customer now; returns how many lists were read."""
    look_at(customer_id)
    number = 0
    while _read_next(gateway, customer_id):
        number += 1
    return number


def read_for_a_turn(gateway: Gateway, seconds: float = TURN_SECONDS) -> bool:
    """Read lists that are due, one after another, for so long; whether there may be more.

    Raises Halt where Metronome turns us away or it is another account, ReadFailed where that can't be asked.
    """
    ensure_account(gateway)
    until = time.monotonic() + seconds
    with gateway.reading_in_rounds():
        while time.monotonic() < until:
            if not _read_next(gateway) and not line_up():
                return False
    return True


def _read_next(gateway: Gateway, customer_id: UUID | str | None = None) -> bool:
    """Read the list that is due first, of anybody or of one customer; False when none is."""
    with connection.cursor() as cursor:
        about = "AND customer_id = %s AND priority = 0" if customer_id else ""
        cursor.execute(CLAIM.format(about=about), [customer_id] if customer_id else [])
        claimed = cursor.fetchone()
    if claimed is None:
        return False
    pk, owner, name, asked_at = claimed
    noun, mine = RESOURCES[name], Reading.objects.filter(pk=pk)
    try:
        for read in noun.reads:
            keep_list(gateway, noun, read, str(owner), asked_at, Cleaner())
    except (ReadFailed, TooManyOdd) as problem:
        mine.update(
            claimed_until=None, due_at=asked_at + AFTER_TROUBLE, priority=OTHERS, trouble=problem.message
        )
    except BaseException:
        mine.update(claimed_until=None)
        raise
    else:
        is_live = Customer.objects.filter(RESOURCES["customer"].live, pk=owner).exists()
        mine.update(
            claimed_until=None,
            read_at=asked_at,
            due_at=asked_at + AGAIN_AFTER if is_live else None,
            priority=LIVE if is_live else OTHERS,
            trouble="",
        )
    return True
