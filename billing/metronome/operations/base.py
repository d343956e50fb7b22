"""What an operation is: one writing endpoint, known completely. Adding a Metronome write is adding one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from uuid import UUID

from billing.metronome.calls import Answer, HttpCall, Sending

if TYPE_CHECKING:
    from billing.metronome.account import Gateway


@dataclass(frozen=True, slots=True)
class Made:
    """An id that is not there yet: `field` of what call number `call` (from 1) of this request returns."""

    call: int
    field: str = "id"

    def __str__(self) -> str:
        return f"‹{self.field} from call {self.call}›"


Id = str | Made
"""A UUID as Metronome writes it, or one that an earlier call will have made."""
States = dict[str, dict[str, Any]]
"""Thing → field → value. A thing is `noun:id`; one that call 2 of the same request makes is `noun:@2`."""
P = TypeVar("P")
"""The params of one endpoint: a frozen dataclass of Ids, texts, whole numbers, flags, tuples and mappings."""


def id_text(given: Id) -> str:
    """The id as it stands in a path or a body; for one that is not there yet, whose it will be.

    Raises ValueError for text that is no UUID.
    """
    return str(given) if isinstance(given, Made) else str(UUID(given))


def thing(noun: str, given: Id) -> str:
    """What this id stands for, as States name it."""
    return f"{noun}:@{given.call}" if isinstance(given, Made) else f"{noun}:{given.lower()}"


def newly(noun: str) -> str:
    """What a call makes, in its own `after`: whoever folds the calls puts its number behind it."""
    return f"{noun}:@"


def claimed(before: States, of: str, **fields: Any) -> States:
    """The states with these fields of one thing as a call leaves them."""
    return {**before, of: {**before.get(of, {}), **fields}}


KEY_OF_CALL = "‹this call’s key›"
"""What stands for a uniqueness key until the call is sealed and has one."""
NEW = "new"
"""What stands for the id of a row that a call adds to a thing; a second one is `new 2`."""


def with_new(rows: Mapping[str, str], words: str) -> dict[str, str]:
    """Id → words, with one more row, whose id nobody knows yet."""
    number = 1 + sum(of.startswith(NEW) for of in rows)
    return {**rows, NEW if number == 1 else f"{NEW} {number}": words}


class Proof(StrEnum):
    """What one look proves about an unclear write."""

    APPLIED = "applied"
    NOT_APPLIED = "not_applied"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Finding:
    """One look: what it proves, a sentence for people, the call's result if applied, and what was read.

    was_undone: our own row shows that it took effect, and what stood before stands again.
    stands: what a call would add is there, by us or by somebody else: sent again, it would be there twice.
    """

    proof: Proof
    sentence: str
    result: dict[str, Any] | None
    looked_at: list[dict[str, Any]]
    was_undone: bool = False
    stands: bool = False


@dataclass(frozen=True, slots=True)
class FindFacts(Generic[P]):
    """What `find` may know: the params, the states the call met, when and as what it was sent."""

    params: P
    before: States
    first_sent_at: datetime
    last_sent_at: datetime
    references: tuple[str, ...]


class Showing(ABC, Generic[P]):
    """What is sealed of a call: its params, how it is shown, and what it leaves. All of it is pure."""

    name: ClassVar[str]
    params: ClassVar[type]
    makes: ClassVar[str] = ""
    """The noun of what it creates, whose id is `result["id"]`; empty for none."""

    @abstractmethod
    def show(self, params: P) -> HttpCall:
        """The request for these params. Raises ValueError with a sentence for params it can't be made of."""

    @abstractmethod
    def after(self, before: States, params: P) -> States:
        """The states once the call took effect: a claim of what the call names, and nothing else."""

    @abstractmethod
    def how_found(self) -> str:
        """For the approver: what is read when no answer comes."""

    def made_for(self, params: P) -> str:
        """Whose the thing is that it makes, as States name it; empty where it is its own."""
        return ""

    def called(self, params: P) -> str:
        """The name of a customer that it makes, by which the mirror may know it; empty for all else."""
        return ""

    def read(self, content: Mapping[str, Any]) -> P:
        """The params from JSON values. Raises TypeError for a member too many or too few."""
        given = {name: tuple(each) if isinstance(each, list) else each for name, each in content.items()}
        for name in _ids(self.params):
            if isinstance(given.get(name), dict):
                made = given[name]
                given[name] = Made(call=made["from"], field=made["field"])
        return self.params(**given)

    def write(self, params: P) -> dict[str, Any]:
        """The params as JSON values."""
        content: dict[str, Any] = {}
        for each in fields(params):
            value = getattr(params, each.name)
            if isinstance(value, Made):
                value = {"from": value.call, "field": value.field}
            content[each.name] = list(value) if isinstance(value, tuple) else value
        return content

    def keyed(self, params: P, key: UUID) -> P:
        """The params with the call's own key in them, where the endpoint takes one as `uniqueness_key`."""
        takes_one = any(each.name == "uniqueness_key" for each in fields(self.params))
        return replace(params, uniqueness_key=str(key)) if takes_one else params

    def resolved(self, params: P, results: Mapping[int, Mapping[str, Any]]) -> P:
        """The params with every id in place; results: call number (from 1) → what it returned.

        Raises KeyError for a call that has not returned that field.
        """
        made = {name: getattr(params, name) for name in _ids(self.params)}
        known = {
            name: str(UUID(results[each.call][each.field]))
            for name, each in made.items()
            if isinstance(each, Made)
        }
        return replace(params, **known) if known else params

    def filled_in(self, params: P, resolved: P) -> dict[str, str]:
        """What stood for an id that was not there yet → the id, for those that `resolved` has by now."""
        return {
            str(getattr(params, name)): str(getattr(resolved, name))
            for name in _ids(self.params)
            if isinstance(getattr(params, name), Made)
        }


class Operation(Showing[P]):
    """One writing endpoint of Metronome's. `send` writes; `find` only reads, one look."""

    irreversible: ClassVar[bool] = False

    @abstractmethod
    def confirm(self, gateway: Gateway, call: HttpCall, answer: Answer) -> dict[str, Any]:
        """The result, read back where the answer proves nothing. Raises OutcomeUnknown."""

    @abstractmethod
    def find(self, gateway: Gateway, facts: FindFacts[P]) -> Finding:
        """One look at whether the call took effect. Raises ReadFailed or Halt."""

    def bears_out(self, gateway: Gateway, facts: FindFacts[P], made_id: str) -> Finding:
        """One look at whether the thing that a person names is what this call made: *applied*, or can't tell.

        Asked of what makes something alone, which has to say. Raises ReadFailed or Halt.
        """
        raise TypeError(f"{self.name} makes nothing")

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if cls.makes and cls.bears_out is Operation.bears_out:
            raise TypeError(f"{cls.__name__} makes a {cls.makes}, and does not say how a named one is told")

    def send(self, gateway: Gateway, sending: Sending) -> dict[str, Any]:
        """Spend a sending and return its result, confirmed. Raises what `Gateway.write` raises."""
        return self.confirm(gateway, sending.call, gateway.write(sending))


def _ids(params: type) -> list[str]:
    return [each.name for each in fields(params) if each.type in ("Id", Id)]
