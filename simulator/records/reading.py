"""What a world is made of, as records: `load(read(world))` reads the same."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from simulator.amounts import exact, unrounded
from simulator.api import billable_metrics, packages, plans, products, rate_cards, rates
from simulator.engine.contracts import commits
from simulator.engine.contracts.contract_views import shown_v2
from simulator.engine.contracts.subscriptions import bounded
from simulator.engine.invoices.lines import usage_lines
from simulator.engine.invoices.statements import contract_of, is_measured, shown
from simulator.engine.prices.usage import meter
from simulator.world import Row, World, copied

WHEN = ("starting_at", "ending_before")


def read(world: World, customer_ids: list[str] | None = None) -> Row:
    """The records of everybody, or of some customers with the whole catalogue."""
    ids = world.customer_order if customer_ids is None else customer_ids
    contracts = [each for customer_id in ids for each in world.contracts_of.get(customer_id, [])]
    owners = {*ids, *(each["id"] for each in contracts), *world.rate_cards}
    subscribed = [world.customer_plans[plan_id] for each in ids for plan_id in world.plans_of.get(each, [])]
    records: dict[str, Any] = {
        "clock": world.stamp(),
        "pricing_units": [
            {name: each[name] for name in ("id", "name", "is_currency")}
            for each in world.pricing_units.values()
        ],
        "custom_field_keys": world.custom_field_keys,
        "billing_providers": world.billing_providers,
        "billable_metrics": [billable_metrics.shown(each) for each in world.billable_metrics.values()],
        "products": [products.shown(each) for each in world.products.values()],
        "rate_cards": [rate_cards.shown(each) for each in world.rate_cards.values()],
        "rates": [
            {**rates.item(world, rate), "rate_card_id": card["id"]}
            for card in world.rate_cards.values()
            for rate in rates.in_card_order(world, card)
        ],
        "packages": [packages.shown(each) for each in world.packages.values()],
        "plans": [
            {name: value for name, value in each.items() if name not in ("charges", "products")}
            for each in world.plans.values()
        ],
        "charges": [
            {**charge, "plan_id": plan["id"]} for plan in world.plans.values() for charge in plan["charges"]
        ],
        "customers": [world.customers[each] for each in ids],
        "customer_plans": [
            {**plans.shown(world, each), "customer_id": each["customer_id"]} for each in subscribed
        ],
        "billing_provider_configurations": [
            {name: value for name, value in row.items() if name != "tax_provider"}
            for each in ids
            for row in world.billing_configurations.get(each, [])
        ],
        "contracts": [shown_v2(world, each, archived=True) for each in contracts],
        "balances": [
            {**commits.show(world, row, True, True), "customer_id": each}
            for each in ids
            for row in commits.of_customer(world, each)
        ],
        "seats": [each for contract in contracts for each in _seats(contract)],
        "named_schedules": [
            {
                f"{each['kind']}_id": each["owner_id"],
                **{k: each[k] for k in ("schedule_name", "properties", "segments")},
            }
            for each in world.named_schedules.values()
            if each["owner_id"] in owners
        ],
        "invoices": [shown(world, row) for each in ids for row in world.invoices_of.get(each, [])],
        "usage": [piece for each in ids for piece in usage_of(world, each)],
    }
    return copied(records)


def _seats(contract: Row) -> Iterator[Row]:
    for subscription in contract["subscriptions"]:
        if not subscription.get("seat_schedule"):
            continue
        for each in bounded([dict(entry) for entry in subscription["seat_schedule"]]):
            yield {
                "contract_id": contract["id"],
                "subscription_id": subscription["id"],
                "starting_at": each["starting_at"],
                "ending_before": each.get("ending_before"),
                "assigned_seat_ids": each["seat_ids"],
                "total_quantity": len(each["seat_ids"]) + each["unassigned"],
            }


def usage_of(world: World, customer_id: str) -> list[Row]:
    """What a customer's drafts bill of usage, by product, values of groups and piece of time until now."""
    now, sums = world.stamp(), {}
    usage = meter(world, customer_id)
    for invoice in world.invoices_of.get(customer_id, []):
        contract = contract_of(world, invoice)
        is_draft = invoice["status"] == "DRAFT" and "line_items" not in invoice
        if contract is None or not is_draft or not is_measured(world, contract, invoice):
            continue
        period = invoice["start_timestamp"], invoice["end_timestamp"]
        for line in usage_lines(world, contract, usage, *period):
            end = min(line["ending_before"], now)
            if line["product_type"] != "UsageProductListItem" or line["starting_at"] >= end:
                continue
            groups = [
                tuple(sorted((line.get(name) or {}).items(), key=str))
                for name in ("pricing_group_values", "presentation_group_values")
            ]
            key = (contract["id"], line["product_id"], *groups, line["starting_at"], end)
            sums[key] = sums.get(key, Decimal(0)) + exact(line["quantity"])
    return [
        {
            "customer_id": customer_id,
            "contract_id": contract_id,
            "product_id": product_id,
            "starting_at": start,
            "ending_before": end,
            "quantity": unrounded(quantity),
            **({"pricing_group_values": dict(pricing)} if pricing else {}),
            **({"presentation_group_values": dict(presentation)} if presentation else {}),
        }
        for (contract_id, product_id, pricing, presentation, start, end), quantity in sums.items()
        if quantity
    ]
