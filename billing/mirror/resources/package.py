"""Packages."""

from __future__ import annotations

from collections.abc import Collection

from django.db import models

from billing.metronome.account import Gateway
from billing.metronome.instants import instant
from billing.metronome.objects.package import PACKAGES
from billing.metronome.outcomes import storable
from billing.mirror.models import Mirrored, folded
from billing.mirror.resource import Field, Resource, State, Whole


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
    fields = (
        Field("name", "name"),
        Field("archived_at", "status", look="flag", words=("in use", "archived")),
    )

    def read(
        self, gateway: Gateway, thing_id: str, fields: Collection[str], *, owner_id: str = ""
    ) -> State | None:
        found = next((each for each in gateway.every(PACKAGES) if each.id == thing_id), None)
        if found is None:
            return None
        return {
            "name": storable(found.name),
            "archived_at": instant(found.archived_at) or None,
        }
