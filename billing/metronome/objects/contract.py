"""Contracts, the v2 shape: where they are read, and the edits that were made to one (API reference §3.4).

A contract is read by its customer's id and its own. There is no list of all contracts of an account.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.metronome.instants import date_of, instant
from billing.metronome.listing import Item, Listing
from billing.metronome.outcomes import storable
from billing.metronome.records import (
    id_in,
    must_when_in,
    optional_id_in,
    optional_text_in,
    texts_in,
    when_in,
)

UNNAMED = "unnamed contract"
PAGE_SIZE = 20
"""More contracts than these are never on one page, whatever is asked for."""


@dataclass(frozen=True, slots=True)
class ContractRecord:
    """A contract as POST /v2/contracts/list gives it. It has no status: open means not archived, not over."""

    id: str
    customer_id: str
    name: str | None
    starting_at: datetime
    ending_before: datetime | None
    archived_at: datetime | None
    rate_card_id: str | None = None
    package_id: str | None = None
    custom_fields: dict[str, str] = field(default_factory=dict)
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> ContractRecord:
        return cls(
            id=id_in(source),
            customer_id=id_in(source, "customer_id"),
            name=optional_text_in(source, "name"),
            starting_at=must_when_in(source, "starting_at"),
            ending_before=when_in(source, "ending_before"),
            archived_at=when_in(source, "archived_at"),
            rate_card_id=optional_id_in(source, "rate_card_id"),
            package_id=optional_id_in(source, "package_id"),
            custom_fields=texts_in(source, "custom_fields"),
            raw=source,
        )

    def is_open(self, at: datetime) -> bool:
        """Not archived and not over; one that starts later is open too, since archiving ends it as well."""
        return self.archived_at is None and (self.ending_before is None or self.ending_before > at)


@dataclass(frozen=True, slots=True)
class ContractEditRecord:
    """One edit of a contract as its history tells it: who made it stands nowhere.

    uniqueness_key: what the editor sent along; empty for one made without, or in Metronome's own app.
    """

    id: str
    uniqueness_key: str
    timestamp: str
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> ContractEditRecord:
        key, timestamp = source.get("uniqueness_key") or "", source.get("timestamp") or ""
        if not isinstance(key, str) or not isinstance(timestamp, str):
            raise ValueError("uniqueness_key or timestamp is not text")
        return cls(id=str(UUID(source["id"])), uniqueness_key=key, timestamp=timestamp, raw=source)


def contracts_of(customer_id: str) -> Listing[ContractRecord]:
    """All contracts of a customer, archived ones too."""
    return Listing(
        "/v2/contracts/list",
        ContractRecord.from_json,
        body={"customer_id": customer_id, "include_archived": True, "limit": PAGE_SIZE},
        cursor="cursor",
        cursor_in_body=True,
    )


TERMS_CUT: dict[str, str] = {
    "commits": "/v1/contracts/customerCommits/list",
    "credits": "/v1/contracts/customerCredits/list",
}
"""Inner lists of a contract that may be cut short (`has_more`), and where they are listed whole."""


def is_cut(contract: ContractRecord, terms: str) -> bool:
    """Whether the contract says that it has more of these than it shows."""
    return bool((contract.raw.get("has_more") or {}).get(terms))


def terms_of(customer_id: str, terms: str) -> Listing[dict[str, Any]]:
    """All commits, or credits, of a customer's contracts, archived ones too: 25 a page."""
    return Listing(
        TERMS_CUT[terms],
        _with_contract,
        body={
            "customer_id": customer_id,
            "include_contract_commits" if terms == "commits" else "include_contract_credits": True,
            "include_archived": True,
            "limit": 25,
        },
        cursor_in_body=True,
    )


def with_terms(contract: ContractRecord, terms: str, every: Iterable[dict[str, Any]]) -> ContractRecord:
    """The contract with all that is its own of a customer's commits, or credits."""
    own = [each for each in every if (each.get("contract") or {}).get("id") == contract.raw["id"]]
    has_more = {**contract.raw["has_more"], terms: False}
    return replace(contract, raw={**contract.raw, terms: own, "has_more": has_more})


def contract_at(customer_id: str, contract_id: str) -> Item[ContractRecord]:
    """One contract of a customer."""
    return Item(
        "/v2/contracts/get",
        ContractRecord.from_json,
        body={"customer_id": customer_id, "contract_id": contract_id},
    )


def edits_of(customer_id: str, contract_id: str) -> Listing[ContractEditRecord]:
    """Every edit of a contract, whoever made it and wherever. It comes whole, without pages."""
    return Listing(
        "/v2/contracts/getEditHistory",
        ContractEditRecord.from_json,
        body={"customer_id": customer_id, "contract_id": contract_id},
    )


def _with_contract(source: dict[str, Any]) -> dict[str, Any]:
    id_in(source)
    return source


def state_of(contract: ContractRecord) -> dict[str, Any]:
    """Its own fields as JSON values: instants like `2027-01-01T00:00:00Z`, empty where there is none."""
    return {
        "name": storable(contract.name or ""),
        "starting_at": instant(contract.starting_at),
        "ending_before": instant(contract.ending_before),
        "archived_at": instant(contract.archived_at) or None,
    }


def in_short(contract: ContractRecord) -> dict[str, Any]:
    """What a person sees of it beside others: id, name, its days and its exact instants."""
    return {
        "id": contract.id,
        "name": storable(contract.name or UNNAMED),
        "starting_at": date_of(contract.starting_at),
        "ending_before": date_of(contract.ending_before),
        "state": state_of(contract),
    }


def words_of(contract: ContractRecord) -> str:
    """`Order 12, from 2026-01-01, no end`: one contract among others."""
    end = f"up to {date_of(contract.ending_before)}" if contract.ending_before else "no end"
    return f"{storable(contract.name or UNNAMED)}, from {date_of(contract.starting_at)}, {end}"


def keys_of(contract: ContractRecord) -> tuple[str, ...]:
    """The uniqueness key that it was made under; Metronome puts `package:` before that of a package's."""
    key = contract.raw.get("uniqueness_key")
    return (key, key.removeprefix("package:")) if isinstance(key, str) else ()


def made_from(contract: ContractRecord) -> tuple[tuple[str, Any], ...]:
    """What it was made from: member and id of its rate card and its package, as far as it has them."""
    return tuple(
        (name, contract.raw[name]) for name in ("rate_card_id", "package_id") if contract.raw.get(name)
    )
