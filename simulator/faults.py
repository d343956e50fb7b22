"""Faults on demand: what goes wrong, on which route, how often. Deterministic by seed."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import Any

from simulator.http import ApiError

KINDS = frozenset(
    {
        "status_before",  # answers `status` without doing anything
        "status_after",  # does it, then answers `status`
        "drop_before",  # closes the connection without doing anything
        "drop_after",  # does it, then closes the connection without an answer
        "hang_before",  # waits, then does it even if the caller has gone, then answers
        "hang_after",  # does it, waits, then answers
        "dribble_headers",  # does it, then sends the head a byte at a time
        "dribble_body",  # does it, then sends the body a byte at a time
        "empty_object",  # does it, answers 200 {}
        "html",  # does it, answers 200 with HTML
        "truncated",  # does it, answers half of the JSON
    }
)


@dataclass(slots=True)
class Fault:
    """`count` None is for ever. `seconds`: how long to hang, or between two dribbled bytes."""

    id: int
    route: str
    kind: str
    count: int | None = 1
    probability: float = 1.0
    seconds: float = 0.0
    status: int = 500
    message: str = "Internal server error"
    headers: dict[str, str] | None = None
    skip: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The faults that are set, and the dice."""

    def __init__(self, seed: int = 7) -> None:
        self.active: list[Fault] = []
        self._dice = random.Random(seed)
        self._next = 1

    def add(self, wanted: dict[str, Any]) -> Fault:
        """Set a fault from JSON. Raises ApiError 400 for an unknown kind or field."""
        if wanted.get("kind") not in KINDS:
            raise ApiError(400, f"kind must be one of {', '.join(sorted(KINDS))}")
        try:
            fault = Fault(id=self._next, **wanted)
        except TypeError as problem:
            raise ApiError(400, str(problem)) from None
        self._next += 1
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        """No faults any more."""
        self.active.clear()

    def strike(self, route: str) -> Fault | None:
        """The fault that hits this request, used up by one."""
        for fault in self.active:
            if fault.route not in (route, "*"):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.probability < 1 and self._dice.random() >= fault.probability:
                continue
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    self.active.remove(fault)
            return fault
        return None
