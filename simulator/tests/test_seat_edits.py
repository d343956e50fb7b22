"""Edits of subscriptions and of what follows their seats: quantities, assignment, credit."""

from __future__ import annotations

from typing import Any

import pytest
from metronome import BadRequestError

from simulator.tests.contracting import (
    APR,
    JUL,
    JUN,
    NEXT,
    NOBODY,
    create,
    day,
    edit,
    read,
    seats,
)


def test_quantities_follow_in_the_order_they_are_sent(sdk, market):
    contract_id = create(sdk, market, subscriptions=[seats(market)])
    own = read(sdk, market, contract_id).subscriptions[0].id

    def update(**more: Any) -> Any:
        return edit(sdk, market, contract_id, update_subscriptions=[{"subscription_id": own, **more}])

    made = update(
        name="Seats",
        ending_before=NEXT,
        quantity_updates=[
            {"starting_at": JUN, "quantity": 12},
            {"starting_at": APR, "quantity_delta": 5},
            {"starting_at": JUN, "quantity_delta": -1},
        ],
    )
    shown = read(sdk, market, contract_id).subscriptions[0]
    assert [(day(each.starting_at), each.quantity) for each in shown.quantity_schedule] == [
        ("2026-01-01", 10),
        ("2026-04-01", 15),
        ("2026-06-01", 16),
    ]
    assert day(shown.quantity_schedule[0].ending_before) == "2026-04-01"
    assert (shown.name, day(shown.ending_before)) == ("Seats", "2027-01-01")
    assert [each.quantity_delta for each in made.update_subscriptions[0].quantity_updates] == [None, 5, -1]
    for wrong in (
        {"quantity_updates": [{"starting_at": JUN, "quantity_delta": -17}]},
        {"quantity_updates": [{"starting_at": JUN, "quantity_delta": 0}]},
        {"quantity_updates": [{"starting_at": JUN}]},
        {"quantity_updates": [{"starting_at": "2025-01-01T00:00:00Z", "quantity": 1}]},
        {"seat_updates": {"add_seat_ids": [{"seat_ids": ["a"], "starting_at": JUN}]}},
    ):
        with pytest.raises(BadRequestError):
            update(**wrong)


def test_quantity_history_tells_quantities_and_prices_until_now(sdk, market):
    contract_id = create(
        sdk,
        market,
        subscriptions=[seats(market)],
        overrides=[{"starting_at": APR, "product_id": market.seats, "multiplier": 0.5}],
    )
    own = read(sdk, market, contract_id).subscriptions[0].id
    updates = [{"starting_at": JUN, "quantity": 20}, {"starting_at": JUL, "quantity": 30}]
    edit(
        sdk,
        market,
        contract_id,
        update_subscriptions=[{"subscription_id": own, "quantity_updates": updates}],
    )

    ask = sdk.v1.contracts.retrieve_subscription_quantity_history
    answer = ask(customer_id=market.customer, contract_id=contract_id, subscription_id=own).data
    assert answer.subscription_id == own
    assert answer.fiat_credit_type_id == "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
    assert [
        (day(each.starting_at), each.data[0].quantity, each.data[0].unit_price, each.data[0].total)
        for each in answer.history
    ] == [("2026-01-01", 10, 500, 5000), ("2026-04-01", 10, 250, 2500), ("2026-06-01", 20, 250, 5000)]
    with pytest.raises(BadRequestError):
        ask(customer_id=market.customer, contract_id=contract_id, subscription_id=NOBODY)


def test_seats_are_assigned_from_unassigned_ones_and_have_a_history(sdk, market):
    by_seat = seats(market, quantity_management_mode="SEAT_BASED")
    del by_seat["initial_quantity"]
    config = {"seat_group_key": "user", "initial_seat_ids": ["ann"], "initial_unassigned_seats": 2}
    contract_id = create(sdk, market, subscriptions=[by_seat | {"seat_config": config}])
    own = read(sdk, market, contract_id).subscriptions[0].id
    edit(
        sdk,
        market,
        contract_id,
        update_subscriptions=[
            {
                "subscription_id": own,
                "seat_updates": {
                    "add_seat_ids": [{"seat_ids": ["bob", "cem", "dan"], "starting_at": APR}],
                    "remove_seat_ids": [{"seat_ids": ["ann", "unknown"], "starting_at": JUN}],
                    "add_unassigned_seats": [{"quantity": 1, "starting_at": JUL}],
                    "remove_unassigned_seats": [{"quantity": 5, "starting_at": NEXT}],
                },
            }
        ],
    )

    def asked(**more: Any) -> list[tuple[Any, ...]]:
        rows = sdk.v1.contracts.get_subscription_seats_history(
            customer_id=market.customer, contract_id=contract_id, subscription_id=own, **more
        )
        return [(day(row.starting_at), row.assigned_seat_ids, row.total_quantity) for row in rows.data] + (
            [rows.next_page is not None] if more.get("limit") else []
        )

    whole = [
        ("2026-01-01", ["ann"], 3),
        ("2026-04-01", ["ann", "bob", "cem", "dan"], 4),
        ("2026-06-01", ["bob", "cem", "dan"], 3),
        ("2026-07-01", ["bob", "cem", "dan"], 4),
        ("2027-01-01", ["bob", "cem", "dan"], 3),
    ]
    assert asked() == whole
    assert asked(limit=2) == [*whole[:2], True]
    assert asked(covering_date=JUN) == [whole[2]]
    assert asked(starting_at="2026-06-02T00:00:00Z", ending_before="2026-06-03T00:00:00Z") == [whole[2]]
    shown = read(sdk, market, contract_id).subscriptions[0]
    assert [each.quantity for each in shown.quantity_schedule] == [3, 4, 3, 4, 3]
    assert shown.seat_config.seat_group_key == "user"
    for wrong in ({"limit": 11}, {"covering_date": JUN, "starting_at": JUN}, {"cursor": "foreign"}):
        with pytest.raises(BadRequestError):
            asked(**wrong)


def test_a_subscription_becomes_seat_based_and_has_no_seats_before(sdk, market):
    contract_id = create(sdk, market, subscriptions=[seats(market)])
    own = read(sdk, market, contract_id).subscriptions[0].id
    ask = sdk.v1.contracts.get_subscription_seats_history
    with pytest.raises(BadRequestError):
        ask(customer_id=market.customer, contract_id=contract_id, subscription_id=own)

    mode = {"quantity_management_mode": "SEAT_BASED", "seat_config": {"seat_group_key": "user"}}
    change = {"subscription_id": own, "quantity_management_mode_update": mode}
    edit(sdk, market, contract_id, update_subscriptions=[change])
    (entry,) = ask(customer_id=market.customer, contract_id=contract_id, subscription_id=own).data
    assert (entry.assigned_seat_ids, entry.total_quantity) == ([], 10)
    with pytest.raises(BadRequestError):
        edit(sdk, market, contract_id, update_subscriptions=[change])


def test_a_recurring_commit_is_updated_for_what_is_still_to_come(sdk, simulator, market):
    recurring = {
        "product_id": market.fee,
        "access_amount": {"unit_price": 10, "quantity": 1},
        "commit_duration": {"value": 1},
        "priority": 1,
        "starting_at": JUN,
    }
    contract_id = create(sdk, market, recurring_commits=[recurring])
    own = read(sdk, market, contract_id).recurring_commits[0].id

    change = {"recurring_commit_id": own, "access_amount": {"unit_price": 25}, "ending_before": NEXT}
    made = edit(sdk, market, contract_id, update_recurring_commits=[change])
    simulator.control("POST", "clock", {"at": "2026-07-02T00:00:00Z", "frozen": True})
    shown = read(sdk, market, contract_id)
    assert day(shown.recurring_commits[0].ending_before) == "2027-01-01"
    assert [row.access_schedule.schedule_items[0].amount for row in shown.commits] == [10, 25]
    assert made.update_recurring_commits[0].access_amount.unit_price == 25
    with pytest.raises(BadRequestError):
        edit(
            sdk,
            market,
            contract_id,
            update_recurring_commits=[{"recurring_commit_id": own, "invoice_amount": {"unit_price": 1}}],
        )


@pytest.mark.parametrize(("prorated", "more"), [(True, [50, 20]), (False, [75, 75])])
def test_more_seats_within_a_period_are_worth_more_credit(sdk, simulator, market, prorated, more):
    contract_id = create(
        sdk,
        market,
        starting_at=JUN,
        subscriptions=[seats(market, temporary_id="seats")],
        recurring_credits=[
            {
                "product_id": market.fee,
                "access_amount": {"unit_price": 25},
                "commit_duration": {"value": 1},
                "priority": 1,
                "starting_at": JUN,
                "subscription_config": {
                    "subscription_id": "seats",
                    "apply_seat_increase_config": {"is_prorated": prorated},
                },
            }
        ],
    )
    subscription = read(sdk, market, contract_id).subscriptions[0].id

    def change(*quantities: tuple[str, int]) -> None:
        updates = [{"starting_at": f"2026-{at}T00:00:00Z", "quantity": each} for at, each in quantities]
        each = {"subscription_id": subscription, "quantity_updates": updates}
        edit(sdk, market, contract_id, update_subscriptions=[each])

    def adjusted() -> list[tuple[str, float]]:
        (credit,) = read(sdk, market, contract_id, include_ledgers=True).credits
        return [
            (day(each.timestamp), each.amount)
            for each in credit.ledger
            if each.type == "CREDIT_SEAT_BASED_ADJUSTMENT"
        ]

    change(("06-11", 13), ("06-14", 5), ("06-16", 12), ("06-23", 16))
    assert adjusted() == [("2026-06-11", more[0])]
    change(("06-29", 16))
    simulator.control("POST", "clock", {"at": "2026-06-30T00:00:00Z", "frozen": True})
    assert adjusted() == [("2026-06-11", more[0]), ("2026-06-23", more[1])]
    simulator.control("POST", "clock", {"at": "2026-07-02T00:00:00Z", "frozen": True})
    credits = read(sdk, market, contract_id).credits
    assert [each.access_schedule.schedule_items[0].amount for each in credits] == [250, 400]
