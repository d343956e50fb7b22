"""Subscriptions as the clock moves: in advance, in arrears, more seats, and their end."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.tests.accounts import (
    BEGIN,
    Account,
    rate,
    subscription,
)


def test_subscriptions_are_billed_in_advance_or_with_the_usage(account: Account) -> None:
    seats = account.sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION").data.id
    rate(account.sdk, account.card, seats, rate_type="SUBSCRIPTION", price=31, billing_frequency="MONTHLY")
    account.contract(
        starting_at="2027-01-17T00:00:00Z",
        subscriptions=[
            subscription(account, seats, "ADVANCE", name="Before"),
            subscription(account, seats, "ARREARS", name="After"),
        ],
    )
    account.at("2027-02-10T00:00:00Z")
    assert sorted(account.told()) == [
        ("SCHEDULED", "FINALIZED", "01-01..02-01", 60),
        ("SCHEDULED", "FINALIZED", "02-01..03-01", 124),
        ("USAGE", "DRAFT", "02-01..03-01", 124),
        ("USAGE", "FINALIZED", "01-17..02-01", 60),
    ]
    prorated = account.invoices(type="SCHEDULED")[0].line_items[0]
    assert (prorated.type, prorated.quantity, prorated.unit_price, prorated.is_prorated) == (
        "subscription",
        4,
        15,
        True,
    )


def test_a_subscription_in_arrears_has_invoices_of_its_own_where_it_says_so(account: Account) -> None:
    """31 a month for 4: half of January is 60, February 124 and March until the 11th 40."""
    seats = account.sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION").data.id
    rate(account.sdk, account.card, seats, rate_type="SUBSCRIPTION", price=31, billing_frequency="MONTHLY")
    placement = {"invoice_placement": "ON_SCHEDULED_INVOICE"}
    account.contract(
        starting_at="2027-01-17T00:00:00Z",
        ending_before="2027-03-11T00:00:00Z",
        subscriptions=[subscription(account, seats, "ARREARS", billing_cycle_config=placement)],
    )
    account.at("2027-01-31T00:00:00Z")
    assert account.told() == [("USAGE", "DRAFT", "01-17..02-01", 0)]
    account.at("2027-04-01T00:00:00Z")
    bills = [(f"{row.issued_at:%m-%d}", row.total) for row in account.invoices(type="SCHEDULED")]
    assert bills == [("02-01", 60), ("03-01", 124), ("03-11", 40)]
    assert {row[3] for row in account.told(type="USAGE")} == {0}


@pytest.mark.parametrize(
    ("terms", "first", "second"),
    [
        ({"invoice_behavior": "BILL_IMMEDIATELY"}, [("01-01", 124), ("01-11", 42)], ("02-01", 93)),
        (
            {"invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE"},
            [("01-01", 124)],
            ("02-01", 42),
        ),
        (
            {"invoice_behavior": "BILL_IMMEDIATELY", "is_prorated": False},
            [("01-01", 124), ("01-11", 62)],
            ("02-01", 93),
        ),
        (
            {
                "invoice_behavior": "BILL_IMMEDIATELY",
                "rounding": {"decimal_places": -1, "rounding_method": "CEILING"},
            },
            [("01-01", 124), ("01-11", 60)],
            ("02-01", 93),
        ),
    ],
)
def test_more_seats_paid_in_advance_are_billed_when_they_should_be(
    account: Account, terms: dict[str, Any], first: list[Any], second: Any
) -> None:
    seats = account.sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION").data.id
    rate(account.sdk, account.card, seats, rate_type="SUBSCRIPTION", price=31, billing_frequency="MONTHLY")
    proration = {"is_prorated": True, **terms}
    contract = account.contract(subscriptions=[subscription(account, seats, "ADVANCE", proration=proration)])
    own = {"customer_id": account.customer, "contract_id": contract}
    (made,) = account.sdk.v2.contracts.retrieve(**own).data.subscriptions
    account.at("2027-01-05T00:00:00Z")
    changes = [("2027-01-11T00:00:00Z", 6), ("2027-01-21T00:00:00Z", 3)]
    account.sdk.v2.contracts.edit(
        **own,
        update_subscriptions=[
            {
                "subscription_id": made.id,
                "quantity_updates": [{"starting_at": at, "quantity": each} for at, each in changes],
            }
        ],
    )

    def billed() -> list[tuple[str, float]]:
        return [(f"{row.issued_at:%m-%d}", row.total) for row in account.invoices(type="SCHEDULED")]

    account.at("2027-01-31T00:00:00Z")
    assert billed() == first
    account.at("2027-02-20T00:00:00Z")
    assert sorted(billed()) == sorted({*first, second, ("02-01", 93)})


def test_subscriptions_end_with_their_contract(account: Account) -> None:
    seats = account.sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION").data.id
    rate(account.sdk, account.card, seats, rate_type="SUBSCRIPTION", price=31, billing_frequency="MONTHLY")
    contract = account.contract(
        subscriptions=[subscription(account, seats, each) for each in ("ADVANCE", "ARREARS")]
    )
    account.at("2027-01-05T00:00:00Z")
    account.sdk.v1.contracts.update_end_date(
        customer_id=account.customer, contract_id=contract, ending_before="2027-01-16T00:00:00Z"
    )
    account.at("2027-04-01T00:00:00Z")
    assert sorted(account.told()) == [
        ("SCHEDULED", "FINALIZED", "01-01..02-01", 124),
        ("USAGE", "FINALIZED", "01-01..01-16", 60),
    ]


def test_a_draft_waits_for_the_segment_of_its_time_alone(account: Account) -> None:
    first, second = "2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z"
    segments = [
        {"amount": 50, "starting_at": BEGIN, "ending_before": first},
        {"amount": 30, "starting_at": first, "ending_before": second},
    ]
    access = {"schedule_items": segments}
    account.contract(commits=[{"product_id": account.fixed, "type": "PREPAID", "access_schedule": access}])
    account.use(BEGIN, 20)
    net = account.sdk.v1.contracts.get_net_balance

    assert net(customer_id=account.customer).data.balance == 10
    account.at("2027-02-01T12:00:00Z")
    assert net(customer_id=account.customer).data.balance == 30
