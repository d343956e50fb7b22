"""The rows of a list, one by one: an odd one is set apart by its id and stops none of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from uuid import UUID

from billing.metronome.outcomes import storable
from billing.metronome.records import USUAL_ID, OddRow

T = TypeVar("T")

MISREAD = (ValueError, KeyError, TypeError, AttributeError, OverflowError)
LONGEST_ID = 80


def own_id(row: Any) -> str:
    """The id that a row says: a UUID in its usual form, else what stands there; empty for none."""
    said = row.get("id") if isinstance(row, dict) else None
    return uuid_of(said) or (storable(said)[:LONGEST_ID] if isinstance(said, str) else "")


def sort_out(
    rows: Iterable[Any], make: Callable[[dict[str, Any]], T], id_of: Callable[[Any], str] = own_id
) -> tuple[tuple[T, ...], tuple[OddRow, ...]]:
    """The rows that can be read, made into records, and those that can't, each with the reason."""
    good: list[T] = []
    odd: list[OddRow] = []
    for row in rows:
        try:
            if not isinstance(row, dict):
                raise ValueError("it is not an object")
            good.append(make(row))
        except MISREAD as problem:
            odd.append(OddRow(id_of(row), why(problem), row))
    return tuple(good), tuple(odd)


def why(problem: Exception) -> str:
    """What is wrong with a row, in words."""
    if isinstance(problem, KeyError):
        return f"{problem.args[0]} is missing"
    return storable(str(problem))[:200] or type(problem).__name__


def uuid_of(value: Any) -> str:
    """A UUID in its usual form; empty for anything else."""
    if isinstance(value, str) and USUAL_ID.fullmatch(value):
        return value
    try:
        return str(UUID(value)) if isinstance(value, str) else ""
    except ValueError:
        return ""
