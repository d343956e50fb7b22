"""Given schedules as single items: dates, shares and limits."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.amounts import USD
from simulator.engine.prices import schedules
from simulator.http import ApiError
from simulator.world import Row, World

START, END = "2026-01-31T00:00:00.000Z", "2026-07-31T00:00:00.000Z"


def recurring(**more: Any) -> Row:
    given = {"amount_distribution": "EACH", "frequency": "MONTHLY", "starting_at": START}
    return {"recurring_schedule": {**given, "ending_before": END, "amount": 100, **more}}


def amounts(given: Row) -> list[float]:
    return [each["amount"] for each in schedules.expand(given, None, None)]


def single(*items: Row) -> Row:
    return {"schedule_items": list(items)}


def at(timestamp: str, **more: Any) -> Row:
    return {"timestamp": timestamp, **more}


def test_months_end_on_their_last_day_and_come_back_to_the_anchor():
    days = [each["timestamp"][:10] for each in schedules.expand(recurring(), None, None)]

    assert days == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30"]
    assert schedules.step(START, "WEEKLY", -1) == "2026-01-24T00:00:00.000Z"
    assert schedules.step(START, "SEMI_ANNUAL", 1) == END


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (recurring(), [100] * 6),
        (recurring(amount_distribution="DIVIDED"), [16.666666] * 5 + [16.66667]),
        (recurring(amount_distribution="DIVIDED_ROUNDED"), [16] * 5 + [20]),
        (recurring(frequency="QUARTERLY", amount_distribution="DIVIDED"), [50, 50]),
    ],
)
def test_an_amount_is_given_each_time_or_shared_out_without_loss(given, wanted):
    assert amounts(given) == wanted


def test_single_items_are_sorted_and_have_a_price_and_a_quantity():
    items = schedules.expand(single(at(END, unit_price=2.5, quantity=4), at(START, amount=7)), START, END)

    assert items == [
        {"timestamp": START, "unit_price": 7, "quantity": 1, "amount": 7},
        {"timestamp": END, "unit_price": 2.5, "quantity": 4, "amount": 10},
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "a schedule requires either schedule_items or recurring_schedule"),
        (single() | recurring(), "a schedule requires either schedule_items or recurring_schedule"),
        (single(), "a schedule requires at least one item"),
        (single(at(START)), "schedule item requires either amount, or unit_price and quantity"),
        (
            single(at(START, amount=1, quantity=1)),
            "schedule item requires either amount, or unit_price and quantity",
        ),
        (single(at(START, unit_price=1e15, quantity=2)), "schedule item amount is out of range"),
        (single(at(START, amount=1)), "schedule item timestamp must lie within the contract"),
        (recurring(ending_before=START), "ending_before must be after its start"),
        (
            recurring(ending_before="2126-01-31T00:00:00.000Z"),
            "a schedule may have at most 1000 items",
        ),
    ],
)
def test_a_schedule_that_can_not_be_is_refused(given, words):
    with pytest.raises(ApiError) as refused:
        schedules.expand(given, "2026-02-01T00:00:00.000Z", END)

    assert (refused.value.status, refused.value.message) == (400, words)


def edited(status: str, **given: Any) -> list[tuple[str, float]]:
    """(day, amount) of two items after an edit; the first has an invoice with this status."""
    world = World()
    world.invoices_of["customer"] = [{"id": "invoice", "status": status}]
    schedule = schedules.point_in_time(world, single(at(START, amount=1), at(END, amount=2)), None, None)
    first, second = schedule["schedule_items"]
    first |= {"id": "first", "invoice_id": "invoice"}
    second["id"] = "second"
    schedules.edit(world, "customer", schedule, given, (START, END))
    return [(each["timestamp"][:10], each["amount"]) for each in schedule["schedule_items"]]


def test_items_are_updated_removed_and_added():
    june = "2026-06-01T00:00:00.000Z"
    items = edited(
        "DRAFT",
        update_schedule_items=[{"id": "first", "quantity": 3}],
        remove_schedule_items=[{"id": "SECOND"}],
        add_schedule_items=[at(june, amount=9)],
    )

    assert items == [("2026-01-31", 3), ("2026-06-01", 9)]


@pytest.mark.parametrize(
    ("status", "given", "words"),
    [
        ("FINALIZED", {"update_schedule_items": [{"id": "first", "amount": 9}]}, "be updated"),
        ("FINALIZED", {"remove_schedule_items": [{"id": "first"}]}, "be removed"),
        ("VOID", {"remove_schedule_items": [{"id": "first"}]}, "be removed"),
        ("DRAFT", {"remove_schedule_items": [{"id": "third"}]}, "was not found"),
        ("DRAFT", {"add_schedule_items": [at("2027-01-01T00:00:00.000Z", amount=1)]}, "within the contract"),
    ],
)
def test_items_of_invoices_that_are_final_stay(status, given, words):
    with pytest.raises(ApiError, match=words):
        edited(status, **given)


def test_an_item_of_a_void_invoice_can_still_be_updated():
    assert edited("VOID", update_schedule_items=[{"id": "first", "amount": 9}])[0] == ("2026-01-31", 9)


def test_a_currency_is_usd_unless_it_is_given():
    world = World()
    world.pricing_units["11111111-1111-4111-8111-111111111111"] = {
        "id": "11111111-1111-4111-8111-111111111111",
        "name": "Tokens",
    }

    assert schedules.credit_type(world, None) == USD
    assert schedules.credit_type(world, "11111111-1111-4111-8111-111111111111")["name"] == "Tokens"
    for unknown in ("nonsense", "22222222-2222-4222-8222-222222222222"):
        with pytest.raises(ApiError):
            schedules.credit_type(world, unknown)
