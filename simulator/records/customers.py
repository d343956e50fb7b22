"""Records of customers, their plans and the providers that they are billed through."""

from __future__ import annotations

from functools import partial

from simulator.records.report import Report, require
from simulator.world import Row, World


def take(world: World, given: Row, report: Report) -> None:
    """The customers themselves, before anything that they have."""
    for kind, put in PUTS.items():
        report.take(kind, given.get(kind, []), partial(put, world))


def _customer(world: World, row: Row) -> None:
    customer = {"archived_at": None, **row}
    if row["id"] not in world.customers:
        world.customer_order.append(row["id"])
    world.customers[row["id"]] = customer
    for alias in row["ingest_aliases"]:
        world.alias_holder[alias] = row["id"]


def _plan(world: World, row: Row) -> None:
    require(world.customers, row["customer_id"], "customer")
    require(world.plans, row["plan_id"], "plan")
    names = ("id", "customer_id", "plan_id", "starting_on", "custom_fields")
    optional = ("ending_before", "net_payment_terms_days")
    kept = {name: row[name] for name in names} | {name: row.get(name) for name in optional}
    world.customer_plans[row["id"]] = kept
    world.plans_of.setdefault(row["customer_id"], []).append(row["id"])
    world.subscribers_of.setdefault(row["plan_id"], []).append(row["id"])


def _configuration(world: World, row: Row) -> None:
    require(world.customers, row["customer_id"], "customer")
    configuration = {"tax_provider": None, "archived_at": None, **row}
    world.billing_configurations.setdefault(row["customer_id"], []).append(configuration)


PUTS = {
    "customers": _customer,
    "customer_plans": _plan,
    "billing_provider_configurations": _configuration,
}
