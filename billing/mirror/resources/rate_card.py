"""Rate cards."""

from __future__ import annotations

from collections.abc import Collection

from django.db import models

from billing.metronome.account import Gateway
from billing.metronome.objects.rate_card import RATE_CARDS
from billing.metronome.outcomes import storable
from billing.mirror.models import Mirrored, folded
from billing.mirror.resource import Field, Resource, State, Whole


class RateCard(Mirrored):
    """A rate card, without its rates. `currency` is its pricing unit’s name."""

    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    sort_name = folded("name")
    description = models.TextField(blank=True)
    currency = models.TextField(blank=True)

    class Meta:
        app_label = "billing"
        indexes = [models.Index(fields=["sort_name", "id"], name="rate_cards_by_name")]

    def __str__(self) -> str:
        return self.name


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
