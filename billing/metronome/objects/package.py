"""Packages: templates of contracts, with terms of their own that nobody can change (API reference §3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billing.metronome.listing import Listing
from billing.metronome.records import id_in, optional_text_in, text_in, when_in


@dataclass(frozen=True, slots=True)
class PackageRecord:
    """A package. rate_card_id: whose prices it takes; empty where none is said."""

    id: str
    name: str
    rate_card_id: str
    archived_at: datetime | None
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> PackageRecord:
        return cls(
            id=id_in(source),
            name=text_in(source, "name"),
            rate_card_id=optional_text_in(source, "rate_card_id") or "",
            archived_at=when_in(source, "archived_at"),
            raw=source,
        )


SORTS = (
    ("commits", "commit"),
    ("credits", "credit"),
    ("recurring_commits", "recurring commit"),
    ("recurring_credits", "recurring credit"),
    ("scheduled_charges", "scheduled charge"),
    ("overrides", "override"),
    ("subscriptions", "subscription"),
)
"""A package's lists of terms, and what one of each is called."""

PACKAGES: Listing[PackageRecord] = Listing(
    "/v1/packages/list", PackageRecord.from_json, {"limit": 100}, body={"archive_filter": "ALL"}
)
"""All packages of the account, archived ones too; without a limit ten come on a page."""


def brings(raw: Mapping[str, Any]) -> list[str]:
    """What its record says that a contract gets: `an end after 12 months`, `1 commit`, `net 30 days`."""
    words = []
    duration = raw.get("duration")
    if isinstance(duration, dict) and duration.get("value"):
        unit = str(duration.get("unit", "")).lower()
        words.append(f"an end after {duration['value']} {unit[:-1] if duration['value'] == 1 else unit}")
    for member, one in SORTS:
        rows = raw.get(member)
        if isinstance(rows, list) and rows:
            words.append(f"{len(rows)} {one}{'s' if len(rows) > 1 else ''}")
    if (days := raw.get("net_payment_terms_days")) is not None:
        words.append(f"net {days} days")
    return words
