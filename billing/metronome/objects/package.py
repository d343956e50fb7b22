"""Packages: templates of contracts, with terms of their own that nobody can change (API reference §3.5)."""

from __future__ import annotations

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


PACKAGES: Listing[PackageRecord] = Listing(
    "/v1/packages/list", PackageRecord.from_json, {"limit": 100}, body={"archive_filter": "ALL"}
)
"""All packages of the account, archived ones too; without a limit ten come on a page."""
