"""Products: what is priced, granted and charged for (API reference §3.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billing.metronome.listing import Listing
from billing.metronome.records import id_in, text_in, when_in


@dataclass(frozen=True, slots=True)
class ProductRecord:
    """A product under its current name. type: USAGE, SUBSCRIPTION, COMPOSITE, FIXED or PRO_SERVICE."""

    id: str
    name: str
    type: str
    archived_at: datetime | None
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> ProductRecord:
        return cls(
            id=id_in(source),
            name=text_in(source["current"], "name"),
            type=text_in(source, "type").upper(),
            archived_at=when_in(source, "archived_at"),
            raw=source,
        )


PRODUCTS: Listing[ProductRecord] = Listing(
    "/v1/contract-pricing/products/list",
    ProductRecord.from_json,
    {"limit": 100},
    body={"archive_filter": "ALL"},
)
"""All products of the account, archived ones too."""
