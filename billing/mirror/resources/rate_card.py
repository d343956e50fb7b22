"""Rate cards."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import ClassVar

from django.db import models
from django.db.models import Q

from billing.metronome.account import Gateway
from billing.metronome.objects.rate_card import RATE_CARDS
from billing.metronome.outcomes import storable
from billing.mirror.models import Listed, Named
from billing.mirror.named import PRESENT, NamedFilter
from billing.mirror.resource import Field, Resource, State, Whole


class RateCard(Listed, Named):
    """A rate card, without its rates. `currency` is its pricing unit’s name."""

    description = models.TextField(blank=True)
    currency = models.TextField(blank=True)

    class Meta:
        app_label = "billing"
        indexes = [models.Index(fields=["sort_name", "id"], name="rate_cards_by_name")]


class RateCardResource(Resource):
    """A rate card. One that is archived is in no list any more, and goes missing."""

    name = "rate_card"
    model = RateCard
    turn = 4
    reads = (Whole("rate cards", RATE_CARDS),)
    fields = (Field("name", "name"),)

    def read(
        self, gateway: Gateway, thing_id: str, fields: Collection[str], *, owner_id: str = ""
    ) -> State | None:
        found = next((each for each in gateway.every(RATE_CARDS) if each.id == thing_id), None)
        if found is None:
            return None
        return {"name": storable(found.name)}


class RateCardFilter(NamedFilter):
    """Rate cards as a list is narrowed; one that is archived is in no list of Metronome's, and missing."""

    model = RateCard
    statuses: ClassVar[dict[str, tuple[str, Q]]] = {
        "in_use": ("In use", PRESENT),
        "missing": ("Missing", ~PRESENT),
        "all": ("All", Q()),
    }


def names_of(ids: Iterable[str]) -> dict[str, str]:
    """The names of those of these rate cards that are mirrored, by id; an empty id is none."""
    rows = RateCard.objects.filter(pk__in={each for each in ids if each}).values_list("pk", "name")
    return {str(pk): name for pk, name in rows}


def rate_cards() -> list[RateCard]:
    """Those that Metronome lists, by name."""
    return list(RateCard.objects.filter(missing_since=None).defer("raw").order_by("sort_name", "id"))
