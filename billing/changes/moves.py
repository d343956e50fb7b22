"""The one way a request's status changes: along an arrow, with its audit row, in one transaction."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import DateTimeField, Func

from billing.audit import log
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.changes import telling
from billing.changes.holds import release
from billing.changes.models import ChangeRequest
from billing.changes.refusals import WrongState
from billing.changes.statuses import ARROWS, IN_DOUBT, SETTLED, Status
from billing.lists.prepared import NOBODY, Records


def database_now() -> datetime:
    """The database's wall clock; leases and settle times are judged by this one alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


class DatabaseNow(Func):
    """The same clock within a statement: one that is run anyway need not ask for the time before."""

    function = "clock_timestamp"
    output_field = DateTimeField()
    arity = 0


def locked(change_id: int) -> ChangeRequest:
    """The request, locked until the transaction ends."""
    return _only(_one_locked().asked(change=change_id))


def as_it_is(change_id: int) -> ChangeRequest:
    """The request as it stands now, held by nobody."""
    return _only(_one().asked(change=change_id))


def _only(found: list[ChangeRequest]) -> ChangeRequest:
    if not found:
        raise ChangeRequest.DoesNotExist("There is no such request.")
    return found[0]


@cache
def _one() -> Records:
    return Records(ChangeRequest.objects.filter(pk=NOBODY), change=NOBODY)


@cache
def _one_locked() -> Records:
    one = ChangeRequest.objects.filter(pk=NOBODY)
    return Records(one.select_for_update(of=("self",), no_key=True), change=NOBODY)


def about(change: ChangeRequest, *, answered: dict[str, Any] | None = None) -> log.Subject:
    """The request as the subject of an audit event; answered: the result of its call, if that is told."""
    customer_id = change.about_customer or (answered or {}).get("id")  # the first call makes the customer
    return log.Subject(
        kind="change",
        id=str(change.uuid),
        text=change.sentence,
        customer_id=customer_id,
        customer_name=change.subject_text,
        reference=change.reference,
        digest=change.digest,
    )


def claimed(change: ChangeRequest, *, token: UUID, until: datetime) -> None:
    """Put a locked request into a worker's hands until then. No event: its first call tells of it."""
    _along(change, Status.APPLYING)
    change.claim_token, change.lease_until = token, until
    change.save(update_fields=["status", "claim_token", "lease_until"])


def move(
    change: ChangeRequest,
    to: Status,
    *,
    actor: Actor,
    event: Event,
    explanation: str = "",
    reason: str = "",
    facts: dict[str, Any] | None = None,
    **columns: Any,
) -> None:
    """Move a locked request to `to`, with `columns`; record it, and tell whom it concerns.

    Settling lets go of what it holds, and leaving doubt behind frees its owners for others.

    Raises WrongState where there is no such arrow; nothing is written then.
    """
    old = _along(change, to)
    change.explanation = explanation
    change.needs_person = columns.pop("needs_person", False)
    change.next_try_at = columns.pop("next_try_at", None)
    change.claim_token = None
    change.lease_until = None
    for name, value in columns.items():
        setattr(change, name, value)
    if to in SETTLED:
        change.settled_at = database_now()
    change.save(
        update_fields=[
            "status",
            "explanation",
            "needs_person",
            "next_try_at",
            "claim_token",
            "lease_until",
            "settled_at",
            *columns,
        ]
    )
    if to in SETTLED or (old in IN_DOUBT and to == Status.APPROVED):
        release(change, is_settled=to in SETTLED)
    log.record(
        event,
        actor=actor,
        subject=about(change),
        old={"status": str(old)},
        new={"status": str(to), **(facts or {}), **({"explanation": explanation} if explanation else {})},
        reason=reason,
    )
    telling.moved(change, old)


def _along(change: ChangeRequest, to: Status) -> Status:
    """Set the status where an arrow leads there; the one it had. Raises WrongState."""
    old = Status(change.status)
    if to not in ARROWS[old]:
        raise WrongState(f"{change.reference} is {old.label.lower()}, so this can't be done any more.")
    change.status = to
    return old
