"""Products."""

from __future__ import annotations

from django.db import models

from billing.metronome.objects.product import PRODUCTS
from billing.mirror.models import Mirrored, folded
from billing.mirror.resource import Resource, Whole


class Product(Mirrored):
    """A product under its current name."""

    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    sort_name = folded("name")
    type = models.TextField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "billing"
        indexes = [models.Index(fields=["sort_name", "id"], name="products_by_name")]

    def __str__(self) -> str:
        return self.name


class ProductResource(Resource):
    """A product: what is priced, granted and charged for."""

    name = "product"
    model = Product
    turn = 4
    reads = (Whole("products", PRODUCTS),)
