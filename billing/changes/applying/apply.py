"""Carrying out approved requests. The only module in Countersign that may send a writing operation.

Claim → check (sealed text, live read) → journal → send (no transaction open) → file; one call after another.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import timedelta

from django.db import IntegrityError, connection, transaction

from billing.audit.events import Event
from billing.changes.applying import filing
from billing.changes.applying.blocking import block, block_refused
from billing.changes.applying.claiming import (
    WORKER,
    Claim,
    ClaimLost,
    ClaimRefused,
    claim_change,
    claim_next,
    journal,
    keeper,
)
from billing.changes.applying.just_read import JustRead
from billing.changes.applying.lapsed import lapsed_approvals
from billing.changes.applying.looking import file_look, found_applied, look
from billing.changes.applying.memory import refuse_an_older_database, remember
from billing.changes.applying.reflecting import reflect
from billing.changes.applying.resending import why_not_again
from billing.changes.applying.verifying import Tampered, verified
from billing.changes.applying.watching import differences
from billing.changes.calls import calls_of, carry_on, locked_call, may_have_arrived, results_of
from billing.changes.local import LOCAL
from billing.changes.models import Attempt, Call, CallStatus, ChangeRequest
from billing.changes.moves import database_now, locked, move
from billing.changes.sealed import SealedRequest
from billing.changes.statuses import Status
from billing.control import freezing
from billing.metronome.account import Gateway
from billing.metronome.budget import BudgetExhausted
from billing.metronome.calls import Sending
from billing.metronome.operations import operation
from billing.metronome.operations.base import Finding, Proof
from billing.metronome.outcomes import GatewayError, Halt, NotSent, OutcomeUnknown, ReadFailed, Refused
from billing.mirror.connection import ensure_account

logger = logging.getLogger(__name__)

READ_RETRY_SECONDS = 30.0
WRITE_TOKEN_SECONDS = 20.0


def apply_change(change_id: int, gateway: Gateway) -> None:
    """Carry one approved request as far as it goes. Safe to call twice, by anyone, at any time."""
    try:
        claim = claim_change(change_id)
    except ClaimRefused as refusal:
        block_refused(change_id, refusal.__cause__)
    else:
        if claim is not None:
            _carry_out_claimed(claim, gateway)


def apply_next(gateway: Gateway, passed: Collection[int]) -> int | None:
    """The same for the oldest request that is due and not among `passed`; its id, None when there is none."""
    try:
        claim = claim_next(passed)
    except ClaimRefused as refusal:
        block_refused(refusal.change_id, refusal.__cause__)
        return refusal.change_id
    if claim is None:
        return None
    try:
        _carry_out_claimed(claim, gateway)
    except Exception:  # the row still says where it stands; the sweep goes on from there
        logger.exception("carrying out request %s failed", claim.change_id)
    return claim.change_id


def _carry_out_claimed(claim: Claim, gateway: Gateway) -> None:
    just_read = JustRead()
    try:
        with gateway.keeping(keeper(claim)), gateway.noting(just_read.note):
            _carry_on(claim, gateway)
    except IntegrityError as refusal:
        block_refused(claim.change_id, refusal)
        return
    except ClaimLost:  # whoever recovers it has written why; nothing may be sent or filed under this claim
        logger.warning("the claim on request %s was lost before anything was sent", claim.change_id)
        return
    reflect(claim.change_id, gateway, just_read)


def _carry_on(claim: Claim, gateway: Gateway) -> None:
    request = _verified_or_blocked(claim)
    if request is None:
        return
    try:
        refuse_an_older_database(gateway.config.installation)
        ensure_account(gateway)
    except GatewayError as failure:
        _release_unread(claim, failure)
        return
    for call in calls_of(claim.change_id):
        if call.status != CallStatus.APPLIED and not _carry_out(claim, request, call, gateway):
            return
    _finish(claim)


def _carry_out(claim: Claim, request: SealedRequest, call: Call, gateway: Gateway) -> bool:
    """Check, journal, send and file one call. True when it took effect and the claim still holds."""
    if not _is_still_right(claim, request, call, gateway):
        return False
    if call.operation in LOCAL:
        return _carry_out_here(claim, request, call)
    try:
        gateway.take_write_token(WRITE_TOKEN_SECONDS)
    except BudgetExhausted as problem:
        _release(claim, f"{problem} It is tried again.", max(5.0, problem.wait_seconds))
        return False
    journalled = journal(claim, request, call)
    if journalled is None:
        _release(
            claim,
            f"Applying was frozen before call {call.position} was sent." if freezing.is_frozen() else "",
        )
        return False
    remember(journalled[0], gateway.config.installation)
    connection.close()  # nothing of the database is held while the call is on its way
    with gateway.keeping(keeper(claim, even_if_lost=True)):
        return _send(claim, *journalled, request, gateway)


def _carry_out_here(claim: Claim, request: SealedRequest, call: Call) -> bool:
    """Do what is ours to do, in one transaction with its record: nothing leaves, so nothing is in doubt."""
    with transaction.atomic():
        change = _held(claim)
        if change is None:
            return False
        if freezing.is_frozen(locked=True):
            _release(claim, "Applying was frozen before it was done.")
            return False
        if lapsed_approvals(change):
            _release(claim, "")
            return False
        call = locked_call(call.pk)
        result = LOCAL[call.operation].carry_out(change, request.call(call.position).params)
        filing.file_done_here(change, call, result)
    return True


def _send(claim: Claim, attempt: Attempt, sending: Sending, request: SealedRequest, gateway: Gateway) -> bool:
    call = attempt.call
    try:
        result = operation(call.operation).send(gateway, sending)
    except NotSent as delay:
        filing.file_not_sent(claim, attempt, delay, retry_after=delay.retry_after_seconds)
    except Refused as refusal:
        if _stands_all_the_same(request, call, gateway):
            doubt = f"Metronome said “{refusal.message}”, but what was asked for stands."
            filing.file_unknown(claim, attempt, OutcomeUnknown(doubt, refusal.evidence))
        else:
            filing.file_refused(claim, attempt, refusal)
    except Halt as alarm:
        filing.file_not_sent(claim, attempt, alarm)
        freezing.halt(alarm.message)
    except OutcomeUnknown as doubt:
        filing.file_unknown(claim, attempt, doubt)
    except Exception as problem:  # whatever it was, bytes may have left: never a free retry
        logger.exception("sending %s ended in an unforeseen way", attempt.reference)
        filing.file_unknown(claim, attempt, OutcomeUnknown(f"unforeseen: {problem!r}", None))
    else:
        return filing.file_applied(claim, attempt, result)
    return False


def _stands_all_the_same(request: SealedRequest, call: Call, gateway: Gateway) -> bool:
    """Whether a look shows the effect of a call that was refused: a *no* after the fact is none."""
    try:
        return look(gateway, request, call).proof == Proof.APPLIED
    except GatewayError:
        return False


def _verified_or_blocked(claim: Claim) -> SealedRequest | None:
    with transaction.atomic():
        change = locked(claim.change_id)
        if change.claim_token != claim.token:
            return None
        try:
            return verified(change)
        except Tampered as difference:
            block(change, f"This is not what was approved: {difference}.")
            return None


def _is_still_right(claim: Claim, request: SealedRequest, call: Call, gateway: Gateway) -> bool:
    """Look again for an effect of an earlier sending, and read the live subject.

    Else it ends here: our own effect, a doubt, stale, or after a first call partly applied.
    """
    finding, moved = None, []
    try:
        if may_have_arrived(call):
            finding = look(gateway, request, call)
        if finding is None or finding.proof != Proof.APPLIED:
            results = results_of(call.change) if call.position > 1 else {}
            moved = differences(gateway, request, request.call(call.position), results)
            moved += lapsed_approvals(call.change)
    except GatewayError as failure:
        _release_unread(claim, failure)
        return False
    if finding is None and not moved:
        return True
    with transaction.atomic():
        change = _held(claim)
        if change is None:
            return False
        if finding is not None:
            call = locked_call(call.pk)
            file_look(call, finding, at=database_now(), counts=False)
            if finding.proof == Proof.APPLIED:
                found_applied(change, call, finding)
                return False
        if moved:
            _file_moved(change, call, " ".join(difference.sentence for difference in moved), finding)
            return False
        if doubt := why_not_again(change, call, finding):
            filing.doubt_resend(change, call, doubt)
            return False
    return True


def _file_moved(change: ChangeRequest, call: Call, explanation: str, finding: Finding | None) -> None:
    """What it means that something is not as approved; `finding` is what became of a call sent before."""
    if finding is not None and filing.is_in_doubt(call, finding.proof):
        return filing.doubt_resend(change, call, f"{explanation} {finding.sentence}")
    if call.position == 1:
        return move(change, Status.STALE, actor=WORKER, event=Event.CHANGE_STALED, explanation=explanation)
    return move(
        change,
        Status.PARTLY_APPLIED,
        actor=WORKER,
        event=Event.CHANGE_PARTLY_APPLIED,
        explanation=f"Call {call.position} was not sent. {explanation}",
        needs_person=True,
    )


def _release(claim: Claim, why: str, retry_seconds: float = 1.0) -> None:
    """Give an unsent request back: applying → approved. The sweep takes it again."""
    with transaction.atomic():
        change = _held(claim)
        if change is None:
            return
        move(
            change,
            Status.APPROVED,
            actor=WORKER,
            event=Event.CHANGE_RETURNED,
            explanation=why,
            next_try_at=database_now() + timedelta(seconds=retry_seconds),
        )


def _release_unread(claim: Claim, failure: GatewayError) -> None:
    """The same where nothing could be read: later, when Metronome, or the budget, lets us; or all stops."""
    if isinstance(failure, Halt):
        _release(claim, failure.message)
        freezing.halt(failure.message)
        return
    asked = failure.retry_after_seconds if isinstance(failure, ReadFailed) else None
    pause = max(READ_RETRY_SECONDS, asked or 0.0)
    _release(claim, f"Metronome could not be read: {failure.message}", pause)


def _finish(claim: Claim) -> None:
    with transaction.atomic():
        change = _held(claim)
        if change is not None:
            carry_on(change, actor=WORKER, explanation="")


def _held(claim: Claim) -> ChangeRequest | None:
    change = locked(claim.change_id)
    return change if change.claim_token == claim.token and change.status == Status.APPLYING else None
