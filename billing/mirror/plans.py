"""Reads of the mirrored plans. Nothing here writes, and nothing here asks Metronome."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from billing.lists.paging import Slice, cut
from billing.lists.prepared import Question
from billing.metronome.objects.plan import terms
from billing.mirror.models import CustomerPlan, Plan
from billing.mirror.tally import subscribed

_BY_NAME = ("sort_name", "name", "pk")


class PlanRow(NamedTuple):
    """One line of the plans page. `customers` counts subscriptions that have not ended."""

    id: UUID
    name: str
    description: str
    customers: int
    missing_since: datetime | None


class PlanName(NamedTuple):
    """A plan where people choose one."""

    id: UUID
    name: str


def plans(sort: str = "name") -> list[PlanRow]:
    """Every plan ever seen, in the order of a sort, with how many subscriptions to it have not ended."""
    return [PlanRow(*row) for row in _plans(sort).rows()]


@cache
def _plans(sort: str) -> Question:
    columns = ("pk", "name", "description", "customers", "missing_since")
    return Question(in_order(sort).values_list(*columns))


def in_order(sort: str) -> QuerySet[Plan]:
    """Every plan ever seen with its `customers`, by `name` or by `customers`, descending after a `-`."""
    rows = Plan.objects.annotate(customers=subscribed())
    sign = "-" if sort.startswith("-") else ""
    if sort.endswith("name"):
        return rows.order_by(*(sign + column for column in _BY_NAME))
    return rows.order_by(f"{sign}customers", *_BY_NAME)


def plan_names() -> list[PlanName]:
    """Every plan ever seen, by name, without counting who is on it."""
    return [PlanName(*row) for row in _names().rows()]


@cache
def _names() -> Question:
    return Question(Plan.objects.order_by(*_BY_NAME).values_list("pk", "name"))


def plan(plan_id: UUID | str) -> Plan | None:
    """One plan."""
    return Plan.objects.filter(pk=plan_id).first()


def plan_customers(plan_id: UUID | str, cursor: str | None = None, limit: int = 50) -> Slice[CustomerPlan]:
    """A plan's subscriptions with their customers, newest first, ended ones too. Raises CursorRefused."""
    return cut(
        CustomerPlan.objects.filter(plan_id=plan_id, missing_since__isnull=True).select_related("customer"),
        order="-starting_on",
        column="starting_on",
        cursor=cursor,
        limit=limit,
        parse_key=datetime.fromisoformat,
        parse_id=UUID,
        key_of=lambda row: (row.starting_on.isoformat(), str(row.pk)),
    )


def plans_on_offer() -> list[PlanName]:
    """The plans that Metronome still lists, by name."""
    present = Plan.objects.filter(missing_since__isnull=True).order_by(*_BY_NAME)
    return [PlanName(*row) for row in present.values_list("pk", "name")]


def subscriptions(customer_id: UUID | str) -> list[CustomerPlan]:
    """A customer's subscriptions, newest first, ended ones too, each with its plan."""
    rows = CustomerPlan.objects.filter(customer_id=customer_id, missing_since__isnull=True)
    return list(rows.select_related("plan").order_by("-starting_on", "pk"))


def subscription_rows(customer_id: UUID | str) -> dict[str, str]:
    """Id → words of each, as a request freezes and a live check reads them."""
    return {
        str(row.pk): terms(row.plan.name, row.starting_on, row.ending_before)
        for row in subscriptions(customer_id)
    }
