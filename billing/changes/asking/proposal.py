"""What a kind hands over to be sealed: everything an approver will see and a worker will send."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from billing.changes.holds import Held
from billing.metronome.operations.base import States


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
class Planned:
    """One call: the operation's name, its params in the operation's own type, and its guards."""

    operation: str
    params: Any
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """One change, ready to be sealed. Money anywhere inside is text, never a float.

    before: the things it is about, as they are. watched: of them what makes it stale when it moves.
    holds: what it writes to. facts: what the policy may ask about. form: what was entered, for a new try.
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
    warnings: tuple[Caution, ...] = ()
    blast: tuple[dict[str, Any], ...] = field(default=())
    irreversible: bool = False
