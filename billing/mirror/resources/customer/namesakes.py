"""What tells customers of one name apart, where somebody has to choose one of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, OuterRef, Subquery, TextField, Value
from django.db.models.functions import Coalesce

from billing.mirror.resources.customer.models import Customer, IngestAlias


class Namesake(NamedTuple):
    """A customer, with the first of its aliases; empty for none."""

    id: UUID
    name: str
    alias: str = ""
    is_archived: bool = False


def namesakes(ids: Iterable[UUID]) -> list[Namesake]:
    """Those of these customers that are mirrored: active ones first, by name. One query."""
    own = IngestAlias.objects.filter(customer=OuterRef("pk")).order_by("folded", "alias")
    found = Customer.objects.filter(pk__in=ids).annotate(
        alias=Coalesce(Subquery(own.values("alias")[:1]), Value(""), output_field=TextField())
    )
    ordered = found.order_by(F("archived_at").asc(nulls_first=True), "sort_name", "pk")
    return [Namesake(row.pk, row.name, row.alias, row.archived_at is not None) for row in ordered]
