"""Keyset paging: the place in a list is the last row seen, so page 5,000 costs what page 1 costs."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from billing.lists.prepared import STAND_INS, Question, Records, kept

Row = TypeVar("Row")

LONGEST_CURSOR = 8_000


class FilterRefused(ValueError):
    """A filter in the address makes no sense; the message says which. Nothing was read."""


class CursorRefused(ValueError):
    """The cursor in the address can't be used; the message says what is shown instead."""

    def __init__(self) -> None:
        super().__init__("This address names a place in the list that can’t be read; here is the first page.")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list sorted by `order`: just after the row with `key` and `id`, or just before it.

    `key` is the sorted column's value as text, None where the row has none. `tie` is the column that comes
    next, empty in a list without one; `id` breaks what ties are left.
    """

    order: str
    forward: bool
    key: str | None
    id: str
    tie: str = ""

    def __str__(self) -> str:
        parts = [self.order, self.forward, self.key, self.id, self.tie]
        text = json.dumps(parts, separators=(",", ":"))
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, *, order: str) -> Cursor:
        """The cursor that `text` says. Raises CursorRefused, also for one of another order."""
        if len(text) > LONGEST_CURSOR:
            raise CursorRefused
        try:
            parts = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            held, forward, key, row_id, tie = parts
        except (ValueError, TypeError, RecursionError) as problem:
            raise CursorRefused from problem
        is_sound = held == order and isinstance(forward, bool) and is_storable(row_id) and is_storable(tie)
        if not is_sound or not (key is None or is_storable(key)):
            raise CursorRefused
        return cls(order, forward, key, row_id, tie)


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """One page's rows in reading order; `older` leads on, `newer` leads back, None at an end."""

    rows: list[Row]
    older: str | None
    newer: str | None


def check_search(text: str, longest: int, holders: str) -> None:
    """Raise FilterRefused for what nobody can look for; holders: `no name can`, `the record can’t`."""
    if len(text) > longest:
        raise FilterRefused(f"The search is longer than {longest} characters.")
    if not is_storable(text):
        raise FilterRefused(f"The search holds a character that {holders} hold.")


def id_asked_for(query: Mapping[str, str], name: str) -> UUID | None:
    """The id under this name of an address, such as `customer`; None for none. Raises FilterRefused."""
    given = query.get(name, "").strip()
    try:
        return UUID(given) if given else None
    except ValueError as problem:
        raise FilterRefused(f"“{given[:40]}” is not a {name}’s id.") from problem


@dataclass(frozen=True, slots=True)
class Shape:
    """A list's queryset whose query is put together once, for all that differ only in values.

    key: says which queryset `rows` makes, for the stand-ins; None for one that is like no other.
    values: what takes the places of the stand-ins, by name.
    planned_anew: as of a Question.
    narrowed: leaves some of the rows, once they are in order and begin where the page does.
    """

    key: tuple[Hashable, ...] | None
    rows: Callable[[], QuerySet[Any]]
    stand_ins: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    planned_anew: bool = False
    narrowed: Callable[[QuerySet[Any]], QuerySet[Any]] | None = None


def cut(
    rows: QuerySet[Any] | Shape,
    *,
    order: str,
    column: str,
    tie: str = "",
    cursor: str | None,
    limit: int,
    parse_key: Callable[[str], Any] = str,
    parse_id: Callable[[str], Any] = int,
    key_of: Callable[[Any], tuple[str | None, str] | tuple[str | None, str, str]],
    first: Callable[[Callable[[Shape], list[Any]], int], list[Any]] | None = None,
) -> Slice[Any]:
    """Up to `limit` rows of a queryset by `column`, `tie` and id, beginning where the cursor stands.

    rows: of models, or as a Shape also of values, which come as tuples.
    order: the sort's name, `-` in front for descending. tie: a column of text, empty for none.
    first: given what reads the ordered rows of a shape, and how many at most, reads those of its own instead.
    key_of: a row's key and id as text, and its tie where there is that column.
    Rows without a value come last going up and first going down, as PostgreSQL sorts them.
    Raises CursorRefused.
    """
    place = Cursor.read(cursor, order=order) if cursor else None
    is_forward = place is None or place.forward
    stretch = _Stretch(column, tie, is_rising=order.startswith("-") != is_forward)
    values: dict[str, Any] = {}
    if place is not None:
        try:
            key = None if place.key is None else parse_key(place.key)
            values = {"key": key, "tie": place.tie, "id": parse_id(place.id)}
        except (ValueError, OverflowError) as problem:
            raise CursorRefused from problem

    def asked(shape: Shape) -> list[Any]:
        return stretch.of_shape(shape, values, limit + 1)

    if first is not None:
        found = first(asked, limit + 1)
    elif isinstance(rows, Shape):
        found = asked(rows)
    else:
        found = list(stretch.of(rows, values)[: limit + 1])
    has_more = len(found) > limit
    found = found[:limit]
    if not is_forward:
        found.reverse()
    if not found:
        return Slice([], None, None)

    def edge(row: Any, forward: bool) -> str:
        return str(Cursor(order, forward, *key_of(row)))

    older = edge(found[-1], True) if has_more or not is_forward else None
    newer = edge(found[0], False) if place is not None and (has_more or is_forward) else None
    return Slice(found, older, newer)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The rows from a place on, in one direction."""

    column: str
    tie: str
    is_rising: bool

    def of(self, rows: QuerySet[Any], place: Mapping[str, Any]) -> QuerySet[Any]:
        """The rows in order, beyond a place's `key`, `tie` and `id`; all of them where no place is given."""
        if place:
            is_nullable = rows.model._meta.get_field(self.column).null
            past = _past(self.tie, place["tie"], place["id"], self.is_rising)
            rows = rows.filter(_beyond(self.column, place["key"], past, self.is_rising, is_nullable))
        sign = "" if self.is_rising else "-"
        return rows.order_by(*(f"{sign}{each}" for each in (self.column, self.tie, "pk") if each))

    def of_shape(self, shape: Shape, place: Mapping[str, Any], most: int) -> list[Any]:
        """So many of the rows of a shape at most."""
        stands = {name: STAND_INS[type(value)](name) for name, value in place.items() if value is not None}

        def put_together() -> Question:
            ordered = self.of(shape.rows(), {**dict.fromkeys(place), **stands})
            rows = (shape.narrowed(ordered) if shape.narrowed else ordered)[:most]
            kind = Records if rows._fields is None else Question
            return kind(
                rows, planned_anew=shape.planned_anew or shape.key is None, **shape.stand_ins, **stands
            )

        question = kept(shape.key and (*shape.key, self, *stands, most), put_together)
        return question.asked(**shape.values, **place)


def _beyond(column: str, key: Any, past: Q, is_rising: bool, is_nullable: bool) -> Q:
    """The rows after a key in the direction of reading, of those with the same one the rows `past` it.

    An index serves the plain bound in front.
    """
    than = "gt" if is_rising else "lt"
    if key is None:
        same = Q(**{f"{column}__isnull": True}) & past
        return same if is_rising else same | Q(**{f"{column}__isnull": False})
    bound = Q(**{f"{column}__{than}e": key})
    beyond = bound & (Q(**{f"{column}__{than}": key}) | past)
    return beyond | Q(**{f"{column}__isnull": True}) if is_nullable and is_rising else beyond


def _past(tie: str, text: str, row_id: Any, is_rising: bool) -> Q:
    """Of the rows with one key those past a place: by the tie's text first, then by id."""
    than = "gt" if is_rising else "lt"
    later = Q(**{f"pk__{than}": row_id})
    return Q(**{f"{tie}__{than}": text}) | Q(**{tie: text}) & later if tie else later


def moment_with_zone(text: str) -> datetime:
    """A cursor's instant. Raises ValueError for one without a zone too: it names no instant."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment


def is_storable(text: Any) -> bool:
    """Whether it is text that PostgreSQL can be asked for: no NUL, no half characters."""
    if not isinstance(text, str) or "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
