"""The list of customers as CSV: complete, by the page's own filter, and an event of the record."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Count,
    Expression,
    Func,
    IntegerField,
    JSONField,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
)
from django.db.models.functions import Cast, Coalesce

from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.audit.taking import Taking, take
from billing.lists.csv import as_utc
from billing.mirror.export import NONE, listed
from billing.mirror.resources.customer.filters import CustomerFilter
from billing.mirror.resources.customer.models import IngestAlias
from billing.mirror.resources.plan import Plan
from billing.mirror.resources.subscription import current_plans


def customers_csv(wanted: CustomerFilter, actor: Actor) -> Taking:
    """The customers that a filter lets through as CSV, in the page's order; recorded as `take` says."""
    sign = "-" if wanted.sort.startswith("-") else ""
    order = ("sort_name", "name", "pk") if wanted.sort.endswith("name") else ("created_at", "pk")
    rows = wanted.rows().order_by(*(sign + column for column in order))
    columns = _columns(are_few=wanted.is_narrow)
    return take(Event.LIST_EXPORTED, actor, "Customers", wanted.as_json(), rows, columns)


def _columns(*, are_few: bool) -> dict[str, str | Expression]:
    """Few customers are each asked for their lists; of all of them the lists are put together once."""
    return {
        "id": "id",
        "name": "name",
        "external_id": "external_id",
        **(_asked_one_by_one() if are_few else _joined()),
        "custom_fields": Cast("custom_fields", TextField()),
        "created_at": as_utc("created_at"),
        "updated_at": as_utc("updated_at"),
        "archived_at": as_utc("archived_at"),
        "missing_since": as_utc("missing_since"),
        "fetched_at": as_utc("fetched_at"),
    }


def _joined() -> dict[str, str | Expression]:
    return {
        "ingest_aliases": Coalesce("held_aliases__aliases", NONE),
        "ingest_alias_count": Coalesce("held_aliases__number", 0),
        "plans": Coalesce("held_plans__names", NONE),
        "plan_ids": Coalesce("held_plans__ids", NONE),
    }


def _asked_one_by_one() -> dict[str, str | Expression]:
    own = IngestAlias.objects.filter(customer=OuterRef("pk")).order_by().values("customer")
    aliases = own.annotate(text=listed("alias")).values("text")
    number = own.annotate(number=Count("*")).values("number")
    holding = current_plans().filter(customer=OuterRef(OuterRef("pk"))).order_by().values("plan")
    plans = Plan.objects.filter(pk__in=holding).order_by("name", "id")  # each once; two may have one name
    return {
        "ingest_aliases": Coalesce(Subquery(aliases, output_field=TextField()), NONE),
        "ingest_alias_count": Coalesce(Subquery(number, output_field=IntegerField()), 0),
        "plans": _array(plans.values("name")),
        "plan_ids": _array(plans.values("id")),
    }


def _array(values: QuerySet[Any]) -> Cast:
    """One column of these rows, in their order, as a JSON array in a text."""
    return Cast(Func(ArraySubquery(values), function="to_jsonb", output_field=JSONField()), TextField())
