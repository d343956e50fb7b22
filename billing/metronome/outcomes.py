"""How a request to Metronome can end besides well, by what the caller must do. Told from raw answers.

GatewayError
├─ NotSent          surely nothing happened; the same key later
├─ Refused          Metronome said no; nothing happened
├─ Halt             turned away (401, 403, a redirect, another account): stop all applying
├─ OutcomeUnknown   it may have happened; find() before anything else
└─ ReadFailed       a read without a trustworthy answer
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

KEPT_BODY = 8_192
KEPT_HEADERS = (
    "content-type",
    "date",
    "location",
    "retry-after",
    "x-metronome-rate-limit-type",
    "x-request-id",
)


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Text that PostgreSQL can hold: NUL and unpaired surrogates become U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return _UNSTORABLE.sub("\ufffd", text)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen of one request, safe to store. Times are aware UTC; `body` is cut at 8,192 characters."""

    status: int | None
    body: str
    headers: dict[str, str]
    error: str
    started_at: datetime
    finished_at: datetime

    def as_json(self) -> dict[str, Any]:
        """The evidence as JSON values."""
        return asdict(self) | {
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
        }


class GatewayError(Exception):
    """`message` is a sentence for people; `evidence` is what was seen, None where nothing was."""

    def __init__(self, message: str, evidence: Evidence | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.evidence = evidence

    @property
    def status(self) -> int | None:
        """The HTTP status, None where no answer came."""
        return self.evidence.status if self.evidence else None


class NotSent(GatewayError):
    """Surely nothing happened. Try again under the same key after `retry_after_seconds`."""

    def __init__(self, message: str, evidence: Evidence | None, *, retry_after_seconds: float = 10.0) -> None:
        super().__init__(message, evidence)
        self.retry_after_seconds = retry_after_seconds


class Refused(GatewayError):
    """Metronome said no with its own words, and this call had never been sent before without an answer."""


class Halt(GatewayError):
    """Metronome does not know us, or this is another account. Nothing may be sent until a person looks."""


class OutcomeUnknown(GatewayError):
    """The call may have taken effect, now or within the settle time."""


class ReadFailed(GatewayError):
    """A read gave no answer that can be trusted. Never to be taken for an empty one.

    `retry_after_seconds`: how long Metronome, or our budget, asked to wait; None where neither did.
    """

    def __init__(
        self, message: str, evidence: Evidence | None = None, *, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, evidence)
        self.retry_after_seconds = retry_after_seconds
