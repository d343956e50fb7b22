"""What became of a load: how much was taken, and by name what wasn't, or can't be modelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from simulator.http import ApiError
from simulator.records.shapes import clean
from simulator.world import Row

WRONG = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, StopIteration, IndexError)


class Report:
    """`taken` counts by kind; `left_out` are {kind, id, name, reason}, in the order of the records."""

    def __init__(self) -> None:
        self.taken: dict[str, int] = {}
        self.left_out: list[Row] = []

    def leave_out(self, kind: str, record: Any, reason: str) -> None:
        """Note what is not taken, or taken and not modelled."""
        named = record if isinstance(record, dict) else {}
        about = {name: str(named[name])[:200] for name in ("id", "name") if named.get(name)}
        self.left_out.append({"kind": kind, **about, "reason": reason})

    def each(self, kind: str, records: Any, shape: str = "") -> Iterator[Row]:
        """The records of a kind that fit its shape; the others are left out."""
        for record in records:
            try:
                row = clean(shape or kind, record)
            except ApiError as refusal:
                self.leave_out(kind, record, refusal.message)
            else:
                yield row

    def take(self, kind: str, records: Any, put: Callable[[Row], None], shape: str = "") -> None:
        """Put one record after the other; what doesn't fit the others is left out, too."""
        for row in self.each(kind, records, shape):
            try:
                put(row)
            except ApiError as refusal:
                self.leave_out(kind, row, refusal.message)
            except WRONG as problem:
                self.leave_out(kind, row, f"it does not fit the other records: {problem!r}"[:300])
            else:
                self.taken[kind] = self.taken.get(kind, 0) + 1


def require(known: Any, wanted: Any, what: str) -> None:
    """Raise ApiError 400 for a reference to something that isn't among the records."""
    if wanted not in known:
        raise ApiError(400, f"its {what} is not among the records")
