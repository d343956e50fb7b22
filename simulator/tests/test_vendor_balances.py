"""The vendor's worked numbers on balances: (page, terms, usage, the invoice line by line), in cents."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.amounts import USD
from simulator.engine.contracts import commits
from simulator.engine.contracts.commit_terms import blank
from simulator.engine.invoices.statements import draft_of, shown
from simulator.tests.test_vendor_numbers import BEGIN, END, FIVE_FREE, day, flat, month
from simulator.world import Row, World

INVOICES, PREPAID = "how-invoicing-works", "create-a-pre-paid-commit"
DISCOUNTS, EDITS, ORDER = "discounting-on-commits", "edit-contract", "prioritization-rules"
ALIKE = "the same rule with other numbers"
AT_COMMIT_RATE = {"rate_type": "COMMIT_RATE"}
ON_A: Row = {"is_commit_specific": True, "starting_at": BEGIN, "override_specifiers": [{"commit_ids": ["A"]}]}


def balance(name: str, amount: float, kind: str = "PREPAID", **terms: Any) -> Row:
    """A balance of one segment, for all of March unless it says so."""
    return {"id": name, "type": kind, "amount": amount, **terms}


def put(world: World, given: Row) -> Row:
    given = dict(given)
    segment = {
        "id": f"{given['id']} segment",
        "amount": given.pop("amount"),
        "starting_at": given.pop("since", BEGIN),
        "ending_before": given.pop("until", END),
    }
    access_type = given.pop("access_type", "SPEND")
    kind = "credit" if given["type"] == "CREDIT" else "commit"
    row = blank(world, "c", kind, {"id": "k"}) | {"product": {"id": "fixed", "name": given["id"]}, **given}
    unit = USD if access_type == "SPEND" else None
    row["access_schedule"] = {
        "access_type": access_type,
        "credit_type": unit,
        "schedule_items": [segment],
    }
    commits.store(world, row)
    return row


def told(line: Row) -> tuple[Any, ...]:
    """(quantity, total, balance), the quantity being None where a line takes an amount away again."""
    return line.get("quantity"), line["total"], line.get("commit_id")


ROWS: list[tuple[str, list[Row], list[Row], list[Any], Row, list[tuple[Any, ...]], float]] = [
    (
        INVOICES,
        [balance("A", 5000)],
        [flat(100)],
        [(1, 80)],
        {},
        [(50, 5000, "A"), (None, -5000, "A"), (30, 3000, None)],
        3000,
    ),
    (
        PREPAID,
        [balance("A", 400)],
        [flat(100)],
        [(1, 10)],
        {},
        [(4, 400, "A"), (None, -400, "A"), (6, 600, None)],
        600,
    ),
    (
        PREPAID,
        [balance("A", 40000), balance("B", 40000, "POSTPAID")],
        [flat(100)],
        [(1, 500)],
        {},
        [(400, 40000, "A"), (None, -40000, "A"), (100, 10000, "B"), (None, -10000, "B")],
        10000,
    ),
    (
        ALIKE,
        [balance("A", 100, "CREDIT", priority=1), balance("B", 250, priority=2)],
        [flat(100)],
        [(1, 5)],
        {},
        [
            (1, 100, "A"),
            (None, -100, "A"),
            (2.5, 250, "B"),
            (None, -250, "B"),
            (1.5, 150, None),
        ],
        150,
    ),
    (
        ALIKE,
        [balance("A", 1000, since=day(10))],
        [flat(100)],
        [(1, 3), (12, 4)],
        {},
        [(3, 300, None), (4, 400, "A"), (None, -400, "A")],
        300,
    ),
    (
        ALIKE,
        [balance("A", 1000, until=day(10))],
        [flat(100)],
        [(1, 3), (12, 4)],
        {},
        [(3, 300, "A"), (None, -300, "A"), (4, 400, None)],
        400,
    ),
    (
        ALIKE,
        [balance("A", 150)],
        [FIVE_FREE],
        [(1, 7)],
        {},
        [(5, 0, None), (1.5, 150, "A"), (None, -150, "A"), (0.5, 50, None)],
        50,
    ),
    (
        ALIKE,
        [balance("A", 3, access_type="QUANTITY")],
        [flat(100)],
        [(1, 10)],
        {},
        [(3, 300, "A"), (None, -300, "A"), (7, 700, None)],
        700,
    ),
    (
        ALIKE,
        [balance("A", 5000, applicable_product_ids=["another"])],
        [flat(100)],
        [(1, 80)],
        {},
        [(80, 8000, None)],
        8000,
    ),
    (
        EDITS,
        [balance("A", 100000, applicable_product_ids=["another", "p"])],
        [flat(1000)],
        [(1, 3)],
        {},
        [(3, 3000, "A"), (None, -3000, "A")],
        0,
    ),
    (
        ORDER,
        [balance("A", 100, "POSTPAID", priority=1), balance("B", 200, priority=9)],
        [flat(100)],
        [(1, 5)],
        {},
        [(2, 200, "B"), (None, -200, "B"), (1, 100, "A"), (None, -100, "A"), (2, 200, None)],
        300,
    ),
    (
        DISCOUNTS,
        [balance("A", 10000, **AT_COMMIT_RATE)],
        [flat(1000, commit_rate={"rate_type": "FLAT", "price": 800})],
        [(1, 10)],
        {},
        [(10, 8000, "A"), (None, -8000, "A")],
        0,
    ),
    (
        DISCOUNTS,
        [balance("A", 10000)],
        [flat(1000, commit_rate={"rate_type": "FLAT", "price": 800})],
        [(1, 10)],
        {},
        [(10, 10000, "A"), (None, -10000, "A")],
        0,
    ),
    (
        ALIKE,
        [balance("A", 10000, **AT_COMMIT_RATE)],
        [flat(0, commit_rate={"rate_type": "FLAT", "price": 100})],
        [(1, 150)],
        {},
        [(100, 10000, "A"), (None, -10000, "A"), (50, 0, None)],
        0,
    ),
    (
        ALIKE,
        [balance("A", 4000, **AT_COMMIT_RATE)],
        [flat(1000, commit_rate={"rate_type": "FLAT", "price": 800})],
        [(1, 10)],
        {},
        [(5, 4000, "A"), (None, -4000, "A"), (5, 5000, None)],
        5000,
    ),
    (
        DISCOUNTS,
        [balance("A", 1000000)],
        [flat(100)],
        [(1, 1000)],
        {
            "overrides": [
                {
                    "starting_at": BEGIN,
                    "multiplier": 0.95,
                    "override_specifiers": [{"product_tags": ["api"]}],
                },
                ON_A | {"multiplier": 0.8},
            ]
        },
        [(1000, 80000, "A"), (None, -80000, "A")],
        0,
    ),
    (
        ALIKE,
        [balance("A", 40000)],
        [flat(100)],
        [(1, 1000)],
        {"overrides": [{"starting_at": BEGIN, "multiplier": 0.95}, ON_A | {"multiplier": 0.8}]},
        [(500, 40000, "A"), (None, -40000, "A"), (500, 47500, None)],
        47500,
    ),
    (
        ALIKE,
        [balance("B", 40000)],
        [flat(100)],
        [(1, 1000)],
        {"overrides": [ON_A | {"multiplier": 0.8}]},
        [(400, 40000, "B"), (None, -40000, "B"), (600, 60000, None)],
        60000,
    ),
    (
        DISCOUNTS,
        [balance("A", 300)],
        [flat(100)],
        [(1, 10)],
        {
            "overrides": [
                {
                    "is_commit_specific": True,
                    "starting_at": BEGIN,
                    "product": {"id": "p"},
                    "overwrite_rate": {"rate_type": "FLAT", "price": 75},
                }
            ]
        },
        [(4, 300, "A"), (None, -300, "A"), (6, 600, None)],
        600,
    ),
    (
        DISCOUNTS,
        [balance("A", 1000000, **AT_COMMIT_RATE)],
        [flat(1000, commit_rate={"rate_type": "FLAT", "price": 800})],
        [(1, 10)],
        {
            "overrides": [
                ON_A | {"multiplier": 0.9, "target": "COMMIT_RATE"},
                {"starting_at": BEGIN, "multiplier": 0.8, "override_specifiers": [{"product_tags": ["api"]}]},
            ]
        },
        [(10, 7200, "A"), (None, -7200, "A")],
        0,
    ),
    (
        DISCOUNTS,
        [],
        [flat(1000, commit_rate={"rate_type": "FLAT", "price": 800})],
        [(1, 10)],
        {"overrides": [{"starting_at": BEGIN, "multiplier": 0.8}]},
        [(10, 8000, None)],
        8000,
    ),
    (
        DISCOUNTS,
        [balance("A", 1000000, **AT_COMMIT_RATE)],
        [flat(1000)],
        [(1, 10)],
        {"overrides": [ON_A | {"multiplier": 0.5, "target": "COMMIT_RATE"}]},
        [(10, 10000, "A"), (None, -10000, "A")],
        0,
    ),
    (
        DISCOUNTS,
        [balance("A", 700, **AT_COMMIT_RATE)],
        [
            FIVE_FREE
            | {
                "commit_rate": {
                    "rate_type": "TIERED",
                    "tiers": [{"size": 5, "price": 100}, {"price": 50}],
                }
            }
        ],
        [(1, 12)],
        {},
        [(5, 500, "A"), (None, -500, "A"), (4, 200, "A"), (None, -200, "A"), (3, 300, None)],
        300,
    ),
]


@pytest.mark.parametrize(("page", "balances", "rates", "used", "terms", "expected", "due"), ROWS)
def test_balances_pay_line_by_line_as_the_guides_say(page, balances, rates, used, terms, expected, due):
    world, contract = month("SUM", rates, used, **terms)
    for each in balances:
        put(world, each)
    draft = draft_of(world, contract, "USAGE", id="i", start_timestamp=BEGIN, end_timestamp=END)

    invoice = shown(world, draft)

    assert [told(each) for each in invoice["line_items"] if each.get("quantity") or each["total"]] == expected
    assert invoice["total"] == due, page
