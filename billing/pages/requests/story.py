"""A request's story and the evidence of its calls, in the shapes that its page draws."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes import sealed
from billing.changes.glance import ANY_REFERENCE
from billing.changes.models import Attempt, Call, CallStatus, ChangeRequest, Lookup
from billing.changes.sealed import SealedRequest
from billing.lists.prepared import Records

SAID_NO = "not_applied"
"""The verdict of a look that did not find what a call was to do."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One piece of evidence about a call: a sending (`attempt`) or a look at Metronome (`look`).

    is_on_its_way: a sending whose answer the worker still waits for; nothing about it is in doubt.
    is_too_early: a look that said no so soon after the sending that it may still have arrived afterwards.
    """

    at: datetime
    attempt: Attempt | None = None
    look: Lookup | None = None
    is_on_its_way: bool = False
    is_too_early: bool = False


def evidence(call: Call, *, is_claimed: bool) -> list[Exhibit]:
    """What was sent and what was found, in order; empty for a call that simply goes through, or waits.

    is_claimed: a worker holds the request, and its lease has not run out.
    """
    attempts, looks = list(call.attempts.all()), list(call.lookups.all())
    on_its_way = attempts[-1:] if is_claimed and call.status == CallStatus.SENT else []
    answered = [attempt for attempt in attempts if attempt not in on_its_way]
    if not looks and (not answered or call.status == CallStatus.APPLIED):
        return []
    exhibits = [
        Exhibit(attempt.sent_at, attempt=attempt, is_on_its_way=attempt in on_its_way) for attempt in attempts
    ]
    sent = [attempt.sent_at for attempt in attempts] or [call.first_sent_at]
    exhibits += [Exhibit(look.looked_at, look=look, is_too_early=_is_too_early(look, sent)) for look in looks]
    return sorted(exhibits, key=lambda exhibit: exhibit.at)


def _is_too_early(look: Lookup, sent: list[datetime]) -> bool:
    """Other looks that do not count decide nothing: the one right before a resend, or of what is blocked."""
    before = max((at for at in sent if at <= look.looked_at), default=None)
    said_no = look.verdict == SAID_NO and not look.counts
    settling = timedelta(seconds=settings.SETTLE_SECONDS)
    return said_no and before is not None and look.looked_at < before + settling


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the story."""

    tone: str
    mark: str
    title: str
    who: str
    at: Any
    detail: str = ""
    quote: str = ""
    event: str = ""


@cache
def _events() -> Records:
    rows = AuditEvent.objects.filter(reference=ANY_REFERENCE).order_by("pk")
    return Records(rows, reference=ANY_REFERENCE)


def timeline(change: ChangeRequest, request: SealedRequest) -> list[Moment]:
    """What happened, in order, from the audit record."""
    moments = []
    for event in _events().asked(reference=change.reference):
        words = event.told_as
        new = event.new or {}
        details = []
        if "call" in new and len(request.calls) > 1:
            details.append(f"call {new['call']} of {len(request.calls)}")
        if "attempt" in new:
            details.append(str(new["attempt"]))
        details += [str(new[name]) for name in ("finding", "message", "explanation") if new.get(name)]
        if "verdict" in new:
            details.append(str(new["verdict"]).replace("_", " "))
        if new.get("waits_for_second_person"):
            details.append("a second person has to agree")
        moments.append(
            Moment(
                words.tone,
                words.mark,
                words.short,
                event.actor_text,
                event.occurred_at,
                " · ".join(details),
                request.reason if event.event_type == Event.CHANGE_SUBMITTED else event.reason,
                event.event_type,
            )
        )
    return moments


WORDS = {
    Event.CHANGE_APPROVED,
    Event.CHANGE_REJECTED,
    Event.DECISION_TAKEN_BACK,
    Event.CHANGE_WITHDRAWN,
    Event.CHANGE_EXPIRED,
    Event.CHANGE_STALED,
    Event.CHANGE_RESOLVED,
    Event.CHANGE_DISAGREED,
    Event.CHANGE_CLOSED,
    Event.CHANGE_BLOCKED,
}
"""What takes a request out of the hands of whoever is writing about it."""


def before(reference: str) -> list[Moment]:
    """`came_first` for a request by its reference."""
    change = ChangeRequest.objects.get(reference=reference)
    return came_first(timeline(change, sealed.read(change.sealed)))


def came_first(moments: list[Moment]) -> list[Moment]:
    """For whoever came too late: the last word on a request, and what has become of it since."""
    said = [moment for moment in moments if moment.event in WORDS][-1:]
    moved = [moment for moment in moments if moment.event.startswith("change.")][-1:]
    proposed = Event.CHANGE_SUBMITTED
    return [each for each in said + [last for last in moved if last not in said] if each.event != proposed]
