"""Invoices of random contracts against a second, much simpler calculation: unit by unit, and day by day."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from simulator.tests.accounts import BEGIN, Account, rate, subscription

MONTHS = [datetime(2027, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4)]
Event = tuple[datetime, str, Decimal]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SEEDS = range(8)


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def ingest(account: Account, events: list[Event]) -> None:
    for first in range(0, len(events), 100):
        rows = [
            {
                "transaction_id": f"anew-{at.isoformat()}-{kind}-{first + place}",
                "customer_id": account.customer,
                "event_type": kind,
                "timestamp": text(at),
                "properties": {"n": float(amount)},
            }
            for place, (at, kind, amount) in enumerate(events[first : first + 100])
        ]
        account.sdk.v1.usage.ingest(usage=rows)


def play(account: Account, dice: random.Random, most_jobs: int, stop: datetime) -> list[Event]:
    """Calls and jobs until a contract stops, each month's sent at its end; then all is final."""
    events: list[Event] = []
    for begin, end in pairwise(MONTHS):
        hours = int((min(end, stop) - begin) / HOUR) - 1
        mine = [
            (begin + dice.randrange(hours) * HOUR, "call", Decimal(dice.randint(1, 5000)) / 100)
            for _call in range(dice.randint(0, 12))
        ]
        mine += [
            (begin + dice.randrange(hours) * HOUR, "job", Decimal(1))
            for _job in range(dice.randint(0, most_jobs))
        ]
        account.at(text(begin + hours * HOUR))
        ingest(account, mine)
        events += mine
    account.at("2027-05-01T00:00:00Z")
    return events


def at_tier(tiers: list[dict[str, Any]], unit: int, name: str, beyond: Decimal | None = None) -> Decimal:
    """What holds for a unit, counted from 0."""
    for number, tier in enumerate(tiers):
        is_open = "size" not in tier or (number == len(tiers) - 1 and beyond is None)
        if is_open or unit < tier["size"]:
            return Decimal(str(tier[name]))
        unit -= tier["size"]
    assert beyond is not None
    return beyond


@pytest.mark.parametrize("seed", SEEDS)
def test_flat_and_tiered_prices_with_overrides_a_credit_and_commits(account: Account, seed: int) -> None:
    dice, products = random.Random(seed), account.sdk.v1.contracts.products
    counted = account.sdk.v1.billable_metrics.create(
        name="Jobs", aggregation_type="COUNT", event_type_filter={"in_values": ["job"]}
    ).data.id
    jobs = products.create(name="Jobs", type="USAGE", billable_metric_id=counted).data.id
    tiers = [
        {"price": dice.randint(50, 99) / 10, "size": dice.randint(5, 30)},
        {"price": dice.randint(10, 49) / 10, "size": dice.randint(5, 30)},
        {"price": 0.5},
    ]
    rate(account.sdk, account.card, jobs, rate_type="TIERED", tiers=tiers)
    factors = [{"multiplier": 0.9, "size": dice.randint(3, 40)}, {"multiplier": 0.4, "size": 10}]
    change, factor = MONTHS[0] + dice.randrange(80) * DAY, dice.randint(1, 9) / 10
    gift, paid, owed = dice.randint(50, 150), dice.randint(20, 300), dice.randint(100, 900)
    april, march = text(MONTHS[3]), text(MONTHS[2])

    def access(amount: float, end: str) -> dict[str, Any]:
        return {"schedule_items": [{"amount": amount, "starting_at": BEGIN, "ending_before": end}]}

    account.contract(
        ending_before=april,
        multiplier_override_prioritization="EXPLICIT",
        overrides=[
            {"starting_at": BEGIN, "product_id": jobs, "type": "TIERED", "priority": 1, "tiers": factors},
            {
                "starting_at": text(change),
                "product_id": account.calls,
                "type": "MULTIPLIER",
                "priority": 2,
                "multiplier": factor,
            },
        ],
        credits=[
            {
                "product_id": account.fixed,
                "priority": 1,
                "access_schedule": access(gift, march),
                "applicable_product_ids": [jobs],
            }
        ],
        commits=[
            {
                "product_id": account.fixed,
                "type": "PREPAID",
                "priority": 2,
                "access_schedule": access(paid, april),
            },
            {
                "product_id": account.fixed,
                "type": "POSTPAID",
                "access_schedule": access(owed, april),
                "invoice_schedule": {"schedule_items": [{"timestamp": april, "amount": owed}]},
            },
        ],
    )
    events = play(account, dice, 90, MONTHS[3])

    expected, left, spent = [], {"gift": Decimal(gift), "paid": Decimal(paid)}, Decimal(0)
    for begin, end in pairwise(MONTHS):
        mine = [each for each in events if begin <= each[0] < end]
        of_calls = sum(
            (
                amount * 2 * (Decimal(str(factor)) if at >= change else 1)
                for at, kind, amount in mine
                if kind == "call"
            ),
            Decimal(0),
        )
        of_jobs = sum(
            (
                at_tier(tiers, unit, "price") * at_tier(factors, unit, "multiplier", Decimal(1))
                for unit in range(sum(kind == "job" for _at, kind, _amount in mine))
            ),
            Decimal(0),
        )
        by_gift = min(left["gift"], of_jobs) if begin < MONTHS[2] else Decimal(0)
        by_paid = min(left["paid"], of_calls + of_jobs - by_gift)
        left = {"gift": left["gift"] - by_gift, "paid": left["paid"] - by_paid}
        due = of_calls + of_jobs - by_gift - by_paid
        spent += min(due, owed - spent)
        expected.append((float(of_calls + of_jobs), float(due)))

    usage = account.invoices(type="USAGE", status="FINALIZED")
    assert [(each.subtotal, each.total) for each in usage] == expected
    assert [each.total for each in account.invoices(type="SCHEDULED")] == [float(owed - spent)]
    everything = {"include_ledgers": True, "include_contract_balances": True}
    balances = account.sdk.v1.contracts.list_balances(customer_id=account.customer, **everything)
    unused = {
        each.type: -sum(entry.amount for entry in each.ledger if entry.type.endswith("EXPIRATION"))
        for each in balances
    }
    assert unused == {
        "CREDIT": pytest.approx(float(left["gift"])),
        "PREPAID": pytest.approx(float(left["paid"])),
        "POSTPAID": 0,
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_seats_that_come_and_go_and_a_credit_that_recurs(account: Account, seed: int) -> None:
    dice = random.Random(seed)
    seats = account.sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION").data.id
    price, monthly = dice.randint(100, 999), dice.randint(20, 200)
    rate(account.sdk, account.card, seats, rate_type="SUBSCRIPTION", price=price, billing_frequency="MONTHLY")
    start = MONTHS[0] + dice.randint(1, 27) * DAY
    stop = MONTHS[2] + dice.randint(2, 30) * DAY
    days = [start + number * DAY for number in range((stop - start).days)]
    changes = {at: dice.randint(0, 9) for at in sorted(dice.sample(days[1:], 6))}
    proration = {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"}
    contract = account.contract(
        starting_at=text(start),
        ending_before=text(stop),
        subscriptions=[
            subscription(account, seats, "ADVANCE", proration=proration),
            subscription(account, seats, "ARREARS"),
        ],
        recurring_credits=[
            {
                "product_id": account.fixed,
                "access_amount": {"unit_price": monthly, "quantity": 1},
                "applicable_product_ids": [account.calls],
                "commit_duration": {"value": 1},
                "starting_at": text(start),
                "priority": 1,
            }
        ],
    )
    own = {"customer_id": account.customer, "contract_id": contract}
    updates = [{"starting_at": text(at), "quantity": quantity} for at, quantity in changes.items()]
    account.sdk.v2.contracts.edit(
        **own,
        update_subscriptions=[
            {"subscription_id": each.id, "quantity_updates": updates}
            for each in account.sdk.v2.contracts.retrieve(**own).data.subscriptions
        ],
    )
    events = play(account, dice, 0, stop)

    held, quantity = {}, 4
    for day in days:
        quantity = changes.get(day, quantity)
        held[day] = quantity
    advance, arrears = [], []
    for begin, end in pairwise(MONTHS):
        length, mine = (end - begin).days, [day for day in days if begin <= day < end]
        most = 0
        for place, day in enumerate(mine):
            if held[day] > most or place == 0:
                advance.append(price * (held[day] - most) * (len(mine) - place) / length)
                most = held[day]
        used = 2 * sum(
            float(amount) for at, kind, amount in events if mine and mine[0] <= at < mine[-1] + DAY
        )
        free = min(used, monthly * len(mine) / length)
        arrears.append(sum(price * held[day] / length for day in mine) + used - free)

    def near(amounts: list[float]) -> list[Any]:
        return [pytest.approx(each, abs=0.001) for each in amounts]

    assert [each.total for each in account.invoices(type="USAGE")] == near(arrears)
    assert sorted(each.total for each in account.invoices(type="SCHEDULED")) == near(sorted(advance))
