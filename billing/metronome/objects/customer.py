"""Customers (API reference §3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billing.metronome.listing import Item, Listing
from billing.metronome.outcomes import storable
from billing.metronome.records import id_in, optional_text_in, text_in, texts_in, when_in


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """A customer as the list and the detail route give it (reference §3.1, CustomerDetail)."""

    id: str
    name: str
    external_id: str | None
    ingest_aliases: tuple[str, ...]
    custom_fields: dict[str, str]
    created_at: datetime | None
    updated_at: datetime | None
    archived_at: datetime | None
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> CustomerRecord:
        aliases = source["ingest_aliases"]
        if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
            raise ValueError("ingest_aliases is not a list of texts")
        return cls(
            id=id_in(source),
            name=text_in(source, "name"),
            external_id=optional_text_in(source, "external_id"),
            ingest_aliases=tuple(aliases),
            custom_fields=texts_in(source, "custom_fields"),
            created_at=when_in(source, "created_at"),
            updated_at=when_in(source, "updated_at"),
            archived_at=when_in(source, "archived_at"),
            raw=source,
        )

    def as_snapshot(self) -> dict[str, Any]:
        """The fields that a change request freezes, as JSON values; aliases sorted, since they are a set.

        What PostgreSQL can't hold is replaced, exactly as the mirror does.
        """
        return {
            "id": self.id,
            "name": storable(self.name),
            "ingest_aliases": sorted(storable(alias) for alias in self.ingest_aliases),
            "custom_fields": {storable(key): storable(value) for key, value in self.custom_fields.items()},
            "archived_at": self.archived_at.isoformat() if self.archived_at else None,
        }


def customers(
    *, archived: bool, ids: Sequence[str] = (), alias: str = "", limit: int = 100
) -> Listing[CustomerRecord]:
    """The active, or the archived customers: `only_archived` replaces the set.

    ids: only those of up to 100; alias: only who holds it.
    """
    query: dict[str, Any] = {"limit": limit}
    query |= {"only_archived": "true"} if archived else {}
    query |= {"customer_ids": ",".join(ids)} if ids else {}
    query |= {"ingest_alias": alias} if alias else {}
    return Listing("/v1/customers", CustomerRecord.from_json, query)


def customer_at(customer_id: str) -> Item[CustomerRecord]:
    """One customer, archived or not."""
    return Item(f"/v1/customers/{customer_id}", CustomerRecord.from_json)
