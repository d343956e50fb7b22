"""A believable account: the same seed gives the same world, except for the calendar."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.api.customers import add
from simulator.api.plans import put_plan
from simulator.checks import rfc3339
from simulator.engine.contracts import commit_terms, commits
from simulator.engine.invoices import invoicing
from simulator.seed_catalogue import CURRENCIES, PREPAID, daily_usage, list_prices_in, seed_catalogue
from simulator.seed_names import FIRST, FORMS, HOSTILE, KEYS, OWNERS, SECOND, SEGMENTS
from simulator.seed_plans import seed_plans
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


def seeded(
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
    a contract has one to `months` invoices. `hostile`: the first names are
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
    for number in range(customers):
        customer, created = _customer(world, dice, number, today, hostile)
        if dice.random() < contracts:
            _contract_and_invoices(world, dice, customer, created, today, months)
            if number % 4 == 0:
                _prepay(world, customer["id"], today)
        if number >= len(HOSTILE) and dice.random() < churn:
            _archive(world, dice, customer, today)
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
) -> tuple[dict[str, Any], datetime]:
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
    return customer, created


def _archive(world: World, dice: random.Random, customer: dict[str, Any], today: datetime) -> None:
    at = rfc3339(today - timedelta(days=dice.randint(1, 29)))
    customer["archived_at"] = customer["updated_at"] = at
    for contract in world.contracts_of.get(customer["id"], []):
        contract["archived_at"] = at
    for invoice in world.invoices_of.get(customer["id"], []):
        invoice["status"] = "VOID"


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


def _contract_and_invoices(
    world: World,
    dice: random.Random,
    customer: dict[str, Any],
    created: datetime,
    today: datetime,
    months: int,
) -> None:
    start = created.replace(minute=0, second=0, microsecond=0)
    currency = dice.choices(CURRENCIES, weights=[5, 3, 1, 1])[0]
    contract = {
        "id": world.new_id(),
        "customer_id": customer["id"],
        "name": f"{customer['name'].split(' ')[0][:30]} {start.year}",
        "starting_at": rfc3339(start),
        "ending_before": rfc3339(today + timedelta(days=dice.randint(30, 700)))
        if dice.random() < 0.6
        else None,
        "archived_at": None,
        "created_at": rfc3339(start),
        "created_by": "seed",
        "rate_card_id": list_prices_in(world, currency),
        "commits": [],
        "credits": [],
        "overrides": [],
        "scheduled_charges": [],
        "transitions": [],
        "subscriptions": [],
        "usage_filter": [],
        "usage_statement_schedule": {
            "frequency": "MONTHLY",
            "billing_anchor_date": rfc3339(start.replace(day=1, hour=0)),
        },
        "has_more": {"commits": False, "credits": False},
    }
    world.contracts_of[customer["id"]] = [contract]
    world.customer_of_contract[contract["id"]] = customer["id"]
    rows = []
    for back in range(dice.randint(1, months)):
        begin, end = _month(today, -back), _month(today, 1 - back)
        cents = dice.randint(1_000, 9_000_000)
        total = cents if currency["name"] in ("USD (cents)", "JPY") else cents / 100
        rows.append(_invoice(world, customer, contract, currency, begin, end, total, draft=back == 0))
    world.invoices_of[customer["id"]] = rows[::-1]
    world.daily_usage_of[customer["id"]] = daily_usage(world, int(rows[0]["total"]))
    invoicing.finalize_later(world, rows[0])
    invoicing.begin(world, contract, rows[0]["end_timestamp"])


def _month(today: datetime, after: int) -> datetime:
    """The first of the month that lies so many months after today's, or before it."""
    years, months = divmod(today.year * 12 + today.month - 1 + after, 12)
    return today.replace(year=years, month=months + 1, day=1)


def _prepay(world: World, customer_id: str, today: datetime) -> None:
    """A year of prepaid balance from this month on, for the customer's contract."""
    [contract] = world.contracts_of[customer_id]
    fixed = next(row for row in world.products.values() if row["current"]["name"] == PREPAID)
    segment = {
        "amount": 250_000,
        "starting_at": rfc3339(_month(today, 0)),
        "ending_before": rfc3339(_month(today, 12)),
    }
    given = {
        "type": "PREPAID",
        "name": "Annual commitment",
        "product_id": fixed["id"],
        "priority": 1,
        "access_schedule": {
            "credit_type_id": world.rate_cards[contract["rate_card_id"]]["fiat_credit_type"]["id"],
            "schedule_items": [segment],
        },
    }
    row = commit_terms.prepare(world, None, customer_id, given, "commit", contract)
    commits.store(world, row | {"created_at": segment["starting_at"], "created_by": "seed"})


def _invoice(
    world: World,
    customer: dict[str, Any],
    contract: dict[str, Any],
    currency: dict[str, str],
    begin: datetime,
    end: datetime,
    total: float,
    *,
    draft: bool,
) -> dict[str, Any]:
    invoice = {
        "id": world.new_id(),
        "customer_id": customer["id"],
        "customer_custom_fields": {},
        "contract_id": contract["id"],
        "contract_custom_fields": {},
        "status": "DRAFT" if draft else "FINALIZED",
        "type": "USAGE",
        "total": total,
        "subtotal": total,
        "credit_type": currency,
        "line_items": [
            {
                "name": "Platform usage",
                "type": "usage",
                "total": total,
                "quantity": 1,
                "unit_price": total,
                "credit_type": currency,
                "starting_at": rfc3339(begin),
                "ending_before": rfc3339(end),
            }
        ],
        "start_timestamp": rfc3339(begin),
        "end_timestamp": rfc3339(end),
        "billable_status": "billable",
        "net_payment_terms_days": 30,
    }
    if not draft:
        invoice["issued_at"] = rfc3339(end + timedelta(hours=24))
    return invoice
