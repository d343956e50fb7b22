"""Stopping a request for good: it is not what was approved, or the database refuses what the worker would do.

Nothing more is sent of it. Two people read why and close it; the record tells of it once.
"""

from __future__ import annotations

import logging

from django.db import IntegrityError, transaction

from billing.audit.events import Event
from billing.changes.applying.claiming import WORKER
from billing.changes.applying.filing import FIRST_LOOK
from billing.changes.calls import put
from billing.changes.holds import release
from billing.changes.models import CallStatus, ChangeRequest
from billing.changes.moves import database_now, locked, move
from billing.changes.statuses import Status

logger = logging.getLogger(__name__)


def block(change: ChangeRequest, why: str) -> None:
    """Block a locked request that is approved, applying or unknown, with a sentence for people.

    It keeps what it holds. A call that may have left stays in doubt, is looked up and never sent again; where
    nothing was ever sent, nobody else waits for it. A word that waited to be carried out never is.
    """
    logger.error("%s is blocked: %s", change.reference, why)
    if call := change.calls.filter(status=CallStatus.SENT).first():
        put(call, CallStatus.UNKNOWN, finding="")
    change.resolutions.filter(carried_out_at__isnull=True).update(carried_out_at=database_now())
    was_sent = change.calls.exclude(status=CallStatus.WAITING, first_sent_at__isnull=True).exists()
    move(
        change,
        Status.BLOCKED,
        actor=WORKER,
        event=Event.CHANGE_BLOCKED,
        explanation=f"{why} Nothing more is sent." if was_sent else f"{why} It is not sent.",
        next_try_at=database_now() + FIRST_LOOK if was_sent else None,
        needs_person=True,
    )
    if not was_sent:
        release(change, is_settled=False)


def block_refused(change_id: int, refusal: IntegrityError) -> None:
    """Block a request of which the database has just refused a step; that step is undone already."""
    with transaction.atomic():
        change = locked(change_id)
        if change.status not in (Status.APPROVED, Status.APPLYING, Status.UNKNOWN):
            return
        block(change, f"The database refused to go on with it: {first_line(refusal)}.")


def first_line(refusal: IntegrityError) -> str:
    """What the database said, without its context."""
    return (str(refusal).splitlines() or ["no reason given"])[0].strip().rstrip(".")
