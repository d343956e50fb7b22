"""Lists of the mirror as CSV: complete, by the page's own filter, and each an event of the record."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.aggregates import JSONBAgg
from django.db.models import (
    DateTimeField,
    Expression,
    Field,
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
from billing.mirror.models import Digest, Mirrored, Raw
from billing.mirror.resource import Resource

NONE = Value("[]", output_field=TextField())
"""A list in a cell is a JSON array: an item may hold any separator, and a line break too."""

KEPT = frozenset(field.name for field in Mirrored._meta.local_fields)
"""The columns that every mirrored noun has."""


def noun_csv(
    noun: Resource, actor: Actor, rows: QuerySet[Any] | None = None, filters: dict[str, Any] | None = None
) -> Taking:
    """A noun's rows as CSV, all or these: its columns, and its sets as JSON arrays. filters: as recorded."""
    rows = noun.model.objects.order_by("pk") if rows is None else rows
    columns: dict[str, str | Expression] = {}
    # The columns of Mirrored are the first of a table and the last of a file: there an id begins a row.
    for field in sorted(noun.model._meta.concrete_fields, key=lambda each: each.name in KEPT):
        if not field.generated and not isinstance(field, Raw | Digest):
            columns[field.attname] = _cell(field)
    for child in noun.sets:
        own = child.model.objects.filter(**{child.owner: OuterRef("pk")}).order_by().values(child.owner)
        held = own.annotate(text=listed(child.value)).values("text")
        columns[child.of] = Coalesce(Subquery(held, output_field=TextField()), NONE)
    return take(Event.LIST_EXPORTED, actor, noun.plural.capitalize(), filters or {}, rows, columns)


def _cell(field: Field) -> str | Expression:
    if isinstance(field, DateTimeField):
        return as_utc(field.attname)
    if isinstance(field, JSONField):
        return Cast(field.attname, TextField())
    return field.attname


def listed(name: str) -> Expression:
    return Cast(JSONBAgg(name, order_by=name), TextField())
