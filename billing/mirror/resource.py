"""What is known of a noun: its fields as values, so that checks, pages and files need not name them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Model, Q

from billing.metronome.account import Gateway
from billing.metronome.listing import Item, Listing
from billing.metronome.operations.base import NEW
from billing.metronome.outcomes import storable

State = dict[str, Any]
"""Field → value of one thing, as JSON values; sets are sorted lists."""
SHOWN = 3
"""So many items of a set a sentence names."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a noun. look: text, set, mapping, rows, flag or json; group: what its writer holds.

    A flag holds the time since when, or nothing; `words` are how it reads without and with one. Of a mapping
    a request may watch some keys alone. Rows are id → words; one that a call adds has no id yet. An empty
    group is written by nobody. is_apart: it has a list of its own, read only where somebody watches it.
    place: where it is, in words.
    """

    name: str
    label: str
    look: str = "text"
    group: str = ""
    words: tuple[str, str] = ("", "")
    place: str = "in Metronome"
    is_apart: bool = False

    def expected(self, watched: Any, folded: Any) -> Any:
        """What it should be by now: as earlier calls of the request leave it, as far as it is watched."""
        return {key: folded.get(key) for key in watched} if self.look == "mapping" else folded

    def is_same(self, before: Any, live: Any) -> bool:
        """Whether two values of it say the same."""
        if self.look == "mapping":
            return all(live.get(key) == value for key, value in before.items())
        if self.look == "rows":
            return _same_rows(before, live)
        return set(before) == set(live) if self.look == "set" else before == live

    def came_out(self, before: Any, asked: Any, live: Any) -> bool:
        """Whether what calls changed of it reads as they asked; what else is in it may have moved."""
        if self.look == "set":
            old, new, now = set(before or ()), set(asked or ()), set(live or ())
            return new - old <= now and not (old - new) & now
        if self.look not in ("mapping", "rows"):
            return self.is_as(asked, live)
        old, now = before or {}, live or {}
        changed = {key for key in old.keys() | asked.keys() if old.get(key) != asked.get(key)}
        return all(
            asked[key] in now.values() if key.startswith(NEW) else now.get(key) == asked.get(key)
            for key in changed
        )

    def is_as(self, asked: Any, live: Any) -> bool:
        """Whether a value is what a call leaves: of a flag it is only known that it is set."""
        return bool(asked) == bool(live) if self.look == "flag" else self.is_same(asked, live)

    def moved(self, before: Any, live: Any) -> str:
        """What changed in Metronome, as a sentence."""
        if self.look == "set":
            gone = [str(item) for item in before if item not in live]
            new = [str(item) for item in live if item not in before]
            parts = [f"{len(new)} more ({_some(new)})"] if new else []
            parts += [f"{len(gone)} fewer ({_some(gone)})"] if gone else []
            return f"The {self.label} changed {self.place}: {', '.join(parts)}."
        if self.look in ("mapping", "rows"):
            return f"The {self.label} changed {self.place}: {_differences(before, live, self.look)}."
        if self.look == "flag":
            return f"It became {self.words[1]} {self.place} at {live}." if live else f"It is {self.words[0]}."
        return f"The {self.label} changed {self.place}: it was “{before}”, now it is “{live}”."

    def shown(self, value: Any) -> str:
        """A value as a page draws it; empty for none."""
        if self.look == "flag":
            return self.words[1] if value else self.words[0]
        if self.look == "json":
            return json.dumps(value, indent=1, ensure_ascii=False)
        return str(value) if value else ""


@dataclass(frozen=True, slots=True)
class ChildSet:
    """A set of texts that a record holds, as rows of their own: `of` them on the record, `value` in a row.

    owner: the column that names whose it is. Such a table has `fetched_at`, and (owner, value) is unique.
    """

    model: type[Model]
    owner: str
    of: str
    value: str


def as_they_come(records: Sequence[Any], _asked_at: datetime) -> Sequence[Any]:
    """The records of an answer as they are."""
    return records


def as_they_are(_gateway: Gateway, _owner_id: str, rows: Sequence[Any]) -> Sequence[Any]:
    """Rows that leave nothing out."""
    return rows


@dataclass(frozen=True, slots=True)
class Whole:
    """A list of the account. phase: what a run calls it; fill: adds what its rows leave out.

    held: what a mirrored row must be, in SQL, besides saying what such a list says, to be up to date.
    """

    phase: str
    listing: Listing[Any]
    fill: Callable[[Sequence[Any], datetime], Sequence[Any]] = as_they_come
    held: str = ""


@dataclass(frozen=True, slots=True)
class For:
    """A list that each thing of another noun has, by that one's id.

    in_sweep: each refresh of the account reads them all; there are few. phase: what a run calls it.
    completed: reads what its rows leave out, by the owner's id.
    """

    owner: str
    phase: str
    listing: Callable[[str], Listing[Any]]
    in_sweep: bool = False
    completed: Callable[[Gateway, str, Sequence[Any]], Sequence[Any]] = as_they_are


class Resource:
    """A noun of Metronome's: its fields, how one is read, and, where it is mirrored, its table and lists.

    name: the noun, in the singular. model: its table; columns are named as the record's members are.
    key: what tells one from another. turn: the lists of whom others hang on are read first.
    """

    name: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]] = ()
    model: ClassVar[type[Model] | None] = None
    key: ClassVar[tuple[str, ...]] = ("id",)
    sets: ClassVar[tuple[ChildSet, ...]] = ()
    reads: ClassVar[tuple[Whole | For, ...]] = ()
    turn: ClassVar[int] = 9
    expected: ClassVar[Q] = Q()
    """Which of its rows a refresh looks for when its lists leave them out."""
    live: ClassVar[Q] = Q()
    """Which of them still change much, and have their own lists read again and again."""

    def read(
        self, gateway: Gateway, thing_id: str, fields: Collection[str], *, owner_id: str = ""
    ) -> State | None:
        """These fields of one thing, live; None when Metronome, asked twice, doesn't know it.

        owner_id: whose it is, where it can't be asked for by its own id alone. Raises GatewayError when
        Metronome can't be read: then nothing is known.
        """
        item = self.item(owner_id, thing_id)
        if item is None:
            raise NotImplementedError(f"no request is about a {self.label}")
        record = gateway.one(item)
        if record is None:  # a lone *not found* is a suspicion
            lists = [read.listing(owner_id) for read in self.reads if isinstance(read, For)]
            listed = (each for listing in lists for each in self.records(gateway.every(listing)))
            record = next((each for each in listed if each.id == thing_id), None)
        return None if record is None else self.state(record)

    def state(self, record: Any) -> State:
        """A record's fields as JSON values; instants in UTC, sets sorted."""
        return {field.name: _as_value(getattr(record, field.name)) for field in self.fields}

    def read_apart(
        self, gateway: Gateway, thing_id: str, fields: Collection[str], *, owner_id: str = ""
    ) -> State | None:
        """The same for fields with lists of their own, where the thing itself was just read by somebody."""
        return self.read(gateway, thing_id, fields, owner_id=owner_id)

    def called(self, state: State) -> str:
        """What people call one that is in this state; empty where nothing is known."""
        return state.get("name", "")

    @property
    def label(self) -> str:
        """The noun in words."""
        return self.name.replace("_", " ")

    @property
    def plural(self) -> str:
        """Several of it, in words."""
        return f"{self.label}s"

    def field(self, name: str) -> Field:
        """The field of this name. Raises ValueError for one that is not known."""
        for field in self.fields:
            if field.name == name:
                return field
        raise ValueError(f"nothing is known about the field {name} of a {self.name}")

    @property
    def is_queued(self) -> bool:
        """Whether it is in no list of the account: it is read owner by owner, from a queue."""
        return bool(self.reads) and not any(isinstance(read, Whole) or read.in_sweep for read in self.reads)

    def item(self, owner_id: str, thing_id: str) -> Item[Any] | None:
        """Where one is asked for before it is missing; None where only its list says so."""
        return None

    def records(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The noun's own records among the rows of one of its lists."""
        return rows

    def brought(self, rows: Sequence[Any]) -> dict[str, Sequence[Any]]:
        """Records of other nouns that the rows carry, by noun: kept where the mirror has none of the key."""
        return {}

    def again(self, ids: Sequence[Any], gone: Mapping[str, Collection[Any]]) -> Iterable[Whole]:
        """Where those are asked for that its lists left out: the lists once more, or a way of its own.

        gone: what is confirmed absent of the nouns before, by noun.
        """
        reads = [read for read in self.reads if isinstance(read, Whole)]
        return [replace(read, phase=f"{read.phase}, once more") for read in reads]


def _as_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return sorted(storable(each) for each in value)
    return storable(value) if isinstance(value, str) else value


Reader = Callable[[Gateway, str], Any]


def _same_rows(before: dict[str, str], live: dict[str, str]) -> bool:
    """Whether each row is there with its words, and beside them only those that calls have added."""
    known = {of: words for of, words in before.items() if not of.startswith(NEW)}
    added = sorted(words for of, words in before.items() if of.startswith(NEW))
    more = sorted(words for of, words in live.items() if of not in known)
    return all(live.get(of) == words for of, words in known.items()) and added == more


def _differences(before: dict[str, Any], live: dict[str, Any], look: str) -> str:
    """Key by key what was and what is; of rows their words tell which is meant."""
    keys = before if look == "mapping" else {**before, **live}
    parts = []
    for key in sorted(key for key in keys if before.get(key) != live.get(key)):
        old, new = before.get(key), live.get(key)
        of = "" if look == "rows" else f"{key} "
        if old and new:
            parts.append(f"{of}was “{old}”, now it is “{new}”")
        else:
            parts.append(f"{of}“{new}” is new" if new else f"{of}“{old}” is gone")
    return ", ".join(parts[:SHOWN]) + (f", and {len(parts) - SHOWN} more" if len(parts) > SHOWN else "")


def _some(items: list[str]) -> str:
    return ", ".join(items[:SHOWN]) + (", …" if len(items) > SHOWN else "")
