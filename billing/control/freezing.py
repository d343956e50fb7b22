"""The freeze: one switch, with a reason, that stops every apply. Approved requests wait; nothing is lost."""

from __future__ import annotations

from functools import cache

from django.db import transaction
from django.db.models.functions import Now
from django.db.transaction import TransactionManagementError

from billing.audit import log
from billing.audit.actors import Actor, system
from billing.audit.events import Event
from billing.control.models import Freeze
from billing.lists.prepared import Question, planned_once

HELD_STILL = "countersign: the freeze"
SUBJECT = log.Subject(kind="control", id="applying", text="Applying of approved requests")


def state() -> Freeze:
    """The switch as it stands; never frozen on a new installation."""
    return Freeze.objects.filter(id=1).first() or Freeze(id=1)


def is_frozen(*, locked: bool = False) -> bool:
    """Whether nothing may be sent. `locked` holds the switch still until the transaction ends.

    Any number may hold it still at once. Whoever turns it waits for them, by a trigger (migration 0056), and
    whoever would hold it from then on waits for the turn: the lock is given in the order of asking.
    """
    if locked:
        if not transaction.get_connection().in_atomic_block:
            raise TransactionManagementError("the freeze is held still within a transaction only")
        with planned_once() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", [HELD_STILL])
    return (True,) in _switch().rows()


@cache
def _switch() -> Question:
    return Question(Freeze.objects.filter(id=1).values_list("frozen"))


def freeze(actor: Actor, reason: str) -> bool:
    """A person stops all applying. False when it was frozen already; then nothing is written."""
    return _turn(True, Freeze.Cause.PERSON, actor, reason, Event.APPLYING_FROZEN)


def unfreeze(actor: Actor, reason: str) -> bool:
    """A person lets applying go on. False when nothing was frozen."""
    return _turn(False, "", actor, reason, Event.APPLYING_UNFROZEN)


def halt(reason: str) -> bool:
    """The worker was turned away, or met another account: all applying stops until a person looks."""
    return _turn(True, Freeze.Cause.HALT, system("changes worker"), reason, Event.APPLYING_HALTED)


def _turn(frozen: bool, cause: str, actor: Actor, reason: str, event: Event) -> bool:
    with transaction.atomic():
        Freeze.objects.get_or_create(id=1)
        row = Freeze.objects.select_for_update().get(id=1)
        if row.frozen == frozen:
            return False
        old = {"frozen": row.frozen, "reason": row.reason}
        row.frozen, row.cause, row.reason, row.changed_by = frozen, cause, reason, actor.user
        row.changed_at = Now()
        row.save()
        log.record(
            event,
            actor=actor,
            subject=SUBJECT,
            old=old,
            new={"frozen": frozen, "cause": cause},
            reason=reason,
        )
        return True
