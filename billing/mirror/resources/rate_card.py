"""Rate cards."""

from __future__ import annotations

from django.db import models

from billing.metronome.objects.rate_card import RATE_CARDS
from billing.mirror.models import Mirrored, folded
from billing.mirror.resource import Resource, Whole


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
