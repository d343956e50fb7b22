"""What a kind hands over to be sealed: everything an approver will see and a worker will send."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Caution:
    """A fact that makes it risky, with its consequence. tone: bad, warn or info."""

    tone: str
    title: str
    text: str

    def as_json(self) -> dict[str, str]:
        return {"tone": self.tone, "title": self.title, "text": self.text}


@dataclass(frozen=True, slots=True)
class Proposal:
    """One change, ready to be sealed. Money anywhere inside is text, never a float.

    calls: `(operation name, params)` in order. watched: field → value now. subjects: what it writes to.
    facts: what the policy may ask about. form: what was entered, to prefill a new request.
    """

    kind: str
    sentence: str
    customer_id: str | None
    subject_text: str
    before: dict[str, Any] | None
    calls: tuple[tuple[str, dict[str, Any]], ...]
    subjects: tuple[str, ...]
    watched: dict[str, Any]
    facts: dict[str, Any]
    form: dict[str, Any]
    added_aliases: tuple[str, ...] = ()
    removed_aliases: tuple[str, ...] = ()
    warnings: tuple[Caution, ...] = ()
    blast: tuple[dict[str, Any], ...] = field(default=())
    irreversible: bool = False
