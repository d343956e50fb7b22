"""What is known of a noun: its fields as values, so that checks, pages and files need not name them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, ClassVar

from billing.metronome.client import Gateway

State = dict[str, Any]
"""Field → value of one thing, as JSON values; sets are sorted lists."""
SHOWN = 3
"""So many items of a set a sentence names."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a noun. look: text, set, mapping, flag or json; group: what who writes it has to hold.

    A flag holds the time since when, or nothing; `words` are how it reads without and with one. An empty
    group is written by nobody. place: where it is, in words.
    """

    name: str
    label: str
    look: str = "text"
    group: str = ""
    words: tuple[str, str] = ("", "")
    place: str = "in Metronome"

    def is_same(self, before: Any, live: Any) -> bool:
        """Whether two values of it say the same."""
        return set(before) == set(live) if self.look == "set" else before == live

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


class Resource(ABC):
    """A noun of Metronome's: its fields and how one is read. `name` is the noun, in the singular."""

    name: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]]

    @abstractmethod
    def read(self, gateway: Gateway, thing_id: str, fields: Collection[str]) -> State | None:
        """These fields of one thing, live; None when Metronome, asked twice, doesn't know it.

        Raises GatewayError when Metronome can't be read: then nothing is known.
        """

    @abstractmethod
    def called(self, state: State) -> str:
        """What people call one that is in this state; empty where nothing is known."""

    def field(self, name: str) -> Field:
        """The field of this name. Raises ValueError for one that is not known."""
        for field in self.fields:
            if field.name == name:
                return field
        raise ValueError(f"nothing is known about the field {name} of a {self.name}")


Reader = Callable[[Gateway, str], Any]


def _some(items: list[str]) -> str:
    return ", ".join(items[:SHOWN]) + (", …" if len(items) > SHOWN else "")
