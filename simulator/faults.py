"""Faults on demand: what goes wrong, on which route, how often. Deterministic by seed."""

from __future__ import annotations

import random
import re
from dataclasses import asdict, dataclass
from typing import Any, Literal, Required, TypedDict, get_args

from simulator.http import ApiError, Request
from simulator.routing import ROUTES, Route
from simulator.shapes import Shape

Kind = Literal[
    "status_before",  # answers `status` without doing anything
    "status_after",  # does it, then answers `status`
    "rate_limited",  # answers 429 without doing anything, with `limit_type` and, if given, `retry_after`
    "drop_before",  # closes the connection without doing anything
    "drop_after",  # does it, then closes the connection without an answer
    "hang_before",  # waits, then does it even if the caller has gone, then answers
    "hang_after",  # does it, waits, then answers
    "dribble_headers",  # does it, then sends the head a byte at a time
    "dribble_body",  # does it, then sends the body a byte at a time
    "empty_object",  # does it, answers 200 {}
    "html",  # does it, answers 200 with HTML
    "truncated",  # does it, answers half of the JSON as if it were all
    "cut_off",  # does it, announces the whole body, sends half and closes the connection
    "malformed",  # does it, answers text that is almost JSON
    "unknown_fields",  # does it, adds members that nobody has heard of
    "missing_fields",  # does it, leaves out `fields`, or one member of every object
    "expired_cursor",  # 400 for a request that goes on from a cursor; others aren't hit
    "duplicated_rows",  # a page after a cursor begins with the last row of the page before
    "skipped_rows",  # a page after a cursor leaves out its first row
    "stale_read",  # a read answers from the state as it was when the fault was set
]
KINDS: tuple[str, ...] = get_args(Kind)
WRITES = "writes"
"""As a route: any that writes."""
ON_A_CURSOR = frozenset({"expired_cursor", "duplicated_rows", "skipped_rows"})
MOST_SECONDS = 3_600
FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")


class Wanted(TypedDict, total=False):
    """A fault as it is ordered."""

    route: Required[str]
    kind: Required[Kind]
    count: int | None
    probability: float
    skip: int
    seconds: float
    status: int
    message: str
    headers: dict[str, str] | None
    limit_type: Literal["client", "customer"]
    retry_after: float | None
    fields: list[str]


SHAPE = Shape(Wanted)


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
    limit_type: str = "client"
    retry_after: float | None = None
    fields: list[str] | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def fits(self, route: Route, request: Request) -> bool:
        """Whether it can hit this request at all; one that it can't isn't counted."""
        if self.route not in (route.name, "*") and not (self.route == WRITES and route.writes):
            return False
        if self.kind in ON_A_CURSOR:
            return _goes_on(request)
        return self.kind != "stale_read" or not route.writes


class Faults:
    """The faults that are set, each with dice of its own, so that one doesn't move another's."""

    def __init__(self, seed: int = 7) -> None:
        self.active: list[Fault] = []
        self.struck = 0
        self._seed, self._next = seed, 1
        self._dice: dict[int, random.Random] = {}

    def add(self, wanted: Any) -> Fault:
        """Set a fault from JSON. Raises ApiError 400 for whatever is unknown or impossible."""
        fault = Fault(id=self._next, **checked(wanted))
        self._dice[fault.id] = random.Random(f"{self._seed} {fault.id}")
        self._next += 1
        self.active.append(fault)
        return fault

    def remove(self, number: int) -> None:
        """Take one away. Raises ApiError 404."""
        if number not in self._dice:
            raise ApiError(404, f"No fault has the id {number}")
        self.active = [fault for fault in self.active if fault.id != number]
        del self._dice[number]

    def clear(self) -> None:
        """No faults any more; the next ones roll the same dice again."""
        self.active.clear()
        self._dice.clear()
        self._next = 1

    def strike(self, route: Route, request: Request) -> tuple[Fault, random.Random] | None:
        """The fault that hits this request, used up by one, and its dice."""
        for fault in self.active:
            if not fault.fits(route, request):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            dice = self._dice[fault.id]
            if fault.probability < 1 and dice.random() >= fault.probability:
                continue
            self.struck += 1
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    self.remove(fault.id)
            return fault, dice
        return None


def checked(wanted: Any) -> dict[str, Any]:
    """An ordered fault, clean. Raises ApiError 400."""
    if isinstance(wanted, dict) and (unknown := sorted(wanted.keys() - SHAPE.names)):
        raise ApiError(400, f"A fault has no {unknown[0]}; it has {', '.join(sorted(SHAPE.names))}")
    clean: dict[str, Any] = SHAPE.read(wanted)
    if clean["route"] not in ("*", WRITES) and clean["route"] not in ROUTES:
        raise ApiError(
            400, f"route must be *, {WRITES} or a route that is served, not {clean['route'][:100]}"
        )
    if clean.get("count", 1) is not None and clean.get("count", 1) < 1:
        raise ApiError(400, "count must be at least 1, or null for ever")
    if not 0 <= clean.get("probability", 1) <= 1:
        raise ApiError(400, "probability must be between 0 and 1")
    if clean.get("skip", 0) < 0:
        raise ApiError(400, "skip must not be negative")
    for name in ("seconds", "retry_after"):
        if not 0 <= (clean.get(name) or 0) <= MOST_SECONDS:
            raise ApiError(400, f"{name} must be between 0 and {MOST_SECONDS}")
    if not 200 <= clean.get("status", 500) <= 599:
        raise ApiError(400, "status must be between 200 and 599")
    for name, value in (clean.get("headers") or {}).items():
        if (
            name.lower() in FRAMING
            or not TOKEN.fullmatch(name)
            or not (value.isascii() and value.isprintable())
        ):
            raise ApiError(400, f"headers.{name[:100]} can't be sent as a header")
    if clean.get("probability", 1) < 1:
        clean.setdefault("count", None)  # rolled for as long as it is set, unless a count says otherwise
    return clean


def _goes_on(request: Request) -> bool:
    body = request.body if isinstance(request.body, dict) else {}
    return bool(request.query.get("next_page") or body.get("next_page") or body.get("cursor"))
