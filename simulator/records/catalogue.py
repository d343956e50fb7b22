"""Records of what an account sells: units, metrics, products, rate cards with rates, packages, plans."""

from __future__ import annotations

from functools import partial

from simulator import agenda
from simulator.api.rates import put_rates
from simulator.engine.contracts.cards import next_alias_number
from simulator.records.report import Report, require
from simulator.world import Row, World


def take(world: World, given: Row, report: Report) -> None:
    """Everything that belongs to no customer."""
    for kind, put in PUTS.items():
        report.take(kind, given.get(kind, []), partial(put, world))


def _unit(world: World, row: Row) -> None:
    world.pricing_units[row["id"]] = {"is_currency": False, **row, "name": row["name"]}


def _key(world: World, row: Row) -> None:
    world.custom_field_keys.append({name: row[name] for name in ("entity", "key", "enforce_uniqueness")})


def _provider(world: World, row: Row) -> None:
    world.billing_providers.append(row)


def _metric(world: World, row: Row) -> None:
    """It counts every event that is sent from now on."""
    kept = {name: value for name, value in row.items() if value is not None}
    world.billable_metrics[row["id"]] = {"custom_fields": {}, "events_before": world.events_received} | kept


def _product(world: World, row: Row) -> None:
    product = {"archived_at": None, "custom_fields": {}, **row}
    world.products[row["id"]] = product
    for update in product["updates"]:
        if update["starting_at"] > world.stamp():
            agenda.plan(world, update["starting_at"], "product.update", product_id=row["id"])


def _card(world: World, row: Row) -> None:
    blank = {"credit_type_conversions": [], "aliases": [], "custom_fields": {}, "archived_at": None}
    world.rate_cards[row["id"]] = {
        **blank,
        **row,
        "product_order": [],
        "alias_number": next_alias_number(world.rate_cards),
    }
    world.rates_of[row["id"]] = []


def _rate(world: World, row: Row) -> None:
    """One row of a rate schedule."""
    require(world.rate_cards, row["rate_card_id"], "rate card")
    require(world.products, row["product_id"], "product")
    rate = {"ending_before": None, **row["rate"]}
    names = ("product_id", "starting_at", "ending_before", "entitled", "pricing_group_values")
    rate |= {name: row[name] for name in (*names, "billing_frequency", "commit_rate") if name in row}
    put_rates(world, world.rate_cards[row["rate_card_id"]], [rate])


def _package(world: World, row: Row) -> None:
    package = {"archived_at": None, **row, "alias_number": next_alias_number(world.packages)}
    if key := package.get("uniqueness_key"):
        package["uniqueness_key"] = key.removeprefix("package:")
        world.claim("package", package["uniqueness_key"], row["id"])
    world.packages[row["id"]] = package


def _plan(world: World, row: Row) -> None:
    world.plans[row["id"]] = {"custom_fields": {}, **row, "charges": []}


def _charge(world: World, row: Row) -> None:
    require(world.plans, row["plan_id"], "plan")
    world.plans[row["plan_id"]]["charges"].append({k: v for k, v in row.items() if k != "plan_id"})


PUTS = {
    "pricing_units": _unit,
    "custom_field_keys": _key,
    "billing_providers": _provider,
    "billable_metrics": _metric,
    "products": _product,
    "rate_cards": _card,
    "rates": _rate,
    "packages": _package,
    "plans": _plan,
    "charges": _charge,
}
