"""Reads of the mirrored contracts. Nothing here writes, and nothing here asks Metronome."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Now

from billing.lists.conditions import InPassing
from billing.lists.paging import FilterRefused, Shape, Slice, check_search, cut, id_asked_for
from billing.lists.prepared import Question, kept, no_id
from billing.metronome.objects.contract import UNNAMED
from billing.metronome.objects.contract_terms import Term, terms_in
from billing.mirror.models import Reading
from billing.mirror.resources.contract.resource import Contract
from billing.mirror.resources.package import Package
from billing.mirror.resources.rate_card import RateCard
from billing.mirror.searching import (
    ANY_SEARCH,
    ANY_WORDS,
    COUNT_CAP,
    LONGEST_SEARCH,
    any_of,
    by_ids,
    is_plain,
    searched,
    ways_by_name,
)

STATUSES: dict[str, tuple[str, Q]] = {
    "open": ("Open", Q(archived_at=None) & (Q(ending_before=None) | Q(ending_before__gt=Now()))),
    "scheduled": ("Starting later", Q(archived_at=None, starting_at__gt=Now())),
    "ended": ("Ended", Q(archived_at=None, ending_before__lte=Now())),
    "archived": ("Archived", Q(archived_at__isnull=False)),
    "all": ("All", Q()),
}
"""Status → its words, and what it lets through."""
SORTS = {"name": "sort_name", "starting_at": "starting_at", "ending_before": "ending_before"}
SHOWN_OF_A_CUSTOMER = 20


@dataclass(frozen=True, slots=True)
class ContractFilter:
    """`q`: words of the name, its beginning, or a whole id. `customer`: whose. Raises FilterRefused."""

    q: str = ""
    status: str = "open"
    customer_id: UUID | None = None
    sort: str = "name"

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise FilterRefused(f"There is no status “{self.status[:40]}”.")
        if self.sort.removeprefix("-") not in SORTS:
            raise FilterRefused(f"Contracts can’t be sorted by “{self.sort[:40]}”.")
        check_search(self.q, LONGEST_SEARCH, "no name can")

    @classmethod
    def from_get(cls, query: Mapping[str, str]) -> ContractFilter:
        """The filter that an address says: `q`, `status`, `customer`, `sort`. Raises FilterRefused."""
        return cls(
            q=query.get("q", "").strip(),
            status=query.get("status") or "open",
            customer_id=id_asked_for(query, "customer"),
            sort=query.get("sort") or "name",
        )

    def as_json(self) -> dict[str, str]:
        """The filter as an audit row and an address keep it; what is not set is left out."""
        given = {
            "q": self.q,
            "status": self.status,
            "customer": str(self.customer_id or ""),
            "sort": self.sort,
        }
        return {name: value for name, value in given.items() if value}

    def rows(self) -> QuerySet[Contract]:
        """The contracts that it lets through, in no order: for somebody who reads all of them."""
        return self._of_any_name().filter(any_of(self._ways())) if self.q else self._of_any_name()

    def shape(self) -> Shape:
        """The same for one page. Few that a search means are known by id then; many are met in passing."""
        if not self.q:
            return self._shape("of any name", ContractFilter._of_any_name)
        first = self._shape("first", ContractFilter._first)
        asked = kept(first.key, lambda: Question(first.rows(), planned_anew=True, **first.stand_ins))
        ids = list({pk for (pk,) in asked.rows(**first.values)})
        if len(ids) < COUNT_CAP:
            return by_ids(ids, Contract)
        return self._shape("in passing", ContractFilter._in_passing)

    def _shape(self, name: str, rows: Callable[[ContractFilter], QuerySet[Contract]]) -> Shape:
        if self.q and not is_plain(self.q):
            return Shape(None, lambda: rows(self))
        alike = replace(self, q=self.q and ANY_WORDS, customer_id=self.customer_id and no_id("owner"))
        stand_ins, values = {"owner": no_id("owner"), **ANY_SEARCH}, {"owner": self.customer_id}
        key = ("contracts", name, self.status, bool(self.q), bool(self.customer_id))
        # Only a plan for this text takes it apart once, and not again for each row that passes.
        return Shape(
            key, lambda: rows(alike), stand_ins, values | searched(self.q), planned_anew=bool(self.q)
        )

    def _of_any_name(self) -> QuerySet[Contract]:
        rows = Contract.objects.filter(STATUSES[self.status][1])
        return rows.filter(customer_id=self.customer_id) if self.customer_id else rows

    def _ways(self) -> list[Q]:
        return ways_by_name(Contract, self.q)

    def _first(self) -> QuerySet[Contract]:
        """The ids, as texts, of so many as are told apart from many; in each way by an index of its own."""
        found = [self._of_any_name().filter(way) for way in self._ways()]
        first = [way.values_list(Cast("pk", TextField()))[:COUNT_CAP] for way in found]
        return first[0].union(*first[1:], all=True) if first else Contract.objects.none().values_list("pk")

    def _in_passing(self) -> QuerySet[Contract]:
        """Each asked as it is passed; those without a name, which come first and hold no word, are not."""
        return self._of_any_name().filter(InPassing(any_of(self._ways())), sort_name__gt="")


class ContractRow(NamedTuple):
    """One line of the list."""

    pk: UUID
    name: str
    customer_id: UUID
    customer_name: str
    starting_at: datetime
    ending_before: datetime | None
    archived_at: datetime | None
    missing_since: datetime | None
    rate_card_id: UUID | None
    package_id: UUID | None
    sort_name: str

    @property
    def called(self) -> str:
        """Its name, or that it has none."""
        return self.name or UNNAMED


COLUMNS = [name if name != "customer_name" else "customer__name" for name in ContractRow._fields]


def contracts(wanted: ContractFilter, cursor: str | None = None, limit: int = 50) -> Slice[ContractRow]:
    """One page of contracts. Raises CursorRefused."""
    column = SORTS[wanted.sort.removeprefix("-")]
    is_text, place = column == "sort_name", ContractRow._fields.index(column)

    def key_of(row: tuple[Any, ...]) -> tuple[str | None, str]:
        value = row[place]
        return (value if is_text or value is None else value.isoformat()), str(row[0])

    found = wanted.shape()
    page = cut(
        replace(found, rows=lambda: found.rows().values_list(*COLUMNS)),
        order=wanted.sort,
        column=column,
        cursor=cursor,
        limit=limit,
        parse_key=str if is_text else datetime.fromisoformat,
        parse_id=UUID,
        key_of=key_of,
    )
    return replace(page, rows=[ContractRow(*row) for row in page.rows])


def in_order(wanted: ContractFilter) -> QuerySet[Contract]:
    """All contracts that a filter lets through, in the order of its list."""
    sign = "-" if wanted.sort.startswith("-") else ""
    return wanted.rows().order_by(f"{sign}{SORTS[wanted.sort.removeprefix('-')]}", f"{sign}pk")


def contract(contract_id: UUID | str) -> Contract | None:
    """One contract with its customer."""
    return Contract.objects.select_related("customer").filter(pk=contract_id).first()


def of_customer(customer_id: UUID | str) -> list[ContractRow]:
    """A customer's contracts, so many that one more than is shown is told.

    Archived ones come last; of the others those first that go on longest.
    """
    return [ContractRow(*row) for row in _own().rows(owner=UUID(str(customer_id)))]


@cache
def _own() -> Question:
    own = Contract.objects.filter(customer_id=no_id("owner"))
    ordered = own.order_by(F("archived_at").asc(nulls_first=True), "-ending_before", "-starting_at", "pk")
    return Question(ordered.values_list(*COLUMNS)[: SHOWN_OF_A_CUSTOMER + 1], owner=no_id("owner"))


def are_some_unread() -> bool:
    """Whether there are customers whose contracts have not been read yet."""
    return _known().rows() != [(False,)]


@cache
def _known() -> Question:
    """A list that is known of, and one that is not read yet: an entry of an index each."""
    mine = Reading.objects.filter(noun="contract").order_by()
    unread = mine.filter(read_at=None).values_list(Value(True))[:1]
    return Question(mine.values_list(Value(False))[:1].union(unread, all=True))


def sources(rows: Iterable[Any]) -> dict[UUID, str]:
    """The names of the rate cards and packages that contracts were made from, by id."""
    rows = list(rows)
    return {
        **_names(RateCard, {row.rate_card_id for row in rows}),
        **_names(Package, {row.package_id for row in rows}),
    }


def _names(model: Any, ids: Collection[UUID | None]) -> dict[UUID, str]:
    known = [each for each in ids if each is not None]
    return dict(_named(model).rows(ids=known)) if known else {}


@cache
def _named(model: Any) -> Question:
    found = by_ids([], model)
    return Question(found.rows().values_list("pk", "name"), **found.stand_ins)


def terms(contract: Contract) -> list[Term]:
    """What a contract's own record says of its terms, by their start."""
    return terms_in(contract.raw or {})
