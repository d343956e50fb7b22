"""The alert types: how each is read, whom it concerns, and whether a low or a high value is the alarm."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simulator.engine.alerts import balance_readings as balances
from simulator.engine.alerts import readings
from simulator.engine.alerts.readings import Reader
from simulator.engine.prices.usage import customer_of
from simulator.world import World


@dataclass(frozen=True, slots=True)
class Kind:
    """An alert type: how to read it, whom it concerns, and whether a low value is the alarm."""

    read: Reader
    customers: Callable[[World], Iterable[str]]
    low: bool = True


def _with_contracts(world: World) -> Iterable[str]:
    return world.contracts_of


def _with_balances(world: World) -> Iterable[str]:
    return world.balances_of


def _with_usage(world: World) -> Iterable[str]:
    named = (customer_of(world, name) for name in world.events_by_name)
    return [*world.daily_usage_of, *(each["id"] for each in named if each)]


def _with_grants(world: World) -> Iterable[str]:
    return [each["customer_id"] for each in world.credit_grants.values()]


KINDS: dict[str, Kind] = {
    "spend_threshold_reached": Kind(readings.spend, _with_contracts, low=False),
    "monthly_invoice_total_spend_threshold_reached": Kind(readings.month_total, _with_contracts, low=False),
    "invoice_total_reached": Kind(readings.invoice_total, _with_contracts, low=False),
    "usage_threshold_reached": Kind(readings.usage, _with_usage, low=False),
    "low_remaining_commit_balance_reached": Kind(balances.balance("commit"), _with_balances),
    "low_remaining_commit_percentage_reached": Kind(
        balances.balance("commit", percentage=True), _with_balances
    ),
    "low_remaining_days_for_commit_segment_reached": Kind(balances.days("commit"), _with_balances),
    "low_remaining_contract_credit_balance_reached": Kind(balances.balance("credit"), _with_balances),
    "low_remaining_contract_credit_percentage_reached": Kind(
        balances.balance("credit", percentage=True), _with_balances
    ),
    "low_remaining_days_for_contract_credit_segment_reached": Kind(balances.days("credit"), _with_balances),
    "low_remaining_contract_credit_and_commit_balance_reached": Kind(
        balances.balance("commit", "credit"), _with_balances
    ),
    "low_remaining_contract_credit_and_commit_percentage_reached": Kind(
        balances.balance("commit", "credit", percentage=True), _with_balances
    ),
    "low_remaining_seat_balance_reached": Kind(balances.seats, _with_balances),
    "low_credit_balance_reached": Kind(readings.credit(), _with_grants),
    "low_remaining_credit_percentage_reached": Kind(readings.credit(percentage=True), _with_grants),
    "low_remaining_days_in_plan_reached": Kind(readings.plan_days, lambda world: world.plans_of),
}
