"""What can be read of Metronome, as values: a list and how its rows are made, or one thing at its address."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from billing.metronome.exact import parsed_json
from billing.metronome.records import Page
from billing.metronome.rows import own_id, sort_out

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list behind `data`. With a body it is asked for by POST.

    cursor: its name in the answer and on the way back, in the query or, with `cursor_in_body`, in the body.
    id_of: the id that a row says, for one that can't be read; empty where it says none.
    """

    path: str
    make: Callable[[dict[str, Any]], T]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    cursor: str = "next_page"
    cursor_in_body: bool = False
    id_of: Callable[[Any], str] = own_id

    def asked(self, cursor: str | None) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Query and body that ask for the page at this cursor, or for the first one."""
        onward = {self.cursor: cursor} if cursor else {}
        query = dict(self.query) if self.cursor_in_body else {**self.query, **onward}
        if self.body is None:
            return query, None
        return query, {**self.body, **onward} if self.cursor_in_body else dict(self.body)


@dataclass(frozen=True, slots=True)
class UnreadPage(Generic[T]):
    """A page whose rows are no records yet, and for whoever has them already never will be.

    ids: what each row says its id is, or empty; texts: its own JSON, packed, to the last digit.
    """

    listing: Listing[T]
    ids: Sequence[str]
    texts: Sequence[bytes]
    next_cursor: str | None

    @property
    def rows(self) -> int:
        """How many it has."""
        return len(self.texts)

    def read(self, places: Collection[int] | None = None) -> Page[T]:
        """Its rows as records, odd ones set apart; of those at these places, from 0, alone."""
        wanted = self.texts if places is None else [self.texts[place] for place in sorted(places)]
        rows = parsed_json(b"[" + b",".join(wanted) + b"]")
        items, odd = sort_out(rows, self.listing.make, self.listing.id_of)
        return Page(items, self.next_cursor, odd)


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """One thing at an address of its own; with a body it is asked for by POST."""

    path: str
    make: Callable[[dict[str, Any]], T]
    body: Mapping[str, Any] | None = None
