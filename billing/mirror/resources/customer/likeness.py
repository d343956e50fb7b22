"""Who in the mirror has a name, an alias or an id that people take for another: for cautions.

Two texts are alike when they have one folded form or look the same (`billing.lists.text`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, QuerySet

from billing.lists.paging import is_storable
from billing.lists.text import Skeleton, folded, skeleton
from billing.mirror.resources.customer.models import Customer, IngestAlias

MOST_ALIKE = 101
"""Where the search for those alike stops, so that a name that half the account has costs no more."""


class Alike(NamedTuple):
    """What was asked for, and what a customer has that is taken for it: an alias, an id or an external id."""

    asked: str
    text: str
    customer_id: UUID
    customer_name: str


def customers_named(name: str) -> list[Customer]:
    """Customers whose name folds to the same form, active ones first, at most 101."""
    if not is_storable(name):
        return []
    return _active_first(Customer.objects.filter(sort_name=folded(name)))


def customers_named_since(name: str, since: datetime) -> list[Customer]:
    """Those of them that exist since then by Metronome's clock, active ones first, at most 101."""
    if not is_storable(name):
        return []
    return _active_first(Customer.objects.filter(sort_name=folded(name), created_at__gte=since))


def customers_that_look_named(name: str) -> list[Customer]:
    """Customers whose name is another, and looks the same; active ones first, at most 101."""
    if not is_storable(name):
        return []
    alike = Customer.objects.alias(looks=Skeleton("name")).filter(looks=skeleton(name))
    return _active_first(alike.exclude(sort_name=folded(name)))


def near_aliases(aliases: Iterable[str], *, own_id: str | None) -> list[Alike]:
    """Aliases of other customers that read like one of these and are another, at most 101. One query."""
    asked = [alias for alias in aliases if is_storable(alias)]
    forms, looks = {folded(each): each for each in asked}, {skeleton(each): each for each in asked}
    held = IngestAlias.objects.filter(customer__missing_since__isnull=True).exclude(alias__in=asked)
    if own_id:
        held = held.exclude(customer_id=own_id)
    shown = ("alias", "customer_id", "customer__name")
    read_alike = held.filter(folded__in=forms).values_list(*shown)[:MOST_ALIKE]
    look_alike = held.alias(looks=Skeleton("alias")).filter(looks__in=looks).values_list(*shown)[:MOST_ALIKE]
    found = sorted(read_alike.union(look_alike))[:MOST_ALIKE] if asked else []
    return [Alike(forms.get(folded(alias)) or looks[skeleton(alias)], alias, *who) for alias, *who in found]


def whose_ids(texts: Iterable[str], *, own_id: str | None) -> list[Alike]:
    """Other customers whose id is one of these texts, however it is written."""
    ids = {}
    for text in texts:
        try:
            ids[UUID(folded(text))] = text
        except ValueError:  # most texts are no id
            continue
    owners = Customer.objects.filter(pk__in=ids.keys() - ({UUID(own_id)} if own_id else set()))
    return [Alike(ids[owner.pk], str(owner.pk), owner.pk, owner.name) for owner in owners.order_by("pk")]


def known_exactly(text: str) -> list[Customer]:
    """Customers whose id, alias or external id reads as this text; active ones first, at most 101.

    Missing ones are named only when there is no other.
    """
    if not (form := folded(text)) or not is_storable(text):
        return []
    holders = IngestAlias.objects.filter(folded=form).values("customer_id")
    owners = Customer.objects.filter(folded_external_id=form).values("pk")
    try:
        owners = owners.union(holders, Customer.objects.filter(pk=UUID(text.strip())).values("pk"))
    except ValueError:  # most texts are no id
        owners = owners.union(holders)
    ids = [row["pk"] for row in owners[:MOST_ALIKE]]
    known = Customer.objects.filter(pk__in=ids)
    found = list(known.order_by(F("archived_at").asc(nulls_first=True), "pk"))
    return [each for each in found if each.missing_since is None] or found


def whose_external_ids(texts: Iterable[str], *, own_id: str | None) -> list[Alike]:
    """Other customers whose external id reads like one of these texts, at most 101."""
    forms = {folded(text): text for text in texts if is_storable(text)}
    forms.pop("", None)
    owners = Customer.objects.filter(folded_external_id__in=forms, missing_since__isnull=True)
    if own_id:
        owners = owners.exclude(pk=own_id)
    return [
        Alike(forms[folded(owner.external_id)], owner.external_id, owner.pk, owner.name)
        for owner in owners.order_by("pk")[:MOST_ALIKE]
    ]


def _active_first(customers: QuerySet[Customer]) -> list[Customer]:
    present = customers.filter(missing_since__isnull=True)
    return list(present.order_by(F("archived_at").asc(nulls_first=True), "pk")[:MOST_ALIKE])
