"""Recurring commits and credits of contracts: what each period grants, for how long, and what it costs."""

from __future__ import annotations

import pytest
from metronome import BadRequestError

from simulator.tests.contracting import APR, JAN, JUL, create, day, read, told


def test_a_recurring_credit_grants_every_period_that_has_begun(sdk, simulator, market):
    contract_id = create(
        sdk,
        market,
        starting_at="2026-05-16T00:00:00Z",
        recurring_credits=[
            {
                "product_id": market.fee,
                "access_amount": {"unit_price": 31, "quantity": 1},
                "commit_duration": {"value": 1},
                "priority": 1,
                "starting_at": "2026-05-16T00:00:00Z",
                "proration": "FIRST",
            }
        ],
    )

    shown = read(sdk, market, contract_id)
    amounts = [credit.access_schedule.schedule_items[0].amount for credit in shown.credits]
    assert amounts == [16, 31]
    assert {credit.recurring_credit_id for credit in shown.credits} == {shown.recurring_credits[0].id}
    simulator.control("POST", "clock", {"at": "2026-07-01T01:00:00Z", "frozen": True})
    assert len(read(sdk, market, contract_id).credits) == 3


def test_what_lasts_several_periods_ends_with_the_last_of_them(sdk, market):
    credit = {
        "product_id": market.fee,
        "access_amount": {"unit_price": 1, "quantity": 1},
        "commit_duration": {"value": 2},
        "priority": 1,
        "starting_at": "2026-01-31T00:00:00Z",
        "recurrence_frequency": "MONTHLY",
    }
    contract_id = create(sdk, market, recurring_credits=[credit])

    spans = [row.access_schedule.schedule_items[0] for row in read(sdk, market, contract_id).credits]

    assert [(day(each.starting_at), day(each.ending_before)) for each in spans[:3]] == [
        ("2026-01-31", "2026-03-31"),
        ("2026-02-28", "2026-04-30"),
        ("2026-03-31", "2026-05-31"),
    ]


@pytest.mark.parametrize(
    ("proration", "expected"),
    [
        ("FIRST_AND_LAST", [(160, "05-16", "06-01"), (310, "06-01", "07-01"), (90, "07-01", "07-10")]),
        ("FIRST", [(160, "05-16", "06-01"), (310, "06-01", "07-01"), (310, "07-01", "08-01")]),
    ],
)
def test_what_is_paid_for_in_part_lasts_as_long(sdk, simulator, market, proration, expected):
    """310 a month: 16 of May's 31 days, June whole, and 9 of July's 31 days or July whole."""
    start = "2026-05-16T00:00:00Z"
    contract_id = create(
        sdk,
        market,
        starting_at=start,
        ending_before="2026-07-10T00:00:00Z",
        recurring_credits=[
            {
                "product_id": market.fee,
                "access_amount": {"unit_price": 310, "quantity": 1},
                "commit_duration": {"value": 1},
                "priority": 1,
                "starting_at": start,
                "proration": proration,
            }
        ],
    )
    simulator.control("POST", "clock", {"at": "2026-07-02T00:00:00Z", "frozen": True})

    spans = [row.access_schedule.schedule_items[0] for row in read(sdk, market, contract_id).credits]

    shown = [(each.amount, f"{each.starting_at:%m-%d}", f"{each.ending_before:%m-%d}") for each in spans]
    assert shown == expected


def test_a_recurring_commit_before_its_contract_is_refused(sdk, simulator, market):
    with pytest.raises(BadRequestError) as refused:
        create(
            sdk,
            market,
            starting_at=APR,
            recurring_commits=[
                {
                    "product_id": market.fee,
                    "access_amount": {"unit_price": 1, "quantity": 1},
                    "commit_duration": {"value": 1},
                    "priority": 1,
                    "starting_at": JAN,
                }
            ],
        )

    words = "contract starting at date must be at or before recurring commit starting at date"
    assert refused.value.body["message"] == words
    assert told(simulator) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"commit_duration": {"value": 1.5}}, "commit_duration.value must be a whole number from 1 to 1000"),
        ({"access_amount": {"unit_price": -1, "quantity": 1}}, "recurring amounts must not be negative"),
        ({"access_amount": {"unit_price": 1}}, "access_amount.quantity is required without a subscription"),
        ({"name": ""}, "name must not be empty"),
        ({"rollover_fraction": 2}, "rollover_fraction must be between 0 and 1"),
        (
            {"proration_rounding": {"access": {"decimal_places": 99, "rounding_method": "FLOOR"}}},
            "decimal_places must be a whole number from -9 to 9",
        ),
        (
            {
                "subscription_config": {
                    "subscription_id": "x",
                    "apply_seat_increase_config": {"is_prorated": True},
                }
            },
            "subscription x was not found on the contract",
        ),
    ],
)
def test_a_recurring_commit_that_could_make_no_commit_is_refused(sdk, simulator, market, change, words):
    given = {
        "product_id": market.fee,
        "access_amount": {"unit_price": 1, "quantity": 1},
        "commit_duration": {"value": 1},
        "priority": 1,
        "starting_at": JUL,
        **change,
    }
    with pytest.raises(BadRequestError) as refused:
        create(sdk, market, recurring_commits=[given])

    assert refused.value.body["message"] == words
    assert told(simulator) == []


def test_a_recurring_commit_is_prorated_rounded_and_invoiced(sdk, market):
    contract_id = create(
        sdk,
        market,
        recurring_commits=[
            {
                "product_id": market.fee,
                "access_amount": {"unit_price": 100, "quantity": 1},
                "invoice_amount": {
                    "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
                    "unit_price": 50,
                    "quantity": 2,
                },
                "commit_duration": {"value": 1},
                "priority": 1,
                "starting_at": "2026-06-12T00:00:00Z",
                "ending_before": "2026-06-22T00:00:00Z",
                "proration_rounding": {"access": {"decimal_places": 0, "rounding_method": "CEILING"}},
            }
        ],
    )

    (commit,) = read(sdk, market, contract_id).commits
    assert commit.access_schedule.schedule_items[0].amount == 34
    assert commit.invoice_schedule.schedule_items[0].amount == 33.333333
    assert day(commit.access_schedule.schedule_items[0].ending_before) == "2026-06-22"
