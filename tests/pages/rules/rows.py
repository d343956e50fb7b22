"""The ways in which a rule of the database is met, each with what is said then."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Page:
    """A form says no before the database has to. `at`: an address; {fresh} is that request's reference, and
    {fresh.customer} its customer's id. `says` is on the page."""

    who: str
    at: str
    status: int
    says: str
    sends: dict[str, str] = field(default_factory=dict)
    method: str = "post"


@dataclass(frozen=True)
class Untold:
    """A page that forgets to put on record what it does: the guard fires at the end, and is told in words."""

    who: str
    at: str
    sends: dict[str, str]
    verb: str


@dataclass(frozen=True)
class Command:
    """`manage.py` says no; nothing else reaches the rule."""

    words: tuple[str, ...]
    options: dict[str, str]
    says: str


@dataclass(frozen=True)
class Sql:
    """No page reaches the rule, for the reason in `why`; SQL does, and is refused.

    `as_`: "application", the role that pages and workers have; "owner", whom other guards let through; or
    "bare": the owner with every trigger switched off, so that the constraint stands alone.
    `copies` is a table (without billing_) of which a row is inserted again, with `columns` set to SQL.
    """

    why: str
    statement: str = ""
    says: str = ""
    as_: str = "application"
    copies: str = ""
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Nothing:
    """It can't be met on its own, or refuses nothing."""

    why: str


Rule = Page | Untold | Command | Sql | Nothing
