"""The idempotency key of one call."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CallKey:
    """A sealed call's random UUID and its generation; nothing is derived from a serial number."""

    uuid: UUID
    generation: int

    @property
    def header(self) -> str:
        """The value of `Idempotency-Key`."""
        return f"{self.uuid}-{self.generation}"
