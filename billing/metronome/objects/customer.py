"""Customers (API reference §3.1)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billing.metronome.account import Gateway
from billing.metronome.listing import Item, Listing
from billing.metronome.outcomes import ReadFailed, storable
from billing.metronome.records import OddRow, id_in, optional_text_in, text_in, texts_in, when_in


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


def read_customer(gateway: Gateway, customer_id: str) -> CustomerRecord | None:
    """One customer by id, archived or not; None when neither its address nor a list has it.

    A lone 404 is a suspicion: raises ReadFailed when a list names the customer all the same.
    """
    record = customer_at_its_address(gateway, customer_id)
    if record is None and any(
        customers_by_id(gateway, [customer_id], archived=archived) for archived in (False, True)
    ):
        raise ReadFailed("Metronome said that there is no such customer, but lists it; it is asked again.")
    return record


def customer_at_its_address(gateway: Gateway, customer_id: str) -> CustomerRecord | None:
    """The same for who asks the lists anyhow: None when Metronome says in words that there is none."""
    asked = time.monotonic()
    record = gateway.one(customer_at(customer_id))
    if record is None:
        return None
    if record.id != customer_id.lower():
        raise ReadFailed("Metronome answered with another customer than the one asked for.")
    gateway.tell(record, asked)
    return record


def customers_by_id(
    gateway: Gateway, ids: Sequence[str], *, archived: bool, odd: list[OddRow] | None = None
) -> tuple[CustomerRecord, ...]:
    """Those of up to 100 customers that exist among the active, or the archived ones.

    odd: takes the rows that can't be read; without it one raises ReadFailed.
    """
    return gateway.every(customers(archived=archived, ids=ids), odd)


def customers_holding_alias(gateway: Gateway, alias: str) -> tuple[CustomerRecord, ...]:
    """Every customer, active or archived, that holds exactly this alias."""
    found: list[CustomerRecord] = []
    for archived in (False, True):
        found += gateway.every(customers(archived=archived, alias=alias))
    return tuple(record for record in found if alias in record.ingest_aliases)
