"""The sealed text of a change request: canonical JSON, its digest, and the request as read from it.

Pages and the worker read a request from here, never from its columns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.changes.local import LOCAL
from billing.changes.oddities import is_hidden
from billing.changes.operations import operation
from billing.lists.paging import is_storable
from billing.metronome.calls import HttpCall
from billing.metronome.operations.base import States

VERSION = 2


Results = Mapping[int, Mapping[str, Any]]
"""Call number → what it returned, for those that took effect."""


class NotSealable(ValueError):
    """A value that has no place in a sealed text: a float, half a character, or what JSON does not know."""


def _check(value: Any, path: str) -> None:
    if isinstance(value, float):
        raise NotSealable(f"{path} is a float; money and rates are sealed as strings")
    if isinstance(value, str) and not is_storable(value):
        raise NotSealable(f"{path} holds a character that can't be stored: NUL or half of one")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise NotSealable(f"{path} has a key that is not text")
            _check(key, f"a key of {path}")
            _check(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check(inner, f"{path}[{index}]")
    elif value is not None and not isinstance(value, str | int | bool):
        raise NotSealable(f"{path} is a {type(value).__name__}")


def canonical(content: dict[str, Any]) -> str:
    """The one text for this content: sorted keys, no spaces, UTF-8 as it is, no floats."""
    _check(content, "$")
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(text: str) -> str:
    """SHA-256 of the text's UTF-8 bytes, 64 lower-case hex digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class SealedGuard:
    """What must hold right before its call: `values`, but for those that `of` has already."""

    name: str
    values: tuple[str, ...]
    of: str


@dataclass(frozen=True, slots=True)
class SealedCall:
    """One call as it was approved, counted from 1: `params` are of its operation's own type.

    `before` are the states that it will meet, `after` those that it leaves.
    """

    position: int
    operation: str
    params: Any
    http: HttpCall
    key: UUID
    guards: tuple[SealedGuard, ...]
    before: States
    after: States

    def resolved(self, results: Results) -> HttpCall:
        """The request with the ids in it that earlier calls have returned, and otherwise as it was shown.

        Raises KeyError for an id that is not there, ValueError for one that would change anything else.
        """
        writer = operation(self.operation)
        params = writer.resolved(self.params, results)
        http, shown = writer.show(params), self.http
        for made, given in writer.filled_in(self.params, params).items():
            body = json.loads(json.dumps(shown.body).replace(json.dumps(made)[1:-1], given))
            shown = HttpCall(shown.method, shown.path.replace(made, given), body)
        if http != shown:
            raise ValueError(f"call {self.position} would be sent differently from what was shown")
        return http

    @property
    def is_done_here(self) -> bool:
        """Whether it changes something of ours, and nothing of it is sent."""
        return self.operation in LOCAL

    @property
    def how_found(self) -> str:
        """What is read when no answer comes, for the approver."""
        return operation(self.operation).how_found()

    @property
    def body_text(self) -> str:
        """The JSON body for people, indented; the same values as on the wire, what can't be seen escaped."""
        text = json.dumps(self.http.body, indent=2, ensure_ascii=False)
        return "".join(json.dumps(letter)[1:-1] if is_hidden(letter) else letter for letter in text)


@dataclass(frozen=True, slots=True)
class SealedStep:
    """`people` different people of `role` have to agree."""

    role: str
    people: int


@dataclass(frozen=True, slots=True)
class SealedRequest:
    """A change request as its text says it."""

    content: dict[str, Any]
    calls: tuple[SealedCall, ...]
    steps: tuple[SealedStep, ...]

    @property
    def reference(self) -> str:
        return self.content["reference"]

    @property
    def kind(self) -> str:
        return self.content["kind"]

    @property
    def sentence(self) -> str:
        return self.content["sentence"]

    @property
    def reason(self) -> str:
        return self.content["reason"]

    @property
    def maker(self) -> dict[str, Any]:
        return self.content["makers"][0]

    @property
    def customer_id(self) -> str | None:
        return self.content["subject"]["customer_id"]

    @property
    def subject_text(self) -> str:
        return self.content["subject"]["text"]

    @property
    def before(self) -> States:
        """The things that it is about, as the mirror knew them at submit."""
        return self.content["before"]

    @property
    def after(self) -> States:
        """The things as the calls leave them."""
        return self.calls[-1].after

    @property
    def watched(self) -> States:
        """Thing → field → value at submit; a live difference right before a call makes the request stale."""
        return self.content["watched"]

    def owner_of(self, thing: str) -> str:
        """The thing whose it is: as what is held of it says, or the call that makes it; else its own."""
        of = thing.partition(":")[2]
        if of.startswith("@"):
            maker = self.call(int(of[1:]))
            return operation(maker.operation).made_for(maker.params) or thing
        owners = {each["thing"]: each["owner"] for each in self.content["holds"]}
        return owners.get(thing, thing)

    def call(self, position: int) -> SealedCall:
        """The call of this number, the first being 1."""
        return self.calls[position - 1]

    @property
    def facts(self) -> dict[str, Any]:
        return self.content["facts"]

    @property
    def warnings(self) -> list[dict[str, str]]:
        """Each `{tone, title, text}`."""
        return self.content["warnings"]

    @property
    def blast(self) -> list[dict[str, Any]]:
        """Each `{count, what, detail, then, money: [{currency, amount}]}`."""
        return self.content["blast"]

    @property
    def effects(self) -> list[dict[str, Any]]:
        """What Metronome makes of it by itself, each `{text, thing, field, gone, kept}`."""
        return self.content.get("effects", [])

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The policy rules that matched, each `{name, because}`."""
        return self.content["policy"]["rules"]

    @property
    def policy_version(self) -> int:
        return self.content["policy"]["version"]

    @property
    def typed_confirmation(self) -> bool:
        return self.content["policy"]["typed_confirmation"]

    @property
    def form(self) -> dict[str, Any]:
        """What the maker entered, to prefill a new request."""
        return self.content["form"]

    @property
    def submitted_at(self) -> datetime:
        return datetime.fromisoformat(self.content["submitted_at"])


def named(after: States, position: int) -> States:
    """The states with what this call makes named by it: `customer:@` becomes `customer:@1`."""
    return {f"{of}{position}" if of.endswith(":@") else of: state for of, state in after.items()}


def id_of(thing: str, results: Results) -> str | None:
    """The id that this thing has in Metronome; None for one that no call has made yet."""
    given = thing.partition(":")[2]
    return results.get(int(given[1:]), {}).get("id") if given.startswith("@") else given


def placed(states: States, results: Results) -> States:
    """The states with what earlier calls have made under its id."""
    return {
        f"{of.partition(':')[0]}:{made_id}" if (made_id := id_of(of, results)) else of: state
        for of, state in states.items()
    }


def policy_of(text: str) -> dict[str, Any]:
    """The policy that a text was sealed under, `{version, rules, typed_confirmation}`. Raises ValueError."""
    return _content(text)["policy"]


def _content(text: str) -> dict[str, Any]:
    content = json.loads(text)
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise ValueError("this is not a sealed request of a version that is understood")
    return content


def read(text: str) -> SealedRequest:
    """Read a sealed text. Raises ValueError when it is not one of ours."""
    content = _content(text)
    states: States = content["before"]
    calls = []
    for position, call in enumerate(content["calls"], 1):
        writer = operation(call["operation"])
        params = writer.read(call["params"])
        after = named(writer.after(states, params), position)
        calls.append(
            SealedCall(
                position=position,
                operation=call["operation"],
                params=params,
                http=HttpCall(method=call["method"], path=call["path"], body=call["body"]),
                key=UUID(call["key"]),
                guards=tuple(
                    SealedGuard(guard["name"], tuple(guard["values"]), guard["of"])
                    for guard in call["guards"]
                ),
                before=states,
                after=after,
            )
        )
        states = after
    steps = tuple(SealedStep(role=step["role"], people=step["people"]) for step in content["steps"])
    return SealedRequest(content=content, calls=tuple(calls), steps=steps)
