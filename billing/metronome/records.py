"""What records are made of: a page of them, and what each member must be. A wrong shape raises ValueError.

JSON numbers arrive as Decimal or int, never as float. Times are aware UTC. A noun's record is in `objects/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from billing.metronome.outcomes import ReadFailed

T = TypeVar("T")

USUAL_ID = re.compile("[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class OddRow:
    """A row that can't be read: its id as far as it says one, else empty, and what is wrong with it."""

    id: str
    why: str
    source: Any = field(repr=False, compare=False, default=None)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `next_cursor` None is the last. `odd`: its rows that are no items."""

    items: tuple[T, ...]
    next_cursor: str | None
    odd: tuple[OddRow, ...] = ()

    def whole(self) -> Page[T]:
        """This page, for who must not overlook a row. Raises ReadFailed, naming it, when one is odd."""
        if self.odd:
            first = self.odd[0]
            name = first.id or "without an id"
            raise ReadFailed(f"Metronome’s list holds a record that can’t be read ({name}): {first.why}.")
        return self


def text_in(source: dict[str, Any], key: str) -> str:
    value = source[key]
    if not isinstance(value, str):
        raise ValueError(f"{key} is not text")
    return value


def optional_text_in(source: dict[str, Any], key: str) -> str | None:
    value = source.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is not text")
    return value


def id_in(source: dict[str, Any], key: str = "id") -> str:
    text = text_in(source, key)
    return text if USUAL_ID.fullmatch(text) else str(UUID(text))


def optional_id_in(source: dict[str, Any], key: str) -> str | None:
    return None if source.get(key) is None else id_in(source, key)


def when_in(source: dict[str, Any], key: str) -> datetime | None:
    text = optional_text_in(source, key)
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{key} has no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as problem:
        raise ValueError(f"{key} is out of range") from problem


def must_when_in(source: dict[str, Any], key: str) -> datetime:
    moment = when_in(source, key)
    if moment is None:
        raise ValueError(f"{key} is missing")
    return moment


def texts_in(source: dict[str, Any], key: str) -> dict[str, str]:
    value = source.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise ValueError(f"{key} is not a map of texts")
    return value
