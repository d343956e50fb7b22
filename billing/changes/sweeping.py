"""The sweep: approved requests that nobody took, leases that ran out, doubts to look at, time that ran out.

Everything it needs is in rows: an emptied Redis, a lost message or a killed worker costs time, no change.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.db import connection, connections, transaction
from django.db.models import Q

from billing.audit.actors import system
from billing.audit.events import Event
from billing.changes.apply import apply_change
from billing.changes.claiming import WORKER
from billing.changes.filing import doubt_lost_claim
from billing.changes.models import CallStatus, ChangeRequest
from billing.changes.moves import database_now, locked, move
from billing.changes.settling import settle_change
from billing.changes.statuses import Status
from billing.control.freezing import is_frozen
from billing.metronome.client import Gateway

logger = logging.getLogger(__name__)

BATCH = 50
THREADS = 4
LOCK = "countersign: sweep of changes"


def sweep(gateway: Gateway) -> int:
    """Carry everything on as far as it goes now; how many requests were touched. One sweep runs at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
    try:
        expire()
        recover_lost_claims()
        doubts = due_doubts()
        _spread(doubts, lambda change_id: settle_change(change_id, gateway))
        ready = [] if is_frozen() else due_approved()
        _spread(ready, lambda change_id: apply_change(change_id, gateway))
        return len(doubts) + len(ready)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [LOCK])


def expire(now: datetime | None = None) -> int:
    """Settle requests that nobody decided, or that never got their turn, in time by the database’s clock."""
    overdue = ChangeRequest.objects.filter(
        status__in=[Status.SUBMITTED, Status.APPROVED],
        expires_at__lte=now or database_now(),
        blocked_at__isnull=True,
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
    count = 0
    for change_id in list(lost.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            change = locked(change_id)
            if change.status != Status.APPLYING or change.lease_until >= database_now():
                continue
            call = change.calls.exclude(status=CallStatus.APPLIED).order_by("position").first()
            if call is not None and call.status == CallStatus.SENT:
                doubt_lost_claim(change, call)
            elif call is None:
                move(change, Status.APPLIED, actor=WORKER, event=Event.CHANGE_APPLIED)
            else:
                move(
                    change,
                    Status.APPROVED,
                    actor=WORKER,
                    event=Event.CHANGE_RETURNED,
                    explanation="The worker stopped before anything was sent.",
                )
            count += 1
    return count


def due_approved() -> list[int]:
    """Approved requests whose time has come, oldest first."""
    now = database_now()
    return list(
        ChangeRequest.objects.filter(
            Q(not_before__isnull=True) | Q(not_before__lte=now),
            Q(next_try_at__isnull=True) | Q(next_try_at__lte=now),
            status=Status.APPROVED,
            blocked_at__isnull=True,
        )
        .order_by("submitted_at")
        .values_list("pk", flat=True)[:BATCH]
    )


def due_doubts() -> list[int]:
    """Unknown requests whose next look is due."""
    now = database_now()
    return list(
        ChangeRequest.objects.filter(
            Q(next_try_at__isnull=True) | Q(next_try_at__lte=now),
            Q(lease_until__isnull=True) | Q(lease_until__lt=now),
            status=Status.UNKNOWN,
        )
        .order_by("submitted_at")
        .values_list("pk", flat=True)[:BATCH]
    )


def _spread(change_ids: list[int], work: Callable[[int], None]) -> None:
    """Do the work on a few bounded threads; one request's failure never stops the others."""
    if not change_ids:
        return

    def guarded(change_id: int) -> None:
        try:
            work(change_id)
        except Exception:  # the row still says where it stands; the next sweep goes on from there
            logger.exception("carrying on request %s failed", change_id)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="changes") as pool:
        list(pool.map(guarded, change_ids))
