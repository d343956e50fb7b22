"""Plans (Metronome 1.0): made in Metronome's own app, chosen here."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.db import models
from django.db.models import QuerySet

from billing.lists.paging import Slice, cut
from billing.lists.prepared import Question
from billing.metronome.account import Gateway
from billing.metronome.objects.plan import PLANS, plan_at
from billing.metronome.outcomes import storable
from billing.mirror.models import Listed, Named
from billing.mirror.resource import Field, Resource, State, Whole
from billing.mirror.resources.subscription import CustomerPlan
from billing.mirror.resources.tally import subscribed


class Plan(Listed, Named):
    """A plan (Metronome 1.0)."""

    description = models.TextField(blank=True)
    custom_fields = models.JSONField(default=dict)

    class Meta:
        app_label = "billing"
        indexes = [models.Index(fields=["sort_name", "id"], name="plans_by_name")]


class PlanResource(Resource):
    """What a plan is called. Metronome knows no archived ones: a plan is there or it isn't."""

    name = "plan"
    model = Plan
    turn = 2
    reads = (Whole("plans", PLANS),)
    fields = (Field("name", "name"),)

    def read(
        self, gateway: Gateway, thing_id: str, fields: Collection[str], *, owner_id: str = ""
    ) -> State | None:
        plan = gateway.one(plan_at(thing_id))
        if plan is None:  # a lone 404 is a suspicion
            plan = next((each for each in gateway.every(PLANS) if each.id == thing_id), None)
        return None if plan is None else {"name": storable(plan.name)}


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
