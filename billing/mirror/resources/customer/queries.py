"""Reads of the mirror. Nothing here writes, and nothing here asks Metronome."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Case,
    Count,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from billing.lists.conditions import IsAnyOf
from billing.lists.paging import Shape, cut, is_storable
from billing.lists.prepared import Question, Records, no_id, no_text
from billing.lists.text import folded, in_order
from billing.mirror.resources.customer.filters import CustomerFilter
from billing.mirror.resources.customer.models import Customer, IngestAlias
from billing.mirror.resources.subscription import current_plans
from billing.mirror.resources.tally import ACTIVE, ARCHIVED, tally
from billing.mirror.searching import ANY_SEARCH, ANY_WORDS, COUNT_CAP, by_ids, searched

SHOWN_ALIASES = 3
_COLUMNS = {"name": "sort_name", "created_at": "created_at"}


class CustomerRow(NamedTuple):
    """One line of the customers page. `aliases` are three, meant ones first; `plan_names` those not ended."""

    id: UUID
    name: str
    external_id: str
    aliases: list[str]
    alias_count: int
    plan_names: list[str]
    archived_at: datetime | None
    created_at: datetime | None
    missing_since: datetime | None


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """One page of customers. `older` and `newer` are cursors; a capped count is of that many or more."""

    rows: list[CustomerRow]
    older: str | None
    newer: str | None
    count: int
    count_is_capped: bool

    @property
    def more_than(self) -> int:
        """What a capped count is said to be more than: a round number."""
        return self.count - 1


@dataclass(frozen=True, slots=True)
class Holder:
    """A customer that holds an alias, as far as the mirror knows."""

    id: UUID
    name: str
    archived_at: datetime | None


def customers(wanted: CustomerFilter, cursor: str | None = None, limit: int = 50) -> CustomerPage:
    """One page in two queries, however many rows. Raises CursorRefused for a cursor that can't be read."""
    found, count, is_capped = _found(wanted)
    column = _COLUMNS[wanted.sort.removeprefix("-")]
    page = cut(
        _with_row_facts(found, wanted.q),
        order=wanted.sort,
        column=column,
        tie="name" if column == "sort_name" else "",
        cursor=cursor,
        limit=limit,
        parse_key=str if column == "sort_name" else datetime.fromisoformat,
        parse_id=UUID,
        key_of=lambda row: (_key(row, column), str(row[_PK]), row[_NAME]),
    )
    rows = [CustomerRow(*row[:_PLANS], in_order(row[_PLANS]), *row[_PLANS + 1 : _FACTS]) for row in page.rows]
    return CustomerPage(rows, page.older, page.newer, count, is_capped)


def count_customers(wanted: CustomerFilter) -> tuple[int, bool]:
    """How many customers a filter lets through, and whether there are more: nobody waits for a full count."""
    _rows, count, is_capped = _found(wanted)
    return count, is_capped


def _found(wanted: CustomerFilter) -> tuple[Shape, int, bool]:
    """The customers that a filter lets through, how many, and whether there are more than that. One query.

    Few are known by id then, and sorted. Many are met soon by walking the list in its order.
    """
    if not wanted.is_narrow:
        numbers = tally()
        numbers["all"] = numbers[ACTIVE] + numbers[ARCHIVED]
        return _in_passing(wanted), numbers[wanted.status], False
    ids = wanted.first(COUNT_CAP)
    if len(ids) == COUNT_CAP:
        return _in_passing(wanted), COUNT_CAP, True
    return by_ids(ids, Customer), len(ids), False


def _in_passing(wanted: CustomerFilter) -> Shape:
    return wanted.shape("in passing", CustomerFilter.in_passing)


def count_up_to(most: int) -> int:
    """How many customers are mirrored, of whatever state; not counted beyond `most`."""
    return Customer.objects.order_by()[:most].count()


def knows(customer_id: UUID | str) -> bool:
    """Whether a customer has a page here."""
    return bool(_ids().rows(customer=UUID(str(customer_id))))


@cache
def _ids() -> Question:
    return Question(
        Customer.objects.filter(pk=no_id("customer")).values_list("pk"), customer=no_id("customer")
    )


def name_of(customer_id: UUID | str) -> str:
    """What a customer is called here; empty for one that isn't mirrored."""
    return Customer.objects.filter(pk=customer_id).values_list("name", flat=True).first() or ""


def customer(customer_id: UUID | str) -> Customer | None:
    """One customer."""
    return next(iter(_customer().asked(customer=UUID(str(customer_id)))), None)


def aliases_of(customer_id: UUID) -> list[str]:
    """A customer's ingest aliases, by text."""
    return [alias for (alias,) in _aliases().rows(customer=customer_id)]


ANY_CUSTOMER = no_id("customer")


@cache
def _customer() -> Records:
    return Records(Customer.objects.filter(pk=ANY_CUSTOMER), customer=ANY_CUSTOMER)


@cache
def _aliases() -> Question:
    rows = IngestAlias.objects.filter(customer=ANY_CUSTOMER).order_by("folded", "alias")
    return Question(rows.values_list("alias"), customer=ANY_CUSTOMER)


def snapshot(customer_id: UUID | str) -> dict[str, Any] | None:
    """The customer in the shape of CustomerRecord.as_snapshot(); None when it is not mirrored, or missing."""
    row = Customer.objects.filter(pk=customer_id, missing_since__isnull=True).first()
    if row is None:
        return None
    return {
        "id": str(row.pk),
        "name": row.name,
        "ingest_aliases": sorted(row.aliases.values_list("alias", flat=True)),
        "custom_fields": row.custom_fields,
        "archived_at": row.archived_at.isoformat() if row.archived_at else None,
    }


def customers_called(text: str, most: int = 2) -> list[UUID]:
    """Those that are meant by an id, else by an exact alias, else by a name: so many of a name at most."""
    present = Customer.objects.filter(missing_since__isnull=True)
    with suppress(ValueError):
        return list(present.filter(pk=UUID(text.strip())).values_list("pk", flat=True))
    by_alias = present.filter(aliases__alias=text, aliases__folded=folded(text))
    if found := list(by_alias.values_list("pk", flat=True)):
        return found
    return list(present.filter(sort_name=folded(text.strip())).values_list("pk", flat=True)[:most])


def alias_holders(aliases: Iterable[str]) -> dict[str, list[Holder]]:
    """Who holds each of these aliases, active and archived; an alias that nobody holds is left out."""
    asked = [alias for alias in aliases if is_storable(alias)]
    forms = sorted({folded(alias) for alias in asked})  # what the index holds; the alias itself decides
    holders: dict[str, list[Holder]] = {}
    for alias, *holder in _held().rows(aliases=asked, forms=forms):
        holders.setdefault(alias, []).append(Holder(*holder))
    return holders


@cache
def _held() -> Question:
    """Planned anew each time: one alias is asked for, or two thousand."""
    aliases, forms, texts = [no_text("alias")], [no_text("form")], ArrayField(TextField())
    held = IngestAlias.objects.filter(
        IsAnyOf("folded", Value(forms, texts)),
        IsAnyOf("alias", Value(aliases, texts)),
        customer__missing_since__isnull=True,
    ).order_by("alias", "customer__sort_name", "customer__name", "customer_id")
    columns = ("alias", "customer_id", "customer__name", "customer__archived_at")
    return Question(held.values_list(*columns), planned_anew=True, aliases=aliases, forms=forms)


_ROW = (
    *("pk", "name", "external_id", "first_aliases", "alias_count", "plan_names"),
    *("archived_at", "created_at", "missing_since"),
)
_PK, _NAME, _PLANS, _FACTS = 0, 1, _ROW.index("plan_names"), len(_ROW)


def _with_row_facts(found: Shape, text: str) -> Shape:
    """The same customers as tuples of a line's facts and of the sorted columns."""
    meant = folded(text)

    def rows() -> QuerySet:
        own = IngestAlias.objects.filter(customer=OuterRef("pk")).order_by("folded", "alias")
        if meant:
            is_meant = Case(When(folded__startswith=ANY_WORDS, then=0), default=1)
            own = own.order_by(is_meant, "folded", "alias")
        number = own.order_by().values("customer").annotate(number=Count("*")).values("number")
        plans = current_plans().filter(customer=OuterRef("pk")).order_by("plan__name").distinct()
        annotated = found.rows().annotate(
            first_aliases=ArraySubquery(own.values("alias")[:SHOWN_ALIASES]),
            alias_count=Coalesce(Subquery(number, output_field=IntegerField()), 0),
            plan_names=ArraySubquery(plans.values("plan__name")),
        )
        return annotated.values_list(*_ROW, "sort_name")

    return replace(
        found,
        key=found.key and (*found.key, bool(meant)),
        rows=rows,
        stand_ins={**found.stand_ins, **ANY_SEARCH},
        values={**found.values, **searched(text)},
    )


def _key(row: tuple[Any, ...], column: str) -> str | None:
    value = row[_FACTS] if column == "sort_name" else row[_ROW.index(column)]
    return value.isoformat() if isinstance(value, datetime) else value
