"""What a kind may build on: it looks at this, at what was entered, and at the mirror, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from billing.changes.refusals import BadInput
from billing.metronome.operations.base import thing


@dataclass(frozen=True, slots=True)
class Basis:
    """A thing as it is known here, what was read live about it, and what its form begins with.

    thing: as states name it; empty for a kind that makes something new. state: empty without a thing.
    survey: None until it has been read. again: what was entered for the request that is proposed again, or
    what gives back what that one has done.
    """

    thing: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    survey: dict[str, Any] | None = None
    again: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, noun: str, state: dict[str, Any] | None, **more: Any) -> Basis:
        """Of a thing by its state, which has its `id`; of nothing yet where there is none."""
        return cls(thing(noun, state["id"]), state, **more) if state else cls(**more)

    def surveyed(self, about: str) -> dict[str, Any]:
        """What was read live; about: a kind's `survey_about`. Raises BadInput while it is not there."""
        if self.survey is None:
            raise BadInput(f"{about} has not been read yet. Wait for it, then send.")
        return self.survey
