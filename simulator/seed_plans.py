"""The plans of a seeded account: a monthly fee each, and a price for what is used."""

from __future__ import annotations

from simulator.amounts import USD
from simulator.seed_names import PLANS
from simulator.world import Row, World


def seed_plans(world: World, number: int) -> None:
    """So many plans, the dearer the later. All of them share two products of Metronome 1.0."""
    products = {name: world.new_id() for name in ("Platform fee", "API requests")}
    for place in range(number):
        name = PLANS[place % len(PLANS)] + (f" {place // len(PLANS) + 1}" if place >= len(PLANS) else "")
        plan_id = world.new_id()
        fee = _charge(world, products, "Platform fee", "fixed", [{"tier": 0, "value": 4_900 * (place + 1)}])
        steps = [{"tier": 0, "value": 0.5}, {"tier": 100_000, "value": 0.3}]
        world.plans[plan_id] = {
            "id": plan_id,
            "name": name,
            "description": f"{name} plan, billed monthly in arrears",
            "custom_fields": {},
            "charges": [fee | {"quantity": 1}, _charge(world, products, "API requests", "usage", steps)],
        }


def _charge(world: World, products: dict[str, str], product: str, kind: str, prices: list[Row]) -> Row:
    return {
        "id": world.new_id(),
        "name": product,
        "product_id": products[product],
        "product_name": product,
        "charge_type": kind,
        "credit_type": dict(USD),
        "prices": prices,
        "start_period": 0,
        "custom_fields": {},
    }
