"""Spend trackers: what a contract's customer has bought of commits in the current billing period."""

from __future__ import annotations

from decimal import Decimal

from simulator.amounts import exact, plain
from simulator.engine.balances.ledger import of_customer
from simulator.engine.prices.periods import of_contract
from simulator.world import Row, World


def accumulated(world: World, contract: Row, tracker: Row) -> Row:
    """{amount, period_starting_at, period_ending_before} of the period that it is, or of the first."""
    now = world.stamp()
    start, end = of_contract(contract, max(now, contract["starting_at"]))
    amount = sum(
        (
            exact(item["amount"])
            for row in of_customer(world, contract["customer_id"])
            if (row["contract_id"] or row["invoice_contract_id"]) == contract["id"] and _counts(tracker, row)
            for item in row["invoice_schedule"]["schedule_items"]
            if start <= item["timestamp"] < end and item["timestamp"] <= now
        ),
        Decimal(0),
    )
    return {"amount": plain(amount), "period_starting_at": start, "period_ending_before": end}


def _counts(tracker: Row, row: Row) -> bool:
    """Whether a purchase of this commit counts, by its currency, where it came from and its discount."""
    schedule = row["invoice_schedule"]
    if row["type"] != "PREPAID" or row["archived_at"] or not schedule:
        return False
    if schedule["credit_type"]["id"] != tracker["credit_type_id"]:
        return False
    source = "THRESHOLD_RECHARGE" if row.get("recharges") else "MANUAL"
    is_discounted = (row["spend_tracker_attributes"] or {}).get("counts_as_discounted", False)
    wanted = ("ANY", "DISCOUNTED_ONLY" if is_discounted else "UNDISCOUNTED_ONLY")
    return any(
        source in each["sources"] and each.get("discounted", "ANY") in wanted
        for each in tracker["applicable_spend_specifiers"]
    )


def with_spend(world: World, contract: Row, trackers: list[Row]) -> list[Row]:
    """The contract's trackers as the API shows them."""
    return [each | {"accumulated_spend": accumulated(world, contract, each)} for each in trackers]
