"""Reads of the mirrored contracts. Nothing here writes, and nothing here asks Metronome."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from billing.lists.paging import FilterRefused, Slice, check_search, cut, id_asked_for
from billing.metronome.objects.billing_configuration import in_words as configuration_in_words
from billing.metronome.objects.contract import UNNAMED
from billing.metronome.objects.contract_terms import Term, terms_in
from billing.mirror.filters import LONGEST_SEARCH
from billing.mirror.models import Reading
from billing.mirror.resources import RESOURCES
from billing.mirror.resources.billing_configuration import BillingConfiguration
from billing.mirror.resources.contract import Contract
from billing.mirror.resources.package import Package
from billing.mirror.resources.rate_card import RateCard
from billing.mirror.searching import things

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
        """The contracts that it lets through, in no order."""
        rows = things(RESOURCES["contract"], self.q) if self.q else Contract.objects.all()
        rows = rows.filter(STATUSES[self.status][1])
        return rows.filter(customer_id=self.customer_id) if self.customer_id else rows


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
    is_text = column == "sort_name"

    def key_of(row: ContractRow) -> tuple[str | None, str]:
        value = getattr(row, column)
        return (value if is_text or value is None else value.isoformat()), str(row.pk)

    return cut(
        wanted.rows(),
        order=wanted.sort,
        column=column,
        cursor=cursor,
        limit=limit,
        parse_key=str if is_text else datetime.fromisoformat,
        parse_id=UUID,
        key_of=key_of,
        first=lambda ordered, most: _rows(ordered[:most]),
    )


def _rows(contracts: QuerySet[Contract]) -> list[ContractRow]:
    return [ContractRow(*row) for row in contracts.values_list(*COLUMNS)]


def in_order(wanted: ContractFilter) -> QuerySet[Contract]:
    """All contracts that a filter lets through, in the order of its list."""
    sign = "-" if wanted.sort.startswith("-") else ""
    return wanted.rows().order_by(f"{sign}{SORTS[wanted.sort.removeprefix('-')]}", f"{sign}pk")


def contract(contract_id: UUID | str) -> Contract | None:
    """One contract with its customer."""
    return Contract.objects.select_related("customer").filter(pk=contract_id).first()


def of_customer(customer_id: UUID | str) -> list[ContractRow]:
    """A customer's contracts, those that go on longest first, so many that one more than is shown is told."""
    own = Contract.objects.filter(customer_id=customer_id)
    ordered = own.order_by("archived_at", "-ending_before", "-starting_at", "pk")
    return _rows(ordered[: SHOWN_OF_A_CUSTOMER + 1])


def billed_through(customer_id: UUID | str) -> list[str]:
    """A customer's billing provider configurations in words, those in use first."""
    own = BillingConfiguration.objects.filter(customer_id=customer_id, missing_since=None)
    return [configuration_in_words(row.raw) for row in own.order_by("is_archived", "pk") if row.raw]


def are_some_unread() -> bool:
    """Whether there are customers whose contracts have not been read yet."""
    mine = Reading.objects.filter(noun="contract")
    return mine.filter(read_at=None).exists() or not mine.exists()


def sources(rows: Iterable[Any]) -> dict[UUID, str]:
    """The names of the rate cards and packages that contracts were made from, by id."""
    rows = list(rows)
    return {
        **_names(RateCard, {row.rate_card_id for row in rows}),
        **_names(Package, {row.package_id for row in rows}),
    }


def _names(model: Any, ids: Collection[UUID | None]) -> dict[UUID, str]:
    known = [each for each in ids if each is not None]
    return dict(model.objects.filter(pk__in=known).values_list("pk", "name")) if known else {}


def terms(contract: Contract) -> list[Term]:
    """What a contract's own record says of its terms, by their start."""
    return terms_in(contract.raw or {})
