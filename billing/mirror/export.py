"""Lists of the mirror as CSV: complete, by the page's own filter, and each an event of the record."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.aggregates import JSONBAgg
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    CharField,
    Count,
    DateTimeField,
    Expression,
    Field,
    Func,
    IntegerField,
    JSONField,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Cast, Coalesce

from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.audit.taking import Taking, take
from billing.lists.csv import as_utc
from billing.lists.formulas import Defused
from billing.mirror.filters import CustomerFilter, current_plans
from billing.mirror.models import IngestAlias, Plan, Raw
from billing.mirror.resource import Resource

NONE = Value("[]", output_field=TextField())
"""A list in a cell is a JSON array: an item may hold any separator, and a line break too."""


def customers_csv(wanted: CustomerFilter, actor: Actor) -> Taking:
    """The customers that a filter lets through as CSV, in the page's order; recorded as `take` says."""
    sign = "-" if wanted.sort.startswith("-") else ""
    order = ("sort_name", "name", "pk") if wanted.sort.endswith("name") else ("created_at", "pk")
    rows = wanted.rows().order_by(*(sign + column for column in order))
    columns = _columns(are_few=wanted.is_narrow)
    return take(Event.LIST_EXPORTED, actor, "Customers", wanted.as_json(), rows, columns)


def noun_csv(noun: Resource, actor: Actor, rows: QuerySet[Any] | None = None) -> Taking:
    """A noun's rows as CSV, all or these: its columns, and its sets as JSON arrays."""
    rows = noun.model.objects.order_by("pk") if rows is None else rows
    columns: dict[str, str | Expression] = {}
    for field in noun.model._meta.concrete_fields:
        if not field.generated and not isinstance(field, Raw):
            columns[field.attname] = _cell(field)
    for child in noun.sets:
        own = child.model.objects.filter(**{child.owner: OuterRef("pk")}).order_by().values(child.owner)
        held = own.annotate(text=_listed(child.value)).values("text")
        columns[child.of] = Coalesce(Subquery(held, output_field=TextField()), NONE)
    return take(Event.LIST_EXPORTED, actor, noun.plural.capitalize(), {}, rows, columns)


def _cell(field: Field) -> str | Expression:
    if isinstance(field, DateTimeField):
        return as_utc(field.attname)
    if isinstance(field, JSONField):
        return Defused(Cast(field.attname, TextField()))
    return Defused(field.attname) if isinstance(field, TextField | CharField) else field.attname


def _columns(*, are_few: bool) -> dict[str, str | Expression]:
    """Few customers are each asked for their lists; of all of them the lists are put together once."""
    return {
        "id": "id",
        "name": Defused("name"),
        "external_id": Defused("external_id"),
        **(_asked_one_by_one() if are_few else _joined()),
        "custom_fields": Defused(Cast("custom_fields", TextField()), is_cheap=True),
        "created_at": as_utc("created_at"),
        "updated_at": as_utc("updated_at"),
        "archived_at": as_utc("archived_at"),
        "missing_since": as_utc("missing_since"),
        "fetched_at": as_utc("fetched_at"),
    }


def _joined() -> dict[str, str | Expression]:
    return {
        "ingest_aliases": Defused(Coalesce("held_aliases__aliases", NONE), is_cheap=True),
        "ingest_alias_count": Coalesce("held_aliases__number", 0),
        "plans": Defused(Coalesce("held_plans__names", NONE), is_cheap=True),
        "plan_ids": Coalesce("held_plans__ids", NONE),
    }


def _asked_one_by_one() -> dict[str, str | Expression]:
    own = IngestAlias.objects.filter(customer=OuterRef("pk")).order_by().values("customer")
    aliases = own.annotate(text=_listed("alias")).values("text")
    number = own.annotate(number=Count("*")).values("number")
    holding = current_plans().filter(customer=OuterRef(OuterRef("pk"))).order_by().values("plan")
    plans = Plan.objects.filter(pk__in=holding).order_by("name", "id")  # each once; two may have one name
    return {
        "ingest_aliases": Coalesce(Subquery(aliases, output_field=TextField()), NONE),
        "ingest_alias_count": Coalesce(Subquery(number, output_field=IntegerField()), 0),
        "plans": Defused(_array(plans.values("name"))),
        "plan_ids": _array(plans.values("id")),
    }


def _listed(name: str) -> Defused:
    return Defused(Cast(JSONBAgg(name, order_by=name), TextField()))


def _array(values: QuerySet[Any]) -> Cast:
    """One column of these rows, in their order, as a JSON array in a text."""
    return Cast(Func(ArraySubquery(values), function="to_jsonb", output_field=JSONField()), TextField())
