"""Invoices."""

from __future__ import annotations

from typing import Any

from billing.metronome.instants import date_of, instant
from billing.metronome.outcomes import storable
from billing.metronome.records import InvoiceRecord


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
