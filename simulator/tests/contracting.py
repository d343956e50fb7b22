"""What the tests of contracts stand on: a frozen clock, a customer, and a rate card with products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metronome import Metronome

from simulator.running import RunningSimulator

NOBODY = "00000000-0000-4000-8000-000000000000"
NOW = "2026-06-15T12:00:00Z"
JAN, APR, JUN, JUL = (f"2026-{month:02}-01T00:00:00Z" for month in (1, 4, 6, 7))
NEXT = "2027-01-01T00:00:00Z"


@dataclass
class Market:
    """Ids of one of each."""

    customer: str
    card: str
    calls: str
    seats: str
    fee: str
    advice: str


def create(sdk: Metronome, market: Market, **more: Any) -> str:
    """A contract from January on; its id."""
    given = {"customer_id": market.customer, "rate_card_id": market.card, "starting_at": JAN, **more}
    return sdk.v1.contracts.create(**given).data.id


def read(sdk: Metronome, market: Market, contract_id: str, **more: Any) -> Any:
    """The contract as v2 shows it."""
    return sdk.v2.contracts.retrieve(customer_id=market.customer, contract_id=contract_id, **more).data


def edit(sdk: Metronome, market: Market, contract_id: str, **changes: Any) -> Any:
    """Carry out one edit; what is told of it."""
    return sdk.v2.contracts.edit(customer_id=market.customer, contract_id=contract_id, **changes).data.edit


def seats(market: Market, **more: Any) -> dict[str, Any]:
    """A subscription for ten seats a month, paid in advance."""
    return {
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": market.seats},
        "initial_quantity": 10,
        **more,
    }


def day(moment: Any) -> str | None:
    """The day of a moment, where there is one."""
    return moment and f"{moment:%Y-%m-%d}"


def told(simulator: RunningSimulator) -> list[tuple[str, str]]:
    """(resource type, action) of every effect on contracts, commits and credits."""
    kinds = ("contract", "commit", "credit")
    return [
        (row["resource_type"], row["action"]) for row in simulator.ledger() if row["resource_type"] in kinds
    ]
