"""Stopping a request for good: it is not what was approved, or the database refuses what the worker would do.

Nothing more is sent of it. A person reads why, and can leave it as it stands; the record tells of it once.
"""

from __future__ import annotations

import logging

from django.db import IntegrityError, transaction

from billing.audit import log
from billing.audit.events import Event
from billing.changes.applying.claiming import WORKER
from billing.changes.applying.filing import doubt_lost_claim
from billing.changes.models import CallStatus, ChangeRequest
from billing.changes.moves import about, database_now, locked, move
from billing.changes.statuses import Status

logger = logging.getLogger(__name__)


def block(change: ChangeRequest, why: str) -> None:
    """Block a locked request that is approved, applying or unknown, with a sentence for people.

    Applying goes back to approved, unless a call is on its way: then it is unknown first, and blocked there.
    """
    logger.error("%s is blocked: %s", change.reference, why)
    if change.status == Status.APPLYING and (call := change.calls.filter(status=CallStatus.SENT).first()):
        doubt_lost_claim(change, call)
    sent = change.calls.exclude(status=CallStatus.WAITING).exists()
    sentence = f"{why} Nothing more is sent." if sent else f"{why} It is not sent."
    if change.status == Status.APPLYING:
        move(
            change,
            Status.APPROVED,
            actor=WORKER,
            event=Event.CHANGE_BLOCKED,
            explanation=sentence,
            blocked_at=database_now(),
            needs_person=True,
        )
        return
    change.blocked_at, change.needs_person, change.explanation = database_now(), True, sentence
    change.claim_token = change.lease_until = None
    change.save(update_fields=["blocked_at", "needs_person", "explanation", "claim_token", "lease_until"])
    log.record(
        Event.CHANGE_BLOCKED,
        actor=WORKER,
        subject=about(change),
        old={"status": change.status},
        new={"status": change.status, "explanation": sentence},
    )


def block_refused(change_id: int, refusal: IntegrityError) -> None:
    """Block a request of which the database has just refused a step; that step is undone already."""
    with transaction.atomic():
        change = locked(change_id)
        if change.blocked_at or change.status not in (Status.APPROVED, Status.APPLYING, Status.UNKNOWN):
            return
        block(change, f"The database refused to go on with it: {first_line(refusal)}.")


def first_line(refusal: IntegrityError) -> str:
    """What the database said, without its context."""
    return (str(refusal).splitlines() or ["no reason given"])[0].strip().rstrip(".")
