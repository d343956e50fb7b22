"""A believable account: the same seed gives the same world, except for the calendar."""

from __future__ import annotations

import gc
import heapq
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.api.customers import add
from simulator.api.plans import put_plan
from simulator.checks import rfc3339
from simulator.seed_catalogue import CURRENCIES, seed_catalogue
from simulator.seed_models import models_of
from simulator.seed_names import FIRST, FORMS, HOSTILE, KEYS, OWNERS, SECOND, SEGMENTS
from simulator.seed_plans import seed_plans
from simulator.seed_terms import TERMS
from simulator.world import World

LIMITS = {
    "customers": (0, 1_000_000),
    "plans": (0, 1_000),
    "contracts": (0, 1),
    "months": (1, 120),
    "churn": (0, 1),
    "seed": (0, 2**63),
}
SHARES = {"contracts", "churn"}
GONE = 17  # a small world has somebody who is archived, too


def seeded(**options: Any) -> World:
    """A world of so many customers, made without looking for garbage meanwhile; see `_seeded`."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        return _seeded(**options)
    finally:
        if was_on:
            gc.enable()


def _seeded(
    *,
    customers: int = 2_500,
    plans: int = 12,
    contracts: float = 0.4,
    months: int = 6,
    churn: float = 0.04,
    seed: int = 7,
    hostile: bool = True,
) -> World:
    """A world with so many customers and plans.

    `contracts` is the share of customers that have one, `churn` the share that is archived, both 0 to 1;
    a contract began up to `months` months ago, this one included. `hostile`: the first names are
    meant to hurt. Raises ValueError with a sentence for what is out of LIMITS.
    """
    _check(customers=customers, plans=plans, contracts=contracts, months=months, churn=churn, seed=seed)
    world, dice = World(seed=seed), random.Random(seed)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for key in KEYS:
        world.custom_field_keys.append(
            {"entity": "customer", "key": key, "enforce_uniqueness": key == "erp_id"}
        )
    for provider in ("stripe", "netsuite"):
        world.billing_providers.append(
            {
                "billing_provider": provider,
                "delivery_method": "direct_to_billing_provider",
                "delivery_method_configuration": {},
                "delivery_method_id": world.new_id(),
            }
        )
    seed_plans(world, plans)
    seed_catalogue(world, today)
    models, lengths = models_of(rfc3339(today)), sorted({-(-months * part // 4) for part in range(1, 5)})
    for number in range(customers):
        customer = _customer(world, dice, number, today, hostile)
        has_contract = dice.random() < contracts
        currency = dice.choices(CURRENCIES, weights=[5, 3, 1, 1])[0]["id"]
        length, terms, is_picked = dice.choice(lengths), dice.randrange(len(TERMS)), dice.random() < churn
        gone = number >= len(HOSTILE) and (is_picked or (number == GONE and churn > 0))
        if has_contract:
            models.of(currency, length, terms, gone=gone).copy_to(world, customer)
        elif gone:
            customer["archived_at"] = customer["updated_at"] = rfc3339(today - timedelta(days=12))
    heapq.heapify(world.agenda)
    world.random.seed(f"{seed} after seeding")
    return world


def _check(**given: float) -> None:
    for name, value in given.items():
        least, most = LIMITS[name]
        kinds = (int, float) if name in SHARES else (int,)
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            kind = "a share" if name in SHARES else "a whole number"
            raise ValueError(f"{name} must be {kind} from {least} to {most}")


def _name(dice: random.Random, number: int, hostile: bool) -> str:
    if hostile and number < len(HOSTILE):
        return HOSTILE[number]
    return f"{dice.choice(FIRST)} {dice.choice(SECOND)} {dice.choice(FORMS)}"


def _aliases(dice: random.Random, name: str, number: int) -> list[str]:
    slug = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())[
        :40
    ].strip("-")
    slug = slug or "customer"
    aliases = [
        f"{slug}-{number}",
        f"acct_{dice.getrandbits(48):012x}",
        f"{slug}-eu-{number}",
        f"{slug} {number} ",
    ]
    if number == 20:
        return [f"fleet-{each:04d}" for each in range(2_000)]
    if number % 23 == 17:
        return []
    return aliases[: dice.choice([1, 1, 2, 2, 3])] + ([aliases[3]] if number % 97 == 5 else [])


def _customer(
    world: World, dice: random.Random, number: int, today: datetime, hostile: bool
) -> dict[str, Any]:
    created = today - timedelta(days=dice.randint(30, 1_500), seconds=dice.randint(0, 86_399))
    name = _name(dice, number, hostile)
    custom = {"erp_id": f"ERP-{100_000 + number}", "segment": dice.choice(SEGMENTS)}
    if dice.random() < 0.5:
        custom["owner"] = dice.choice(OWNERS)
    customer = add(world, name, _aliases(dice, name, number), custom, rfc3339(created))
    customer["customer_config"] = {"salesforce_account_id": f"0015g00000{dice.getrandbits(32):08X}"[:18]}
    plan_ids = list(world.plans)
    if plan_ids and dice.random() < 0.7:
        _subscriptions(world, dice, customer, created, today, plan_ids)
    return customer


def _subscriptions(
    world: World,
    dice: random.Random,
    customer: dict[str, Any],
    created: datetime,
    today: datetime,
    plan_ids: list[str],
) -> None:
    start = created.replace(hour=0, minute=0, second=0, microsecond=0)
    shape, plan = dice.random(), dice.choice(plan_ids)
    if shape < 0.75:
        put_plan(world, customer["id"], plan, rfc3339(start), None, 30)
    elif shape < 0.9:
        put_plan(world, customer["id"], plan, rfc3339(start), rfc3339(today - timedelta(days=9)), 30)
        put_plan(world, customer["id"], dice.choice(plan_ids), rfc3339(today - timedelta(days=9)), None, 14)
    else:
        put_plan(
            world, customer["id"], plan, rfc3339(today + timedelta(days=dice.randint(5, 60))), None, None
        )
