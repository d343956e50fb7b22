"""Packages."""

from __future__ import annotations

from django.db import models

from billing.metronome.objects.package import PACKAGES
from billing.mirror.models import Mirrored, folded
from billing.mirror.resource import Resource, Whole


class Package(Mirrored):
    """A package. `rate_card_id` is empty where none is said."""

    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    sort_name = folded("name")
    rate_card_id = models.TextField(blank=True)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "billing"
        indexes = [models.Index(fields=["sort_name", "id"], name="packages_by_name")]

    def __str__(self) -> str:
        return self.name


class PackageResource(Resource):
    """A package: contracts made from it get its terms."""

    name = "package"
    model = Package
    turn = 4
    reads = (Whole("packages", PACKAGES),)
