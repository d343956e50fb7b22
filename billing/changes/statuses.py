"""The life of a change request as one table. Every move goes through it; the database repeats it."""

from __future__ import annotations

from django.db import models


class Status(models.TextChoices):
    """Where a change request stands. The label is what people read."""

    SUBMITTED = "submitted", "Waiting for approval"
    APPROVED = "approved", "Approved, queued"
    APPLYING = "applying", "Applying"
    APPLIED = "applied", "Applied"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"
    STALE = "stale", "Stale"
    REFUSED = "refused", "Refused by Metronome"
    UNKNOWN = "unknown", "Outcome unknown"
    PARTLY_APPLIED = "partly_applied", "Partly applied"
    BLOCKED = "blocked", "Blocked"
    CLOSED = "closed", "Closed by a person"


ARROWS: dict[Status, dict[Status, str]] = {
    Status.SUBMITTED: {
        Status.APPROVED: "The last approval it needs was given.",
        Status.REJECTED: "One of those who decide said no.",
        Status.WITHDRAWN: "Its maker took it back.",
        Status.EXPIRED: "Nobody decided in time.",
        Status.STALE: "A check found that a watched field had moved.",
    },
    Status.APPROVED: {
        Status.APPLYING: "A worker claimed it.",
        Status.WITHDRAWN: "Its maker took it back before anything was sent.",
        Status.EXPIRED: "Its turn did not come in time.",
        Status.STALE: "A check found that a watched field had moved.",
        Status.BLOCKED: "It is not what was approved, or the database lets nobody claim it.",
    },
    Status.APPLYING: {
        Status.APPLIED: "Its last call took effect.",
        Status.REFUSED: "Metronome said no to its first call.",
        Status.STALE: "Before its first call a watched field had moved, a guard or an approval did not hold.",
        Status.APPROVED: "Nothing was sent, or what was sent surely did nothing: it goes again.",
        Status.UNKNOWN: "A call got no trustworthy answer.",
        Status.PARTLY_APPLIED: "A later call was refused, or its watch, guard or approvals did not hold.",
        Status.BLOCKED: "It is not what was approved, or the database refused a step.",
    },
    Status.UNKNOWN: {
        Status.APPLIED: "The call in doubt took effect, and was the last.",
        Status.APPROVED: "The call in doubt took effect and others follow, or it goes again.",
        Status.CLOSED: "A person left it so.",
        Status.BLOCKED: "It is not what was approved, or the database refused a step.",
    },
    Status.PARTLY_APPLIED: {
        Status.APPROVED: "A person decided to go on.",
        Status.CLOSED: "A person left it so, or wants it undone.",
    },
    Status.BLOCKED: {Status.CLOSED: "Two people closed it."},
    Status.APPLIED: {},
    Status.REJECTED: {},
    Status.WITHDRAWN: {},
    Status.EXPIRED: {},
    Status.STALE: {},
    Status.REFUSED: {},
    Status.CLOSED: {},
}
"""From → to → when. PostgreSQL has the same arrows (migration 0029); a test compares the two."""

OPEN: frozenset[Status] = frozenset(status for status, onward in ARROWS.items() if onward)
SETTLED: frozenset[Status] = frozenset(Status) - OPEN
IN_DOUBT: frozenset[Status] = frozenset({Status.APPLYING, Status.UNKNOWN, Status.PARTLY_APPLIED})
"""In these, what a request writes to is busy with it: no other request on it is claimed."""

PROPOSE_AGAIN: frozenset[Status] = frozenset(
    {Status.REFUSED, Status.STALE, Status.EXPIRED, Status.REJECTED, Status.WITHDRAWN, Status.CLOSED}
)

TONES: dict[Status, str] = {
    Status.SUBMITTED: "info",
    Status.APPROVED: "info",
    Status.APPLYING: "info",
    Status.APPLIED: "good",
    Status.REJECTED: "plain",
    Status.WITHDRAWN: "plain",
    Status.EXPIRED: "plain",
    Status.STALE: "warn",
    Status.REFUSED: "bad",
    Status.UNKNOWN: "doubt",
    Status.PARTLY_APPLIED: "doubt",
    Status.BLOCKED: "bad",
    Status.CLOSED: "plain",
}

MARKS: dict[Status, str] = {
    Status.SUBMITTED: "mark-waiting",
    Status.APPROVED: "mark-approved",
    Status.APPLYING: "mark-applying",
    Status.APPLIED: "mark-applied",
    Status.REJECTED: "mark-rejected",
    Status.WITHDRAWN: "mark-withdrawn",
    Status.EXPIRED: "mark-expired",
    Status.STALE: "mark-stale",
    Status.REFUSED: "mark-refused",
    Status.UNKNOWN: "mark-unknown",
    Status.PARTLY_APPLIED: "mark-partly",
    Status.BLOCKED: "mark-blocked",
    Status.CLOSED: "mark-archived",
}
"""Names of symbols in static/icons.svg."""
