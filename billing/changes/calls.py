"""The life of one sealed call, beside its request's (statuses.py), and the one way on once it took effect."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db.models import Q

from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.changes.models import Attempt, AttemptOutcome, Call, CallStatus, ChangeRequest
from billing.changes.moves import database_now, move
from billing.changes.refusals import WrongState
from billing.changes.statuses import Status
from billing.lists.prepared import NOBODY, Records

ARROWS: dict[CallStatus, dict[CallStatus, str]] = {
    CallStatus.WAITING: {
        CallStatus.SENT: "Its attempt is journalled; a byte may leave.",
        CallStatus.APPLIED: "Before it went again, a look found that it had taken effect.",
        CallStatus.UNKNOWN: "Before it went again, a look could not tell, or what it writes to had moved.",
    },
    CallStatus.SENT: {
        CallStatus.APPLIED: "Metronome confirmed it, and it reads so.",
        CallStatus.REFUSED: "Metronome said no in its own words.",
        CallStatus.WAITING: "Surely nothing happened.",
        CallStatus.UNKNOWN: "No trustworthy answer came.",
    },
    CallStatus.UNKNOWN: {
        CallStatus.APPLIED: "A look, a late answer or a person says that it took effect.",
        CallStatus.WAITING: "Looks found that it did not happen: it goes again.",
    },
    CallStatus.REFUSED: {CallStatus.WAITING: "A person decided to go on with it."},
    CallStatus.APPLIED: {},
}
"""From → to → when. PostgreSQL has the same arrows (migration 0016); a test compares the two."""

SILENT = Q(outcome__isnull=True) | Q(outcome=AttemptOutcome.UNKNOWN)
"""Attempts that never got an answer which settled them."""


def put(
    call: Call,
    to: CallStatus,
    *,
    result: dict[str, Any] | None = None,
    finding: str | None = None,
    is_new_effect: bool = False,
) -> None:
    """Move a locked call along an arrow. `result` is kept with *applied* alone.

    finding: the words beside it from now on. is_new_effect: the next sending goes under another key.
    Raises WrongState where there is no such arrow; nothing is written then.
    """
    if to not in ARROWS[CallStatus(call.status)]:
        raise WrongState(f"Call {call.position} is {call.get_status_display().lower()}, not on its way.")
    call.status, call.result = to, result
    is_settled = to in (CallStatus.APPLIED, CallStatus.REFUSED)
    call.settled_at = database_now() if is_settled else None
    if finding is not None:
        call.finding = finding
    if is_new_effect:
        call.generation += 1
    call.save(update_fields=["status", "result", "settled_at", "finding", "generation"])


def carry_on(change: ChangeRequest, *, actor: Actor, explanation: str, reason: str = "") -> None:
    """A call took effect: a locked request is applied when it was the last, else its next ones are due."""
    if any(call.status != CallStatus.APPLIED for call in calls_of(change.pk)):
        to, event = Status.APPROVED, Event.CHANGE_RETURNED
    else:
        to, event = Status.APPLIED, Event.CHANGE_APPLIED
    move(change, to, actor=actor, event=event, explanation=explanation, reason=reason)


def calls_of(change_id: int) -> list[Call]:
    """The calls of a request, in their order."""
    return _calls().asked(change=change_id)


@cache
def _calls() -> Records:
    return Records(Call.objects.filter(change_id=NOBODY).order_by("position"), change=NOBODY)


def locked_call(call_id: int) -> Call:
    """A call, locked until the transaction ends; its request is locked before it."""
    return _one_locked().asked(call=call_id)[0]


@cache
def _one_locked() -> Records:
    return Records(Call.objects.filter(pk=NOBODY).select_for_update(no_key=True).order_by(), call=NOBODY)


def results_of(change: ChangeRequest) -> dict[int, dict[str, Any]]:
    """What the calls that took effect have returned, by their number."""
    return results_in(calls_of(change.pk))


def results_in(calls: list[Call]) -> dict[int, dict[str, Any]]:
    """The same of calls that were read already."""
    return {call.position: call.result or {} for call in calls if call.status == CallStatus.APPLIED}


def may_have_arrived(call: Call) -> bool:
    """Whether bytes of an earlier sending may have reached Metronome: all but one that made no connection."""
    return call.first_sent_at is not None and any(
        attempt.outcome != AttemptOutcome.NOT_SENT or (attempt.evidence or {}).get("status") is not None
        for attempt in call.attempts.all()
    )


def has_silent_sending(call: Call) -> bool:
    """Whether some sending of this call never got an answer that settled it."""
    return call.attempts.filter(SILENT).exists()


def earlier_silence(call: Call, *, before: Attempt) -> bool:
    """Whether a sending before this one never got an answer that settled it."""
    return call.attempts.filter(SILENT, number__lt=before.number).exists()
