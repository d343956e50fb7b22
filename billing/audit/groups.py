"""Events that are looked for together: by a word that an address and a command say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from billing.audit.events import Event


class Group(NamedTuple):
    """Events that are looked for together."""

    label: str
    events: tuple[Event, ...]


def _about(*nouns: str) -> tuple[Event, ...]:
    """The events of these nouns: what stands before the dot."""
    return tuple(event for event in Event if event.partition(".")[0] in nouns)


def _without(taken: Iterable[Event]) -> tuple[Event, ...]:
    return tuple(event for event in Event if event not in taken)


SIGN_INS = (
    Event.PERSON_SIGNED_IN,
    Event.PERSON_SIGN_IN_FAILED,
    Event.PERSON_SIGNED_OUT,
    Event.PERSON_TURNED_AWAY,
    Event.PERSON_STEP_FAILED,
    Event.PERSON_CONFIRMED,
)
GROUPS: dict[str, Group] = {
    "requests": Group("Requests", _about("change")),
    "decisions": Group(
        "Decisions",
        (Event.CHANGE_APPROVED, Event.CHANGE_REJECTED, Event.CHANGE_RESOLVED, Event.CHANGE_CLOSED),
    ),
    "sends": Group("Calls to Metronome", _about("call")),
    "sign-ins": Group("Sign-ins", SIGN_INS),
    "people": Group("People", _about("person", "token")),
    "files": Group("Files taken out", _about("audit", "list", "export")),
    "machine": Group("Countersign itself", _about("applying", "installation", "mirror", "policy")),
    "but-sign-ins": Group("All but sign-ins", _without(SIGN_INS)),
}
"""By the word that an address and a command say."""
