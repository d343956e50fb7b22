"""Subscriptions that are paid in advance: when they are billed, and which balances pay for them."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.tests.accounts import BEGIN, Account, rate, subscription

JUNE = "2027-06-01T00:00:00Z"


@pytest.fixture
def seats(account: Account) -> str:
    """Seats at 500 a month, of which `subscription` takes four."""
    product = account.sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION").data.id
    monthly = {"rate_type": "SUBSCRIPTION", "billing_frequency": "MONTHLY"}
    rate(account.sdk, account.card, product, price=500, **monthly)
    return product


def balance(account: Account, amount: float, start: str, end: str = JUNE, **terms: Any) -> dict[str, Any]:
    segment = {"amount": amount, "starting_at": start, "ending_before": end}
    return {"product_id": account.fixed, "access_schedule": {"schedule_items": [segment]}, **terms}


def paid(invoice: Any) -> list[tuple[str, float]]:
    """(name, amount) of each balance that an invoice draws on, in their order."""
    return [
        (line.name.removesuffix(" applied"), line.total)
        for line in invoice.line_items
        if line.type == "applied_commit_or_credit"
    ]


def test_a_final_invoice_counts_at_once_everywhere(account: Account, seats: str) -> None:
    """Of 3000 a final invoice has 2000 on the day that it is issued; the draft of 50 calls at 2 has 100."""
    account.contract(
        subscriptions=[subscription(account, seats, "ADVANCE")],
        credits=[balance(account, 3000, BEGIN, name="Gift", priority=1)],
    )
    account.at("2027-01-20T00:00:00Z")
    account.use("2027-01-10T00:00:00Z", 50)
    contracts, own = account.sdk.v1.contracts, {"customer_id": account.customer}
    (invoice,) = account.invoices(type="SCHEDULED")
    everything = {"include_balance": True, "include_ledgers": True, "include_contract_balances": True}
    (credit,) = contracts.list_balances(**own, **everything)
    net = contracts.get_net_balance
    alert = account.sdk.v1.alerts.create(
        alert_type="low_remaining_contract_credit_balance_reached", name="Low", threshold=1000, **own
    ).data.id
    account.at("2027-01-20T00:10:00Z")

    assert (invoice.status, paid(invoice), invoice.total) == ("FINALIZED", [("Gift", -2000)], 0)
    assert [(entry.type, entry.amount, f"{entry.timestamp:%m-%d}") for entry in credit.ledger] == [
        ("CREDIT_SEGMENT_START", 3000, "01-01"),
        ("CREDIT_AUTOMATED_INVOICE_DEDUCTION", -2000, "01-01"),
        ("CREDIT_AUTOMATED_INVOICE_DEDUCTION", -100, "02-01"),
    ]
    assert credit.balance == 900
    assert net(**own, invoice_inclusion_mode="FINALIZED").data.balance == 1000
    assert net(**own, invoice_inclusion_mode="FINALIZED_AND_DRAFT").data.balance == 900
    status = account.sdk.v1.customers.alerts.retrieve(alert_id=alert, **own).data.customer_status
    assert status == "in_alarm"


def test_before_its_contract_starts_nothing_is_billed_and_then_prepaid_pays_before_postpaid(
    account: Account, seats: str
) -> None:
    """14 of February's 28 days of 4 seats at 500 are 1000: 300 and 60 are prepaid, 640 count as postpaid.

    The credit from the 20th on pays nothing then, but 700 of the 2000 for March.
    """
    account.at("2027-02-03T00:00:00Z")
    start = "2027-02-15T00:00:00Z"
    postpaid = balance(account, 5000, start, type="POSTPAID", name="Postpaid", priority=1)
    postpaid["invoice_schedule"] = {"schedule_items": [{"timestamp": JUNE, "amount": 5000}]}
    account.contract(
        starting_at=start,
        ending_before=JUNE,
        subscriptions=[subscription(account, seats, "ADVANCE")],
        commits=[postpaid, balance(account, 300, start, type="PREPAID", name="Prepaid", priority=9)],
        credits=[balance(account, 700, "2027-02-20T00:00:00Z", name="Later", priority=1)],
        recurring_commits=[
            {
                "product_id": account.fixed,
                "name": "Monthly",
                "access_amount": {"unit_price": 60, "quantity": 1},
                "commit_duration": {"value": 1},
                "recurrence_frequency": "MONTHLY",
                "starting_at": start,
                "priority": 50,
            }
        ],
    )
    account.at("2027-02-14T23:00:00Z")
    assert account.invoices(type="SCHEDULED", status="FINALIZED") == []

    account.at("2027-03-02T00:00:00Z")
    first, second = account.invoices(type="SCHEDULED", status="FINALIZED")

    assert f"{first.issued_at:%m-%d %H:%M}" == "02-15 00:00"
    assert paid(first) == [("Prepaid", -300), ("Monthly", -60), ("Postpaid", -640)]
    assert (first.subtotal, first.total) == (1000, 640)
    assert f"{second.issued_at:%m-%d %H:%M}" == "03-01 00:00"
    assert paid(second) == [("Later", -700), ("Postpaid", -1300)]
    assert (second.subtotal, second.total) == (2000, 1300)


def test_what_recurs_is_there_before_the_invoice_of_the_same_instant_draws_on_it(
    account: Account, seats: str
) -> None:
    contract = account.contract(subscriptions=[subscription(account, seats, "ADVANCE")])
    account.at("2027-01-10T00:00:00Z")
    monthly = {
        "product_id": account.fixed,
        "name": "Monthly",
        "access_amount": {"unit_price": 60, "quantity": 1},
        "commit_duration": {"value": 1},
        "recurrence_frequency": "MONTHLY",
        "starting_at": "2027-02-01T00:00:00Z",
        "priority": 1,
    }
    account.sdk.v2.contracts.edit(
        customer_id=account.customer, contract_id=contract, add_recurring_credits=[monthly]
    )
    account.at("2027-03-01T00:00:00Z")

    january, february, march = account.invoices(type="SCHEDULED")

    assert paid(january) == []
    assert paid(february) == paid(march) == [("Monthly", -60)]
