"""Filing how one sending ended, each with its audit row, guarded by the attempt and the claim.

An answer that arrives after the lease was lost is never dropped: it is evidence on its attempt, settles the
call if that is still unknown, and raises an incident if the call was sent again meanwhile.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction

from billing.audit import log
from billing.audit.events import Event
from billing.changes.applying.claiming import WORKER, Claim
from billing.changes.calls import carry_on, earlier_silence, has_silent_sending, locked_call, put
from billing.changes.models import Attempt, AttemptOutcome, Call, CallStatus, ChangeRequest
from billing.changes.moves import DatabaseNow, about, database_now, locked, move
from billing.changes.statuses import Status
from billing.metronome.operations.base import Proof
from billing.metronome.outcomes import Evidence, GatewayError, Halt

FIRST_LOOK = timedelta(seconds=5)
EVENTS = {
    AttemptOutcome.APPLIED: Event.CALL_APPLIED,
    AttemptOutcome.NOT_SENT: Event.CALL_NOT_SENT,
    AttemptOutcome.REFUSED: Event.CALL_REFUSED,
    AttemptOutcome.HALTED: Event.CALL_HALTED,
    AttemptOutcome.UNKNOWN: Event.CALL_DOUBTED,
}


def file_applied(claim: Claim, attempt: Attempt, result: dict[str, Any]) -> bool:
    """The call took effect. True when the claim still holds and the next call may follow."""
    with transaction.atomic():
        change, call, holds = _file(claim, attempt, AttemptOutcome.APPLIED, "", None, result)
        if not holds:
            _late(change, call, attempt, AttemptOutcome.APPLIED, result)
            return False
        put(call, CallStatus.APPLIED, result=result)
        return True


def file_done_here(change: ChangeRequest, call: Call, result: dict[str, Any]) -> None:
    """A local operation is carried out, in the caller's transaction."""
    put(call, CallStatus.APPLIED, result=result)
    log.record(
        Event.CALL_APPLIED,
        actor=WORKER,
        subject=about(change),
        new={"call": call.position, "operation": call.operation, "result": result},
    )


def file_not_sent(
    claim: Claim, attempt: Attempt, failure: GatewayError, *, retry_after: float | None = None
) -> None:
    """Surely nothing happened: the same call and key, later; turned away: once applying goes on."""
    outcome = AttemptOutcome.HALTED if isinstance(failure, Halt) else AttemptOutcome.NOT_SENT
    with transaction.atomic():
        change, call, holds = _file(claim, attempt, outcome, failure.message, failure.evidence)
        if not holds:
            return _late(change, call, attempt, outcome)
        if earlier_silence(call, before=attempt):
            return _doubt(change, call, failure.message)
        put(call, CallStatus.WAITING)
        pause = None if retry_after is None else timedelta(seconds=max(retry_after, 1.0))
        return move(
            change,
            Status.APPROVED,
            actor=WORKER,
            event=Event.CHANGE_RETURNED,
            explanation=f"Not sent: {failure.message}",
            next_try_at=None if pause is None else database_now() + pause,
        )


def file_refused(claim: Claim, attempt: Attempt, failure: GatewayError) -> None:
    """Metronome said no; nothing of this call happened. Its words go to people as they are."""
    with transaction.atomic():
        change, call, holds = _file(claim, attempt, AttemptOutcome.REFUSED, failure.message, failure.evidence)
        if not holds:
            return _late(change, call, attempt, AttemptOutcome.REFUSED)
        put(call, CallStatus.REFUSED)
        if call.position == 1:
            return move(
                change,
                Status.REFUSED,
                actor=WORKER,
                event=Event.CHANGE_REFUSED,
                explanation=failure.message,
            )
        return move(
            change,
            Status.PARTLY_APPLIED,
            actor=WORKER,
            event=Event.CHANGE_PARTLY_APPLIED,
            explanation=f"Call {call.position} was refused by Metronome: {failure.message}",
            needs_person=True,
        )


def file_unknown(claim: Claim, attempt: Attempt, failure: GatewayError) -> None:
    """No trustworthy answer: the call may have taken effect. It is looked up, never just sent again."""
    with transaction.atomic():
        change, call, holds = _file(claim, attempt, AttemptOutcome.UNKNOWN, failure.message, failure.evidence)
        if not holds:
            return _late(change, call, attempt, AttemptOutcome.UNKNOWN)
        return _doubt(change, call, failure.message)


def doubt_lost_claim(change: ChangeRequest, call: Call) -> None:
    """A worker died after journalling: its bytes may still arrive. Called with the request locked."""
    _doubt(change, call, "The worker stopped while the call was on its way; no answer was filed.")


def is_in_doubt(call: Call, seen: Proof) -> bool:
    """Whether an earlier sending without an answer may have taken effect, now that a look has `seen` this.

    A *no* of this look alone settles nothing: one before it, since the last sending, has to say so, too.
    """
    last = call.attempts.order_by("-number").first()
    if last is None or not has_silent_sending(call):
        return False
    looks = call.lookups.filter(looked_at__gte=last.sent_at, verdict=Proof.NOT_APPLIED, counts=True)
    return seen != Proof.NOT_APPLIED or not looks.exists()


def doubt_resend(change: ChangeRequest, call: Call, explanation: str) -> None:
    """A resend would be a guess, since nobody knows what an earlier sending did: a person looks."""
    _doubt(change, call, f"It was not sent again. {explanation}", needs_person=True)


def _file(
    claim: Claim,
    attempt: Attempt,
    outcome: AttemptOutcome,
    message: str,
    evidence: Evidence | None,
    result: dict[str, Any] | None = None,
) -> tuple[ChangeRequest, Call, bool]:
    change = locked(claim.change_id)
    call = locked_call(attempt.call_id)
    holds = (
        change.status == Status.APPLYING
        and change.claim_token == claim.token
        and call.status == CallStatus.SENT
    )
    filed = Attempt.objects.filter(pk=attempt.pk, outcome__isnull=True).update(
        outcome=outcome,
        message=message,
        evidence=evidence.as_json() if evidence else {"result": result},
        answered_at=DatabaseNow(),
        arrived_late=not holds,
    )
    if filed:
        log.record(
            EVENTS[outcome] if holds else Event.CALL_ANSWERED_LATE,
            actor=WORKER,
            subject=about(change, answered=result),
            new={
                "call": call.position,
                "attempt": attempt.reference,
                "outcome": outcome.value,
                **({"message": message} if message else {}),
                **({"result": result} if result else {}),
            },
        )
    return change, call, holds and bool(filed)


def _doubt(change: ChangeRequest, call: Call, message: str, *, needs_person: bool = False) -> None:
    put(call, CallStatus.UNKNOWN, finding="")
    move(
        change,
        Status.UNKNOWN,
        actor=WORKER,
        event=Event.CHANGE_DOUBTED,
        explanation=message,
        facts={"call": call.position},
        next_try_at=database_now() + FIRST_LOOK,
        needs_person=needs_person,
    )


def _late(
    change: ChangeRequest,
    call: Call,
    attempt: Attempt,
    outcome: AttemptOutcome,
    result: dict[str, Any] | None = None,
) -> None:
    sent_again = call.attempts.filter(number__gt=attempt.number).exists()
    if sent_again:
        change.needs_person = change.is_open
        change.explanation = (
            f"Incident: the answer to {attempt.reference} ({outcome.label.lower()}) arrived after the call "
            f"was sent again. Compare the attempts with Metronome’s own log."
        )
        change.save(update_fields=["needs_person", "explanation"])
        return
    if outcome == AttemptOutcome.APPLIED and call.status == CallStatus.UNKNOWN:
        words = "The answer arrived late, and said that it was applied."
        put(call, CallStatus.APPLIED, result=result, finding=words)
        if change.status == Status.UNKNOWN:
            carry_on(change, actor=WORKER, explanation="The answer arrived late.")
