"""Invoices (API reference §3.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.metronome.instants import date_of, instant
from billing.metronome.listing import Listing
from billing.metronome.outcomes import storable
from billing.metronome.records import id_in, optional_text_in, text_in, when_in


@dataclass(frozen=True, slots=True)
class InvoiceRecord:
    """An invoice. `total` is in `currency`, the pricing unit's name; only "USD (cents)" counts cents."""

    id: str
    customer_id: str
    status: str
    type: str
    total: Decimal
    currency: str
    contract_id: str | None
    start_timestamp: datetime | None
    end_timestamp: datetime | None
    issued_at: datetime | None
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @property
    def is_finalized(self) -> bool:
        """Whether it is on its way to the customer, or there."""
        return self.status.upper() == "FINALIZED"

    @property
    def is_draft(self) -> bool:
        """Whether it still grows."""
        return self.status.upper() == "DRAFT"

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> InvoiceRecord:
        total = source["total"]
        if isinstance(total, bool) or not isinstance(total, int | Decimal):
            raise ValueError("total is not a number")
        return cls(
            id=id_in(source),
            customer_id=id_in(source, "customer_id"),
            status=text_in(source, "status"),
            type=text_in(source, "type"),
            total=Decimal(total),
            currency=text_in(source["credit_type"], "name"),
            contract_id=optional_text_in(source, "contract_id"),
            start_timestamp=when_in(source, "start_timestamp"),
            end_timestamp=when_in(source, "end_timestamp"),
            issued_at=when_in(source, "issued_at"),
            raw=source,
        )


def invoices(customer_id: str) -> Listing[InvoiceRecord]:
    """All invoices of one customer, void ones too, oldest first."""
    return Listing(
        f"/v1/customers/{customer_id}/invoices",
        InvoiceRecord.from_json,
        {"limit": 100, "sort": "date_asc", "skip_zero_qty_line_items": "true"},
    )


def in_short(invoice: InvoiceRecord) -> dict[str, Any]:
    """What a person sees of an invoice beside others, but for its money."""
    return {
        "id": invoice.id,
        "status": storable(invoice.status.upper()),
        "type": invoice.type,
        "contract_id": invoice.contract_id,
        "start": date_of(invoice.start_timestamp),
        "end": date_of(invoice.end_timestamp),
        "end_at": instant(invoice.end_timestamp),
    }
