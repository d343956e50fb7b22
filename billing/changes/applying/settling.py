"""Finding out what became of a call without a trustworthy answer. No answer is not a no.

`find` may say *applied* at any time. *Not applied* counts only after the last sending has settled, and twice
with a pause between, or once with a person's word. What can't be told goes to a person, with every look
beside it; a resend that this person asks for still has to find the customer as it was approved. A blocked
request with a call in doubt is looked up, too, and goes no further for it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from billing.audit.events import Event
from billing.changes import sealed
from billing.changes.applying.blocking import block, block_refused
from billing.changes.applying.claiming import WORKER, Claim, ClaimLost, claim_doubt, claim_next_doubt, keeper
from billing.changes.applying.just_read import JustRead
from billing.changes.applying.looking import file_look, found_applied, look, look_at_named, record_found
from billing.changes.applying.reflecting import reflect
from billing.changes.applying.resending import MOST_GENERATIONS, is_too_old
from billing.changes.applying.verifying import Tampered, verified
from billing.changes.calls import locked_call, put
from billing.changes.models import Call, CallStatus, ChangeRequest, Resolution, Word, agreed_words
from billing.changes.moves import database_now, locked, move
from billing.changes.sealed import SealedRequest
from billing.changes.statuses import Status
from billing.control import freezing
from billing.metronome.account import Gateway
from billing.metronome.judging import is_key_clash
from billing.metronome.operations.base import Finding, Proof
from billing.metronome.outcomes import GatewayError, Halt, ReadFailed
from billing.mirror.connection import ensure_account

logger = logging.getLogger(__name__)

ASK_WITHOUT_A_LOOK = timedelta(hours=1)
WHILE_BLOCKED = timedelta(minutes=10)
"""How long after each other a blocked request is looked up: it waits for two people anyhow."""
LOOKED_INTO = (Status.UNKNOWN, Status.BLOCKED)
NEVER_STORED = frozenset({*range(300, 400), 401, 403, 429, 502, 503, 504})
"""Statuses answered before, or instead of, the work: Metronome keeps none under an idempotency key."""


def settle_change(change_id: int, gateway: Gateway) -> None:
    """Look once at an unknown request and file what was found."""
    claim = claim_doubt(change_id)
    if claim is not None:
        _settle(claim, gateway)


def settle_next(gateway: Gateway, passed: Collection[int]) -> int | None:
    """The same for the oldest doubt that is due and not among `passed`; its id, None when there is none."""
    claim = claim_next_doubt(passed)
    if claim is None:
        return None
    try:
        _settle(claim, gateway)
    except Exception:  # the row still says where it stands; a later look goes on from there
        logger.exception("looking into request %s failed", claim.change_id)
    return claim.change_id


def _settle(claim: Claim, gateway: Gateway) -> None:
    change = ChangeRequest.objects.get(pk=claim.change_id)
    call = change.calls.filter(status=CallStatus.UNKNOWN).order_by("position").first()
    if call is None:
        logger.error("%s is unknown, but none of its calls is", change.reference)
        return
    request = _to_look_for(claim)
    if request is None:
        return
    just_read = JustRead()
    try:
        with gateway.keeping(keeper(claim)), gateway.noting(just_read.note):
            ensure_account(gateway)
            finding, named = look(gateway, request, call), _named_by_a_person(change)
            if named is not None and finding.proof != Proof.APPLIED:
                finding = look_at_named(gateway, request, call, str(named.made_id))
    except ClaimLost:
        return
    except Halt as alarm:
        _look_later(claim, f"Metronome could not be asked: {alarm.message}")
        freezing.halt(alarm.message)
        return
    except GatewayError as failure:
        pause = failure.retry_after_seconds if isinstance(failure, ReadFailed) else None
        _look_later(claim, f"Metronome could not be asked: {failure.message}", pause)
        return
    try:
        _file(claim, call.pk, finding, named)
    except IntegrityError as refusal:
        block_refused(claim.change_id, refusal)
        return
    reflect(claim.change_id, gateway, just_read)


def _to_look_for(claim: Claim) -> SealedRequest | None:
    """The request as it was approved. One that is not is blocked, and looked up while its text is whole."""
    with transaction.atomic():
        change = locked(claim.change_id)
        if change.claim_token != claim.token or change.status not in LOOKED_INTO:
            return None
        try:
            return verified(change)
        except Tampered as difference:
            if change.status == Status.UNKNOWN:
                block(change, f"This is not what was approved: {difference}.")
                return None
            if sealed.digest_of(change.sealed) == change.digest:
                return sealed.read(change.sealed)
            _wait(change, database_now() + WHILE_BLOCKED, change.explanation)
            return None


def _file(claim: Claim, call_id: int, finding: Finding, named: Resolution | None) -> None:
    with transaction.atomic():
        change = locked(claim.change_id)
        if change.claim_token != claim.token or change.status not in LOOKED_INTO:
            return
        call = locked_call(call_id)
        if change.status == Status.BLOCKED:
            _file_evidence(change, call, finding)
            return
        now = database_now()
        settles_at = _last_sent(call) + timedelta(seconds=settings.SETTLE_SECONDS)
        counts = now >= settles_at
        file_look(call, finding, at=now, counts=counts)
        if finding.proof == Proof.APPLIED:
            found_applied(change, call, finding)
        elif named is not None:
            _contradict(change, call, finding.sentence)
        elif not counts:
            _wait(change, min(settles_at, now + timedelta(seconds=30)), finding.sentence)
        elif _person_wants_resend(change) and finding.stands:
            _contradict(change, call, finding.sentence)
        elif _person_wants_resend(change):
            _send_again(change, call, finding.sentence, fresh_key=True)
        elif finding.proof == Proof.CANNOT_TELL:
            _ask_person(change, finding.sentence)
        elif _was_confirmed(call):
            _ask_person(
                change,
                f"{finding.sentence} Metronome had confirmed it, so somebody may have set it back.",
            )
        elif not _was_missing_before(call, now, settles_at):
            pause = timedelta(seconds=settings.SECOND_LOOK_SECONDS)
            _wait(change, now + pause, f"{finding.sentence} One more look decides.")
        elif is_too_old(call, now) or call.generation >= MOST_GENERATIONS:
            _ask_person(
                change,
                f"{finding.sentence} It was sent too long ago, or too often, to go again without a person.",
            )
        else:
            _send_again(change, call, finding.sentence)


def _file_evidence(change: ChangeRequest, call: Call, finding: Finding) -> None:
    """What a look at a blocked request shows: for the two who close it. Nothing of it goes on."""
    now = database_now()
    file_look(call, finding, at=now, counts=False)
    if finding.proof == Proof.APPLIED:
        put(call, CallStatus.APPLIED, result=finding.result)
        record_found(change, call, finding.sentence)
    _wait(change, now + WHILE_BLOCKED, change.explanation)


def _send_again(change: ChangeRequest, call: Call, sentence: str, *, fresh_key: bool = False) -> None:
    """Back to the queue. The generation rises when an answered error is stored under the key.

    fresh_key: a person asks for another effect, so an answer stored for the first one must not be replayed.
    """
    put(call, CallStatus.WAITING, finding="", is_new_effect=fresh_key or _is_an_error_stored(call))
    record_found(change, call, sentence)
    Resolution.objects.filter(change=change, carried_out_at__isnull=True).update(
        carried_out_at=database_now()
    )
    move(
        change,
        Status.APPROVED,
        actor=WORKER,
        event=Event.CHANGE_RETURNED,
        explanation=f"{sentence} It goes again if the customer is still as approved.",
    )


def _contradict(change: ChangeRequest, call: Call, sentence: str) -> None:
    """A person's word that the look speaks against: what they named is not what the call made, or what they
    want sent again is there. The doubt stays, and they read why.
    """
    record_found(change, call, sentence)
    change.resolutions.filter(carried_out_at__isnull=True).update(carried_out_at=database_now())
    _ask_person(change, f"{sentence} It is not sent again.")


def _is_an_error_stored(call: Call) -> bool:
    """Whether the last answer is an error of the work itself: kept under the key, it would be replayed."""
    last = call.attempts.order_by("-number").first()
    status = (last.evidence or {}).get("status") if last.outcome else None
    if status is None or status in NEVER_STORED or 200 <= status < 300:
        return False
    return not is_key_clash(status, last.evidence.get("body", ""))


def _wait(change: ChangeRequest, until: datetime, explanation: str) -> None:
    change.explanation = explanation
    change.next_try_at = until
    change.lease_until = None
    change.save(update_fields=["explanation", "next_try_at", "lease_until"])


def _ask_person(change: ChangeRequest, explanation: str) -> None:
    change.needs_person = True
    _wait(change, database_now() + timedelta(minutes=10), explanation)
    change.save(update_fields=["needs_person"])


def _look_later(claim: Claim, explanation: str, at_least_seconds: float | None = None) -> None:
    """Metronome could not be asked. Where that goes on, a person who sees more than we do may say."""
    pause = timedelta(seconds=max(30.0, at_least_seconds or 0.0))
    with transaction.atomic():
        change = locked(claim.change_id)
        if change.claim_token != claim.token or change.status not in LOOKED_INTO:
            return
        if change.status == Status.BLOCKED:
            _wait(change, database_now() + pause, change.explanation)
            return
        call, now = change.calls.get(status=CallStatus.UNKNOWN), database_now()
        is_said = change.resolutions.filter(carried_out_at__isnull=True).exists()
        if now > _last_sent(call) + ASK_WITHOUT_A_LOOK and not is_said:
            change.needs_person = True
            change.save(update_fields=["needs_person"])
            explanation = f"{explanation} That has gone on for long, so a person may say what became of it."
        _wait(change, now + pause, explanation)


def _last_sent(call: Call) -> datetime:
    return call.attempts.order_by("-number").values_list("sent_at", flat=True)[0]


def _was_missing_before(call: Call, now: datetime, settles_at: datetime) -> bool:
    """Whether an earlier look since the call settled found it missing, long enough ago."""
    pause = timedelta(seconds=settings.SECOND_LOOK_SECONDS)
    return call.lookups.filter(
        counts=True,
        verdict=Proof.NOT_APPLIED,
        looked_at__gte=settles_at,
        looked_at__lte=now - pause,
        looked_at__lt=now,
    ).exists()


def _was_confirmed(call: Call) -> bool:
    """Whether a sending under the present key got a 2xx in Metronome’s shape that no read bore out."""
    answers = call.attempts.filter(generation=call.generation).exclude(evidence=None)
    return any(
        200 <= (evidence.get("status") or 0) < 300 and evidence.get("body", "").strip()[:1] in ("", "{")
        for evidence in answers.values_list("evidence", flat=True)
    )


def _named_by_a_person(change: ChangeRequest) -> Resolution | None:
    """The word that waits for a look at the thing that it names."""
    return change.resolutions.filter(carried_out_at__isnull=True, made_id__isnull=False).first()


def _person_wants_resend(change: ChangeRequest) -> bool:
    """Whether somebody asked for another try, and a second person agreed where one is needed."""
    words = change.resolutions.filter(agreed_words(), verdict=Word.TRY_AGAIN)
    return words.filter(carried_out_at__isnull=True).exists()
