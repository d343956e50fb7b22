"""The rows of a list, one by one: an odd one is set apart by its id and stops none of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from uuid import UUID

from billing.metronome.outcomes import storable
from billing.metronome.records import OddRow

T = TypeVar("T")

MISREAD = (ValueError, KeyError, TypeError, AttributeError, OverflowError)
LONGEST_ID = 80


def sort_out(
    rows: Iterable[Any], make: Callable[[dict[str, Any]], T]
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
            odd.append(OddRow(_id_of(row), why(problem), row))
    return tuple(good), tuple(odd)


def why(problem: Exception) -> str:
    """What is wrong with a row, in words."""
    if isinstance(problem, KeyError):
        return f"{problem.args[0]} is missing"
    return storable(str(problem))[:200] or type(problem).__name__


def uuid_of(value: Any) -> str:
    """A UUID in its usual form; empty for anything else."""
    try:
        return str(UUID(value)) if isinstance(value, str) else ""
    except ValueError:
        return ""


def _id_of(row: Any) -> str:
    """The row's own id as far as it says one: a subscription in a plan's list says it further inside."""
    if not isinstance(row, dict):
        return ""
    details = row.get("plan_details")
    if isinstance(details, dict):
        row = {"id": details.get("customer_plan_id")}
    if isinstance(row.get("entity"), str) and isinstance(row.get("key"), str):
        row = {"id": f"{row['entity']}.{row['key']}"}
    said = row.get("id")
    return uuid_of(said) or (storable(said)[:LONGEST_ID] if isinstance(said, str) else "")
