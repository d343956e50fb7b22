"""What a kind hands over to be sealed: everything an approver will see and a worker will send."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from billing.changes.holds import Held
from billing.metronome.operations.base import States

SHOWN = 3
"""So many ids a sentence names."""


@dataclass(frozen=True, slots=True)
class Caution:
    """A fact that makes it risky, with its consequence. tone: bad, warn or info."""

    tone: str
    title: str
    text: str

    def as_json(self) -> dict[str, str]:
        return {"tone": self.tone, "title": self.title, "text": self.text}


@dataclass(frozen=True, slots=True)
class Guard:
    """What must hold right before a call, each time it is sent; the guard of that name judges `values`.

    of: the thing that may have them already.
    """

    name: str
    values: tuple[str, ...]
    of: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "values": sorted(self.values), "of": self.of}


@dataclass(frozen=True, slots=True)
class Effect:
    """What Metronome makes of the calls by itself: read and compared once they are applied.

    text: what happens, as the end of a sentence. Of a field that is a set, `gone` are not in it any more
    afterwards, and `kept` still are.
    """

    text: str
    thing: str
    field: str
    gone: Sequence[str] = ()
    kept: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "thing": self.thing,
            "field": self.field,
            "gone": sorted(self.gone),
            "kept": sorted(self.kept),
        }

    def missed(self, live: Collection[str]) -> str:
        """What came out otherwise, as a sentence; empty where it came out so."""
        left, lost = sorted(set(self.gone) & set(live)), sorted(set(self.kept) - set(live))
        parts = [f"{len(left)} of {len(self.gone)} still there ({_some(left)})"] if left else []
        parts += [f"{len(lost)} of {len(self.kept)} gone ({_some(lost)})"] if lost else []
        return f"It was shown that about {self.text}: {', '.join(parts)}." if parts else ""


def _some(items: Sequence[str]) -> str:
    return ", ".join(items[:SHOWN]) + (", …" if len(items) > SHOWN else "")


@dataclass(frozen=True, slots=True)
class Planned:
    """One call: the operation's name, its params in the operation's own type, and its guards."""

    operation: str
    params: Any
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """One change, ready to be sealed. Money anywhere inside is text, never a float.

    before: the things it is about, as they are. watched: of them what makes it stale when it moves.
    holds: what it writes to. effects: what Metronome makes of it by itself. facts: what the policy may ask
    about. form: what was entered, for a new try.
    """

    kind: str
    sentence: str
    customer_id: str | None
    subject_text: str
    before: States
    calls: tuple[Planned, ...]
    holds: tuple[Held, ...]
    watched: States
    facts: dict[str, Any]
    form: dict[str, Any]
    effects: tuple[Effect, ...] = ()
    warnings: tuple[Caution, ...] = ()
    blast: tuple[dict[str, Any], ...] = field(default=())
    irreversible: bool = False
