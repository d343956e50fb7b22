"""What can be read of Metronome, as values: a list and how its rows are made, or one thing at its address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list behind `data`. With a body it is asked for by POST.

    cursor: its name in the answer and on the way back, in the query or, with `cursor_in_body`, in the body.
    """

    path: str
    make: Callable[[dict[str, Any]], T]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    cursor: str = "next_page"
    cursor_in_body: bool = False


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """One thing at an address of its own; with a body it is asked for by POST."""

    path: str
    make: Callable[[dict[str, Any]], T]
    body: dict[str, Any] | None = None
