"""What a person would ask for, of each kind: the rows of the crash tables and the requests of the demo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from billing.changes.asking.basis import Basis
from billing.users import User


class NothingSuch(LookupError):
    """No customer of this world has what an example needs."""


class World(Protocol):
    """A small account that is mirrored. It gives each customer once, so that no example meets another's."""

    def customer(self, *having: str) -> Basis:
        """A customer as it is mirrored; having: fields of its state that hold something."""

    def surveyed(self, *having: str) -> Basis:
        """One that was read live, too; having: fields of its state or its survey. Raises NothingSuch."""

    def person(self, *, may_come_in: bool) -> User:
        """Somebody of finance. Raises NothingSuch."""


@dataclass(frozen=True, slots=True)
class Example:
    """What is entered on a kind's form, over what that begins with; a real case, for a real reason."""

    basis: Basis
    reason: str
    entered: dict[str, Any]
