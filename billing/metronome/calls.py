"""A writing request on its way: what is shown and sealed, the key it goes under, and the right to send it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID
from weakref import WeakSet

from billing.metronome.outcomes import Evidence


@dataclass(frozen=True, slots=True)
class HttpCall:
    """Exactly what travels: shown to the approver, sealed, and sent."""

    method: str
    path: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallKey:
    """A sealed call's random UUID and its generation; nothing is derived from a serial number."""

    uuid: UUID
    generation: int

    @property
    def header(self) -> str:
        """The value of `Idempotency-Key`."""
        return f"{self.uuid}-{self.generation}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A write that Metronome confirmed: `data` is the documented object, None for an empty body.

    rows: where the documented answer is a list, its objects; empty otherwise.
    """

    status: int
    data: dict[str, Any] | None
    evidence: Evidence
    rows: tuple[dict[str, Any], ...] = ()


class NotToBeSent(Exception):
    """A sending that was spent, or that the journal did not make: nothing of it may leave."""


class Sending:
    """The right to send one call once. Only the journal makes one, after its row is written.

    is_resend: the call was sent before without an answer, so a 4xx proves nothing about the first time.
    ids_are_fresh: it names an id that an earlier call just returned, so a 404 only means "not yet".
    A copy is worth nothing, whatever made it: the right belongs to the very object that was made.
    """

    __slots__ = ("__weakref__", "call", "ids_are_fresh", "is_resend", "key", "reference")
    call: HttpCall
    key: CallKey
    reference: str
    is_resend: bool
    ids_are_fresh: bool

    def __init__(
        self, call: HttpCall, key: CallKey, reference: str, *, is_resend: bool, ids_are_fresh: bool
    ) -> None:
        given = {"call": call, "key": key, "reference": reference}
        for name, value in (given | {"is_resend": is_resend, "ids_are_fresh": ids_are_fresh}).items():
            object.__setattr__(self, name, value)
        with _LOCK:
            _UNSPENT.add(self)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a sending is what the journal made it")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("the right to send is neither copied nor kept")

    def spend(self) -> None:
        """Use the right up. Raises NotToBeSent for one that is spent, or that nobody made."""
        with _LOCK:
            if self not in _UNSPENT:
                raise NotToBeSent("This sending was spent before, or is a copy; nothing was sent.")
            _UNSPENT.remove(self)


_UNSPENT: WeakSet[Sending] = WeakSet()
_LOCK = threading.Lock()
