"""What a contract can be made from, as mirrored: rate cards in use, and packages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from billing.metronome.objects.package import brings
from billing.mirror.resources.package import Package
from billing.mirror.resources.rate_card import RateCard


def rate_cards() -> list[RateCard]:
    """Those that Metronome lists, by name."""
    return list(RateCard.objects.filter(missing_since=None).defer("raw").order_by("sort_name", "id"))


def packages() -> list[Package]:
    """Those that are not archived, by name."""
    rows = Package.objects.filter(missing_since=None, archived_at=None)
    return list(rows.defer("raw").order_by("sort_name", "id"))


def state_of(thing: str) -> dict[str, Any] | None:
    """What is watched of a `rate_card:id` or `package:id`; None where the mirror has no such in use."""
    noun, _, of = thing.partition(":")
    rows = {"rate_card": rate_cards, "package": packages}[noun]()
    row = next((each for each in rows if each.pk == UUID(of)), None)
    if row is None:
        return None
    return {"name": row.name} | ({"archived_at": None} if noun == "package" else {})


def brought_by(package_id: str) -> list[str]:
    """What a package brings to a contract, in words: how long it goes on, and how many terms of each sort."""
    row = Package.objects.filter(pk=package_id).first()
    return brings(row.raw or {}) if row else []
