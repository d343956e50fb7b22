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
    CLOSED = "closed", "Closed by a person"


ARROWS: dict[Status, frozenset[Status]] = {
    Status.SUBMITTED: frozenset(
        {Status.APPROVED, Status.REJECTED, Status.WITHDRAWN, Status.EXPIRED, Status.STALE}
    ),
    Status.APPROVED: frozenset(
        {
            Status.APPLYING,
            Status.WITHDRAWN,
            Status.EXPIRED,
            Status.STALE,
            Status.PARTLY_APPLIED,
            Status.CLOSED,
        }
    ),
    Status.APPLYING: frozenset(
        {
            Status.APPLIED,
            Status.REFUSED,
            Status.STALE,
            Status.APPROVED,
            Status.UNKNOWN,
            Status.PARTLY_APPLIED,
        }
    ),
    Status.UNKNOWN: frozenset({Status.APPLIED, Status.APPROVED, Status.PARTLY_APPLIED, Status.CLOSED}),
    Status.PARTLY_APPLIED: frozenset({Status.APPROVED, Status.APPLIED, Status.CLOSED}),
    Status.APPLIED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.WITHDRAWN: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.STALE: frozenset(),
    Status.REFUSED: frozenset(),
    Status.CLOSED: frozenset(),
}

OPEN: frozenset[Status] = frozenset(status for status, onward in ARROWS.items() if onward)
SETTLED: frozenset[Status] = frozenset(Status) - OPEN
IN_DOUBT: frozenset[Status] = frozenset({Status.APPLYING, Status.UNKNOWN, Status.PARTLY_APPLIED})
"""While a request on a customer is in one of these, no other request on it is claimed."""

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
    Status.CLOSED: "mark-archived",
}
"""Names of symbols in static/icons.svg."""
