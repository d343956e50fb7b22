"""The account's delivery methods: how invoices reach its billing providers."""

from __future__ import annotations

from django.db import models

from billing.metronome.objects.delivery_method import DELIVERY_METHODS, told_by
from billing.mirror.models import Mirrored
from billing.mirror.resource import Resource, Whole


class DeliveryMethod(Mirrored):
    """A way to a billing provider that is set up for the account."""

    id = models.UUIDField(primary_key=True)
    billing_provider = models.TextField()
    delivery_method = models.TextField()

    class Meta:
        app_label = "billing"

    def __str__(self) -> str:
        return f"{self.billing_provider}, {self.delivery_method}"

    @property
    def told_by(self) -> str:
        """What tells it from others of its provider; empty for nothing."""
        return told_by(self.raw or {})


class DeliveryMethodResource(Resource):
    """A delivery method. No request is about one; billing provider configurations name them."""

    name = "delivery_method"
    model = DeliveryMethod
    turn = 4
    reads = (Whole("delivery methods", DELIVERY_METHODS),)


def delivery_methods() -> list[DeliveryMethod]:
    """Those that the account has, provider by provider."""
    rows = DeliveryMethod.objects.filter(missing_since=None)
    return sorted(rows, key=lambda row: (row.billing_provider, row.delivery_method, row.told_by, str(row.pk)))
