"""What an operation is: one writing endpoint, known completely. Adding a Metronome write is adding one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from billing.metronome.client import Gateway
    from billing.metronome.keys import CallKey


@dataclass(frozen=True, slots=True)
class HttpCall:
    """Exactly what travels: shown to the approver, sealed, and sent."""

    method: str
    path: str
    body: dict[str, Any]


class Verdict(StrEnum):
    """What one look proves about an unclear write."""

    APPLIED = "applied"
    NOT_APPLIED = "not_applied"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Finding:
    """One look: the verdict, a sentence for people, the call's result if applied, and what was read."""

    verdict: Verdict
    sentence: str
    result: dict[str, Any] | None
    looked_at: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class FindFacts:
    """What `find` may know: the sealed params, the snapshot the call met, when and as what it was sent."""

    params: dict[str, Any]
    before: dict[str, Any] | None
    first_sent_at: datetime
    references: tuple[str, ...]


class Operation(ABC):
    """One writing endpoint. `show` and `after` are pure; `send` writes; `find` only reads, one look."""

    name: ClassVar[str]
    irreversible: ClassVar[bool] = False

    @abstractmethod
    def show(self, params: dict[str, Any]) -> HttpCall:
        """The request for these params. Raises ValueError with a sentence for params it can't be made of."""

    @abstractmethod
    def after(self, before: dict[str, Any] | None, params: dict[str, Any]) -> dict[str, Any] | None:
        """The customer's snapshot once the call took effect."""

    @abstractmethod
    def send(
        self,
        gateway: Gateway,
        call: HttpCall,
        *,
        key: CallKey,
        reference: str,
        resend: bool,
        fresh_ids: bool,
    ) -> dict[str, Any]:
        """Send the sealed call and return its result, confirmed. Raises what `Gateway.write` raises."""

    @abstractmethod
    def find(self, gateway: Gateway, facts: FindFacts) -> Finding:
        """One look at whether the call took effect. Raises ReadFailed or Halt."""

    @abstractmethod
    def how_found(self) -> str:
        """For the approver: what is read when no answer comes."""
