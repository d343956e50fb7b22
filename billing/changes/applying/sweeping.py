"""The sweep: approved requests that nobody took, leases that ran out, doubts to look at, time that ran out.

Everything it needs is in rows: an emptied Redis, a lost message or a killed worker costs time, no change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.db import IntegrityError, connections, transaction

from billing.audit.actors import system
from billing.audit.events import Event
from billing.changes.alone import alone
from billing.changes.applying.apply import apply_next
from billing.changes.applying.blocking import block_refused
from billing.changes.applying.claiming import WORKER, due
from billing.changes.applying.filing import doubt_lost_claim
from billing.changes.applying.settling import settle_next
from billing.changes.calls import carry_on
from billing.changes.models import CallStatus, ChangeRequest
from billing.changes.moves import database_now, locked, move
from billing.changes.statuses import OPEN, Status
from billing.control.freezing import is_frozen
from billing.metronome.account import Gateway

Work = Callable[[Gateway, Collection[int]], int | None]
"""Carries on one request that is not among those given; its id, None when there is nothing to do."""

BATCH = 50
THREADS = 4
TURN_SECONDS = 5.0
"""After so long a worker's thread takes no further request before others in its queues had their turn."""


def sweep(gateway: Gateway) -> int:
    """Carry everything on as far as it goes now, on a few threads; how many requests were touched."""
    tidy()
    looks = _spread([look_into_doubts] * THREADS, gateway)
    return looks + _spread([apply_due] * THREADS, gateway)


def tidy() -> int:
    """Settle what ran out of time, free what a lost worker held; how many. Asks nobody; one at a time."""
    with alone("sweep of changes") as is_ours:
        return expire() + recover_lost_claims() if is_ours else 0


def apply_due(gateway: Gateway) -> int:
    """Apply one due request after another until none is left; how many. Any number may do so at a time."""
    return _one_after_another(apply_next, gateway)


def look_into_doubts(gateway: Gateway) -> int:
    """Look at one due doubt after another until none is left; how many. Any number may do so at a time."""
    return _one_after_another(settle_next, gateway)


def apply_for_a_turn(gateway: Gateway) -> bool:
    """Apply due requests for TURN_SECONDS, the last to its end; True when time ended it, not want of work."""
    return _one_turn(apply_next, gateway)


def look_for_a_turn(gateway: Gateway) -> bool:
    """Look into doubts for TURN_SECONDS; True when time ended it, not want of work."""
    return _one_turn(settle_next, gateway)


def number_due(most: int) -> int:
    """How many approved requests could be applied now; not counted beyond `most`."""
    return 0 if is_frozen() else due(database_now())[:most].count()


def expire(now: datetime | None = None) -> int:
    """Settle requests that nobody decided, or that never got their turn, in time by the database’s clock."""
    overdue = ChangeRequest.objects.filter(
        status__in=[Status.SUBMITTED, Status.APPROVED],
        expires_at__lte=now or database_now(),
    ).values_list("pk", flat=True)
    count = 0
    for change_id in list(overdue[:BATCH]):
        with transaction.atomic():
            change = locked(change_id)
            untouched = not change.calls.filter(first_sent_at__isnull=False).exists()
            if change.status in (Status.SUBMITTED, Status.APPROVED) and untouched:
                move(
                    change,
                    Status.EXPIRED,
                    actor=system("sweep"),
                    event=Event.CHANGE_EXPIRED,
                    explanation="Nobody decided in time."
                    if change.status == Status.SUBMITTED
                    else "Its turn did not come in time.",
                )
                count += 1
    return count


def recover_lost_claims() -> int:
    """Requests whose worker is gone: unknown when a byte may have left, otherwise simply approved again."""
    lost = ChangeRequest.objects.filter(status=Status.APPLYING, lease_until__lt=database_now())
    return sum(_recover(change_id) for change_id in list(lost.values_list("pk", flat=True)[:BATCH]))


def _recover(change_id: int) -> bool:
    """Carry one lost claim on; what the database refuses of it is blocked."""
    try:
        with transaction.atomic():
            change = locked(change_id)
            if change.status != Status.APPLYING or change.lease_until >= database_now():
                return False
            if (call := change.calls.filter(status=CallStatus.SENT).first()) is not None:
                doubt_lost_claim(change, call)
            else:
                is_done = not change.calls.exclude(status=CallStatus.APPLIED).exists()
                words = "" if is_done else "The worker stopped before anything was sent."
                carry_on(change, actor=WORKER, explanation=words)
    except IntegrityError as refusal:
        block_refused(change_id, refusal)
    return True


def _one_after_another(work: Work, gateway: Gateway) -> int:
    return sum(1 for _change_id in _worked(work, gateway))


def _one_turn(work: Work, gateway: Gateway) -> bool:
    ends_at = time.monotonic() + TURN_SECONDS
    return any(time.monotonic() >= ends_at for _change_id in _worked(work, gateway))


def _worked(work: Work, gateway: Gateway) -> Iterator[int]:
    """Each request once: one that comes back to the queue meanwhile is for the next to come by."""
    count, passed = 0, set[int]()
    while (change_id := work(gateway, passed)) is not None:
        yield change_id
        count += 1
        passed.add(change_id)
        if count % BATCH == 0:
            open_ones = ChangeRequest.objects.filter(pk__in=passed, status__in=OPEN)
            passed = set(open_ones.values_list("pk", flat=True))


def _spread(works: list[Callable[[Gateway], int]], gateway: Gateway) -> int:
    def guarded(work: Callable[[Gateway], int]) -> int:
        try:
            return work(gateway)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=len(works), thread_name_prefix="changes") as pool:
        return sum(pool.map(guarded, works))
