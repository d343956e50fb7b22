"""Balances of single seats, driven by the strict SDK."""

from __future__ import annotations

from typing import Any

import pytest
from metronome import BadRequestError, Metronome, NotFoundError

from simulator.running import RunningSimulator
from simulator.tests.saying import day

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def seats(sdk: Metronome, simulator: RunningSimulator) -> dict[str, str]:
    """The ids of a customer and a contract that gives 10 a month to each of its seats ann, bob and cid."""
    simulator.control("POST", "clock", {"at": "2030-01-15T00:00:00Z", "frozen": True})
    products, cards = sdk.v1.contracts.products, sdk.v1.contracts.rate_cards
    customer = sdk.v1.customers.create(name="Seated", ingest_aliases=["seated"]).data.id
    seat = products.create(name="Seat", type="SUBSCRIPTION").data.id
    gift = products.create(name="Gift", type="FIXED").data.id
    card = cards.create(name="Seats").data.id
    cards.rates.add(
        rate_card_id=card,
        product_id=seat,
        entitled=True,
        starting_at=day(1),
        rate_type="SUBSCRIPTION",
        price=100,
        quantity=1,
        is_prorated=True,
        billing_frequency="MONTHLY",
    )
    contract = sdk.v1.contracts.create(
        customer_id=customer,
        starting_at=day(1),
        rate_card_id=card,
        subscriptions=[
            {
                "temporary_id": "seats",
                "collection_schedule": "ARREARS",
                "proration": {"invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE", "is_prorated": True},
                "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": seat},
                "quantity_management_mode": "SEAT_BASED",
                "seat_config": {"initial_seat_ids": ["ann", "bob", "cid"], "seat_group_key": "user"},
            }
        ],
        recurring_credits=[
            {
                "product_id": gift,
                "priority": 1,
                "starting_at": day(1),
                "access_amount": {"unit_price": 10},
                "commit_duration": {"value": 1},
                "recurrence_frequency": "MONTHLY",
                "subscription_config": {
                    "subscription_id": "seats",
                    "allocation": "INDIVIDUAL",
                    "apply_seat_increase_config": {"is_prorated": False},
                },
            }
        ],
    ).data.id
    return {"customer_id": customer, "contract_id": contract}


def amounts(answer: Any) -> dict[str, list[tuple[float, float]]]:
    """Seat → (balance, starting balance) in each currency."""
    return {
        each.seat_id: [(one.balance, one.starting_balance) for one in each.balances] for each in answer.data
    }


def test_every_seat_holds_its_part_of_the_credit(sdk, seats):
    answer = sdk.v1.contracts.list_seat_balances(**seats)

    assert amounts(answer) == {"ann": [(10, 10)], "bob": [(10, 10)], "cid": [(10, 10)]}
    assert (answer.data[0].commits, answer.data[0].credits) == (None, None)
    assert answer.pagination.next_page is None
    assert (answer.pagination.seats_included, answer.pagination.seats_available_for_next_page) == (3, 0)


def test_a_manual_entry_falls_on_the_seats_that_it_names(sdk, seats):
    (credit,) = sdk.v1.customers.credits.list(customer_id=seats["customer_id"], include_contract_credits=True)
    about = {
        "id": credit.id,
        "segment_id": credit.access_schedule.schedule_items[0].id,
        "reason": "x",
        **seats,
    }
    sdk.v1.contracts.add_manual_balance_entry(**about, amount=-3, per_group_amounts={"ann": -4, "bob": 1})
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.contracts.add_manual_balance_entry(**about, amount=5, per_group_amounts={"ann": 4})

    answer = sdk.v1.contracts.list_seat_balances(
        **seats, include_credits_and_commits=True, include_ledgers=True, seat_ids=["ann", "cid"]
    )

    assert refused.value.body["message"] == "per_group_amounts must sum to amount"
    assert amounts(answer) == {"ann": [(6, 10)], "cid": [(10, 10)]}
    (held,) = answer.data[0].credits
    assert (held.id, held.balance, held.start_date, held.end_date) == (credit.id, 6, day(1), day(2))
    assert [(each.type, each.amount) for each in held.ledger_entries] == [
        ("CREDIT_SEGMENT_START", 10),
        ("CREDIT_MANUAL", -4),
    ]


def test_seats_come_in_pages(sdk, seats):
    first = sdk.v1.contracts.list_seat_balances(**seats, limit=2)
    second = sdk.v1.contracts.list_seat_balances(**seats, limit=2, cursor=first.pagination.next_page)

    assert [each.seat_id for each in first.data] == ["ann", "bob"]
    assert first.pagination.seats_available_for_next_page == 1
    assert [each.seat_id for each in second.data] == ["cid"]
    assert second.pagination.next_page is None


def test_the_time_that_is_asked_for_chooses_the_credits(sdk, seats):
    def held(**time: Any) -> list[tuple[float, float]]:
        return amounts(sdk.v1.contracts.list_seat_balances(**seats, **time, seat_ids=["ann"]))["ann"]

    assert held(covering_date=day(1, 10)) == [(10, 10)]
    assert held(covering_date=day(3)) == []
    assert held(starting_at=day(2)) == []
    assert held(effective_before=day(1)) == [(10, 10)]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"contract_id": NOBODY}, NotFoundError, "The specified contract was not found"),
        ({"customer_id": NOBODY}, NotFoundError, "The specified customer was not found"),
        (
            {"seat_ids": ["ann", "zoe"]},
            BadRequestError,
            "seat_ids must name seats of the contract's subscriptions",
        ),
        (
            {"subscription_ids": [NOBODY]},
            BadRequestError,
            "subscription_ids must name SEAT_BASED subscriptions of the contract",
        ),
        (
            {"covering_date": day(1), "starting_at": day(1)},
            BadRequestError,
            "covering_date can't be combined with starting_at or effective_before",
        ),
        ({"limit": 101}, BadRequestError, "limit must be between 1 and 100"),
    ],
)
def test_what_has_no_seats_is_refused(sdk, seats, given, error, words):
    with pytest.raises(error) as refused:
        sdk.v1.contracts.list_seat_balances(**seats | given)

    assert refused.value.body["message"] == words


def test_a_missing_seat_is_skipped_where_asked_for(sdk, seats):
    answer = sdk.v1.contracts.list_seat_balances(**seats, seat_ids=["zoe", "bob"], skip_missing_seat_ids=True)

    assert [each.seat_id for each in answer.data] == ["bob"]
