"""A request's differences and its story, in the shapes that its page draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes.models import Attempt, Call, CallStatus, ChangeRequest, Lookup
from billing.changes.sealed import SealedRequest

FIELD_LABELS = {"name": "Name", "archived_at": "Status"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field before and after."""

    label: str
    before: str
    after: str
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class SetComparison:
    """A set before and after: what goes, what comes, what stays. Each sorted."""

    label: str
    removed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def comparisons(request: SealedRequest) -> tuple[list[Comparison], list[SetComparison]]:
    """What the sealed calls change, field by field; a new customer compares with nothing."""
    before, after = request.before or {}, request.after or {}
    fields = []
    for name, label in FIELD_LABELS.items():
        old, new = _shown(name, before, bool(request.before)), _shown(name, after, True)
        if old != new:
            fields.append(Comparison(label, old, new))
    old_custom, new_custom = before.get("custom_fields") or {}, after.get("custom_fields") or {}
    fields += [
        Comparison(key, old_custom.get(key, ""), new_custom.get(key, ""), is_key=True)
        for key in sorted(old_custom.keys() | new_custom.keys())
        if old_custom.get(key) != new_custom.get(key)
    ]
    old_aliases, new_aliases = set(before.get("ingest_aliases") or []), set(after.get("ingest_aliases") or [])
    sets = []
    if old_aliases != new_aliases:
        sets.append(
            SetComparison(
                "Ingest aliases",
                removed=sorted(old_aliases - new_aliases),
                added=sorted(new_aliases - old_aliases),
                kept=sorted(old_aliases & new_aliases),
            )
        )
    return fields, sets


def _shown(name: str, snapshot: dict[str, Any], exists: bool) -> str:
    if name == "archived_at":
        if not exists:
            return ""
        return "archived" if snapshot.get("archived_at") else "active"
    return str(snapshot.get(name) or "")


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One piece of evidence about a call: a sending (`attempt`) or a look at Metronome (`look`)."""

    at: datetime
    attempt: Attempt | None = None
    look: Lookup | None = None


def evidence(call: Call) -> list[Exhibit]:
    """What was sent and what was found, in order; empty for a call that simply went through, or waits."""
    attempts, looks = list(call.attempts.all()), list(call.lookups.all())
    if not looks and (not attempts or call.status == CallStatus.APPLIED):
        return []
    exhibits = [Exhibit(attempt.sent_at, attempt=attempt) for attempt in attempts]
    exhibits += [Exhibit(look.looked_at, look=look) for look in looks]
    return sorted(exhibits, key=lambda exhibit: exhibit.at)


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


LOOKS: dict[str, tuple[str, str, str]] = {
    Event.CHANGE_SUBMITTED: ("good", "mark-applied", "Proposed"),
    Event.CHANGE_APPROVED: ("good", "mark-approved", "Approved"),
    Event.CHANGE_REJECTED: ("plain", "mark-rejected", "Rejected"),
    Event.CHANGE_WITHDRAWN: ("plain", "mark-withdrawn", "Withdrawn"),
    Event.CHANGE_EXPIRED: ("plain", "mark-expired", "Expired"),
    Event.CHANGE_STALED: ("warn", "mark-stale", "Became stale"),
    Event.CHANGE_APPLIED: ("good", "mark-applied", "Applied"),
    Event.CHANGE_REFUSED: ("bad", "mark-refused", "Refused by Metronome"),
    Event.CHANGE_DOUBTED: ("doubt", "mark-unknown", "Outcome unknown"),
    Event.CHANGE_RETURNED: ("info", "mark-approved", "Back in the queue"),
    Event.CHANGE_PARTLY_APPLIED: ("doubt", "mark-partly", "Partly applied"),
    Event.CHANGE_RESOLVED: ("info", "mark-approved", "Resolved"),
    Event.CHANGE_CLOSED: ("plain", "mark-archived", "Closed"),
    Event.CHANGE_BLOCKED: ("bad", "mark-refused", "Blocked"),
    Event.CALL_SENT: ("info", "mark-applying", "Sending"),
    Event.CALL_APPLIED: ("good", "mark-applied", "Call applied"),
    Event.CALL_NOT_SENT: ("warn", "mark-waiting", "Call not sent"),
    Event.CALL_REFUSED: ("bad", "mark-refused", "Call refused"),
    Event.CALL_HALTED: ("bad", "mark-refused", "Turned away"),
    Event.CALL_DOUBTED: ("doubt", "mark-unknown", "No trustworthy answer"),
    Event.CALL_FOUND: ("info", "search", "Looked up"),
    Event.CALL_ANSWERED_LATE: ("warn", "mark-stale", "Answered late"),
}


def timeline(change: ChangeRequest, request: SealedRequest) -> list[Moment]:
    """What happened, in order, from the audit record."""
    moments = []
    for event in AuditEvent.objects.filter(reference=change.reference).order_by("pk"):
        tone, mark, title = LOOKS.get(event.event_type, ("plain", "info", event.get_event_type_display()))
        new = event.new or {}
        details = []
        if "call" in new and len(request.calls) > 1:
            details.append(f"call {new['call'] + 1} of {len(request.calls)}")
        if "attempt" in new:
            details.append(str(new["attempt"]))
        details += [str(new[name]) for name in ("finding", "message", "explanation") if new.get(name)]
        if "verdict" in new:
            details.append(str(new["verdict"]).replace("_", " "))
        moments.append(
            Moment(
                tone,
                mark,
                title,
                event.actor_text,
                event.occurred_at,
                " · ".join(details),
                request.reason if event.event_type == Event.CHANGE_SUBMITTED else event.reason,
            )
        )
    return moments
