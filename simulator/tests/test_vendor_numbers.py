"""The vendor's worked numbers and others by the same rules: (page, terms and usage, result), in cents."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.amounts import USD
from simulator.engine.invoices.lines import usage_lines
from simulator.engine.prices.usage import meter
from simulator.world import Row, World

BEGIN, END = "2026-03-01T00:00:00.000Z", "2026-04-01T00:00:00.000Z"
FIVE_FREE = {"rate_type": "TIERED", "tiers": [{"size": 5, "price": 0}, {"price": 100}]}
THREE_TIERS = {
    "rate_type": "TIERED",
    "tiers": [{"size": 5, "price": 0}, {"size": 5, "price": 100}, {"price": 150}],
}
CHANGING, ALIKE = "non-monotonically-increasing-metrics", "the same rule with other numbers"


def day(number: int) -> str:
    return f"2026-03-{number:02}T00:00:00.000Z"


def flat(price: float, since: str = BEGIN, **more: Any) -> Row:
    return {"rate_type": "FLAT", "price": price, "starting_at": since, **more}


def halved(since: int) -> Row:
    return {"overrides": [{"starting_at": day(since), "multiplier": 0.5}]}


def month(kind: str, rates: list[Row], used: list[Any], **terms: Any) -> tuple[World, Row]:
    """A contract with one product; `used` are (day, value) or (day, value, project)."""
    state: Row = {"name": "P", "billable_metric_id": "m", "tags": ["api"]}
    if any(len(each) == 3 for each in used):
        state["presentation_group_key"] = ["project"]
    common = {"product_id": "p", "entitled": True, "credit_type": USD, "starting_at": BEGIN}
    events = [
        {
            "customer_id": "c",
            "event_type": "use",
            "timestamp": day(at),
            "properties": {"n": value, "project": str(*rest)},
        }
        for at, value, *rest in used
    ]
    world = World(
        clock={"offset_seconds": 0.0, "frozen_at": END},
        products={"p": {"id": "p", "type": "USAGE", "current": state}},
        billable_metrics={"m": {"id": "m", "aggregation_type": kind, "aggregation_key": "n"}},
        rates_of={"card": [common | each for each in rates]},
        customers={"c": {"id": "c", "ingest_aliases": [], "created_at": BEGIN, "custom_fields": {}}},
        events_by_name={"c": events},
    )
    contract = {"id": "k", "customer_id": "c", "rate_card_id": "card", "starting_at": BEGIN, **terms}
    world.contracts_of["c"] = [contract]
    return world, contract


@pytest.mark.parametrize(
    ("page", "kind", "rates", "used", "terms", "expected"),
    [
        (CHANGING, "LATEST", [flat(100)], [(1, 7), (2, 9), (3, 10), (4, 5)], {}, [(5, 500)]),
        (CHANGING, "LATEST", [flat(300), flat(400, day(2))], [(1, 7), (2, 9)], {}, [(7, 2100), (2, 800)]),
        (
            CHANGING,
            "LATEST",
            [flat(300), flat(400, day(17))],
            [(1, 40), (20, 30)],
            {},
            [(40, 12000), (-10, -4000)],
        ),
        (
            CHANGING,
            "LATEST",
            [flat(300), flat(400, day(17))],
            [(1, 40), (20, 120)],
            {},
            [(40, 12000), (80, 32000)],
        ),
        (ALIKE, "LATEST", [flat(100)], [(1, 7), (12, 9)], halved(10), [(7, 700), (2, 100)]),
        (ALIKE, "LATEST", [flat(100)], [(1, 7)], halved(10), [(7, 700), (0, 0)]),
        (
            CHANGING,
            "LATEST",
            [FIVE_FREE],
            [(1, 8), (12, 4)],
            halved(10),
            [(5, 0), (3, 300), (-1, 0), (-3, -150)],
        ),
        (ALIKE, "MAX", [flat(100)], [(1, 7), (12, 9)], halved(10), [(7, 700), (2, 100)]),
        (ALIKE, "MAX", [flat(100)], [(1, 9), (12, 7)], halved(10), [(9, 900), (0, 0)]),
        (ALIKE, "UNIQUE", [flat(100)], [(1, 1), (2, 2), (12, 2), (13, 3)], halved(10), [(2, 200), (1, 50)]),
        (ALIKE, "SUM", [flat(100)], [(1, 7), (12, 9)], halved(10), [(7, 700), (9, 450)]),
        (ALIKE, "SUM", [THREE_TIERS], [(1, 6, "A"), (2, 6, "B")], {}, [(5, 0), (1, 100), (5, 0), (1, 100)]),
        (ALIKE, "SUM", [THREE_TIERS], [(1, 12, "A")], {}, [(5, 0), (5, 500), (2, 300)]),
        (ALIKE, "SUM", [THREE_TIERS], [(1, 12)], {}, [(5, 0), (5, 500), (2, 300)]),
        (ALIKE, "SUM", [FIVE_FREE], [(1, 5), (6, 5)], halved(5), [(5, 0), (5, 250)]),
        (ALIKE, "SUM", [FIVE_FREE], [(1, 3), (6, 5)], halved(5), [(3, 0), (2, 0), (3, 150)]),
        (
            ALIKE,
            "SUM",
            [FIVE_FREE],
            [(1, 4, "A"), (6, 4, "A"), (7, 6, "B")],
            halved(5),
            [(4, 0), (1, 0), (3, 150), (5, 0), (1, 50)],
        ),
        (
            "edit-or-override-a-contract",
            "SUM",
            [flat(100)],
            [(1, 10)],
            {
                "overrides": [
                    {"starting_at": BEGIN, "multiplier": 0.7, "applicable_product_tags": ["api", "x"]}
                ]
            },
            [(10, 700)],
        ),
        (
            "edit-or-override-a-contract",
            "SUM",
            [flat(100)],
            [(1, 10)],
            {
                "overrides": [
                    {"starting_at": BEGIN, "entitled": False, "applicable_product_tags": ["x", "api"]}
                ]
            },
            [],
        ),
    ],
)
def test_usage_is_priced_as_the_guides_say(page, kind, rates, used, terms, expected):
    world, contract = month(kind, rates, used, **terms)

    lines = usage_lines(world, contract, meter(world, "c"), BEGIN, END)

    assert [(each["quantity"], each["total"]) for each in lines] == expected, page
