"""What the tests of edits share: a schedule, a charge, a threshold, and what a history tells."""

from __future__ import annotations

from typing import Any

from metronome import Metronome

from simulator.tests.contracting import (
    JAN,
    NEXT,
    Market,
)

ACCESS = {"schedule_items": [{"amount": 100, "starting_at": JAN, "ending_before": NEXT}]}


def history(sdk: Metronome, market: Market, contract_id: str) -> list[Any]:
    return sdk.v2.contracts.get_edit_history(customer_id=market.customer, contract_id=contract_id).data


def charge(market: Market, *items: tuple[str, float]) -> dict[str, Any]:
    schedule = [{"timestamp": at, "amount": amount} for at, amount in items]
    return {"product_id": market.fee, "schedule": {"schedule_items": schedule}}


def threshold(market: Market, **more: Any) -> dict[str, Any]:
    return {
        "commit": {"product_id": market.fee, "name": "Recharge"},
        "is_enabled": True,
        "payment_gate_config": {"payment_gate_type": "NONE"},
        "threshold_amount": 500,
        **more,
    }
