"""Products."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from billing.metronome.objects.product import PRODUCTS
from billing.mirror.models import Listed, Named
from billing.mirror.named import PRESENT, NamedFilter
from billing.mirror.resource import Resource, Whole


class Product(Listed, Named):
    """A product under its current name."""

    type = models.TextField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "billing"
        indexes = [models.Index(fields=["sort_name", "id"], name="products_by_name")]


class ProductResource(Resource):
    """A product: what is priced, granted and charged for."""

    name = "product"
    model = Product
    turn = 4
    reads = (Whole("products", PRODUCTS),)


class ProductFilter(NamedFilter):
    """Products as a list is narrowed."""

    model = Product
    statuses: ClassVar[dict[str, tuple[str, Q]]] = {
        "in_use": ("In use", PRESENT & Q(archived_at=None)),
        "archived": ("Archived", PRESENT & Q(archived_at__isnull=False)),
        "missing": ("Missing", ~PRESENT),
        "all": ("All", Q()),
    }
