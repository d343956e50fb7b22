"""What can be read of Metronome, as values: a list and how its rows are made, or one thing at its address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list behind `data`. With a body it is asked for by POST; a cursor travels in the query."""

    path: str
    make: Callable[[dict[str, Any]], T]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """One thing at an address of its own."""

    path: str
    make: Callable[[dict[str, Any]], T]
