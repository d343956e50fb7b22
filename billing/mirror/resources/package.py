"""Packages."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q

from billing.metronome.account import Gateway
from billing.metronome.instants import instant
from billing.metronome.objects.package import PACKAGES, brings
from billing.metronome.outcomes import storable
from billing.mirror.models import Listed, Named
from billing.mirror.named import PRESENT, NamedFilter
from billing.mirror.resource import Field, Resource, State, Whole


class Package(Listed, Named):
    """A package. `rate_card_id` is empty where none is said."""

    rate_card_id = models.TextField(blank=True)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "billing"
        indexes = [models.Index(fields=["sort_name", "id"], name="packages_by_name")]

    @property
    def brings(self) -> list[str]:
        """What a contract gets of it, in words: how long it goes on, and how many terms of each sort."""
        return brings(self.raw or {})


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


class PackageFilter(NamedFilter):
    """Packages as a list is narrowed."""

    model = Package
    statuses: ClassVar[dict[str, tuple[str, Q]]] = {
        "in_use": ("In use", PRESENT & Q(archived_at=None)),
        "archived": ("Archived", PRESENT & Q(archived_at__isnull=False)),
        "missing": ("Missing", ~PRESENT),
        "all": ("All", Q()),
    }


def packages() -> list[Package]:
    """Those that are not archived, by name."""
    return list(PackageFilter().in_order().defer("raw"))


def packages_at(rate_card_id: UUID) -> list[Package]:
    """Those that take their prices from a rate card and are in use, by name."""
    return list(PackageFilter().in_order().filter(rate_card_id=str(rate_card_id)).defer("raw"))


def brought_by(package_id: str) -> list[str]:
    """What a package brings to a contract, in words; nothing for one that is not mirrored."""
    row = Package.objects.filter(pk=package_id).first()
    return row.brings if row else []
