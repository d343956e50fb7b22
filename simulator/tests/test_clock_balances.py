"""What balances pay as the clock moves: commits, charges, custom units, and what is due beside usage."""

from __future__ import annotations

from typing import Any

import pytest
from metronome import APIStatusError

from simulator.tests.accounts import (
    BEGIN,
    CREDITS,
    Account,
    commit,
    ledger_of,
    priced_in_credits,
)


def test_prepaid_pays_before_postpaid_and_what_is_missing_is_billed_in_the_end(account: Account) -> None:
    paid = {"schedule_items": [{"timestamp": "2027-01-05T00:00:00Z", "amount": 40}]}
    owed = {"schedule_items": [{"timestamp": "2027-02-01T00:00:00Z", "amount": 100}]}
    contract = account.contract(
        commits=[
            commit(account, "POSTPAID", 100, 1, invoice_schedule=owed, name="Promise"),
            commit(account, "PREPAID", 50, 2, invoice_schedule=paid, name="Prepaid"),
        ]
    )
    account.at("2027-01-20T00:00:00Z")
    account.use("2027-01-10T00:00:00Z", 60)
    assert account.told() == [
        ("USAGE", "DRAFT", "01-01..02-01", 70),
        ("SCHEDULED", "FINALIZED", "01-05", 40),
        ("SCHEDULED", "DRAFT", "02-02", 30),
    ]
    account.at("2027-02-03T00:00:00Z")
    rows = {(row.type, row.total): row for row in account.invoices(status="FINALIZED")}
    assert set(rows) == {("USAGE", 70), ("SCHEDULED", 40), ("SCHEDULED", 30)}
    usage = rows[("USAGE", 70)]
    assert usage.subtotal == 120
    assert [(each.type, each.total) for each in usage.line_items] == [
        ("usage", 50),
        ("applied_commit_or_credit", -50),
        ("usage", 70),
        ("applied_commit_or_credit", -70),
    ]
    (bought,) = rows[("SCHEDULED", 40)].line_items
    assert (bought.type, bought.commit_type, bought.name) == ("commit_purchase", "PrepaidCommit", "Prepaid")
    shown = account.sdk.v2.contracts.retrieve(
        customer_id=account.customer, contract_id=contract, include_ledgers=True
    ).data
    ledgers = {each.name: [(row.type, row.amount) for row in each.ledger] for each in shown.commits}
    assert ledgers == {
        "Promise": [
            ("POSTPAID_COMMIT_INITIAL_BALANCE", 100),
            ("POSTPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION", -70),
            ("POSTPAID_COMMIT_TRUEUP", -30),
        ],
        "Prepaid": [
            ("PREPAID_COMMIT_SEGMENT_START", 50),
            ("PREPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION", -50),
        ],
    }
    schedule = shown.commits[1].invoice_schedule.schedule_items[0]
    assert schedule.invoice_id == rows[("SCHEDULED", 40)].id


def test_two_drafts_do_not_draw_on_the_same_money(account: Account) -> None:
    span = {"starting_at": BEGIN, "ending_before": "2028-01-01T00:00:00Z"}
    account.contract(
        commits=[
            commit(account, "PREPAID", 0, 1, access_schedule={"schedule_items": [{"amount": 50, **span}]})
        ]
    )
    account.use(BEGIN, 20)
    account.at("2027-02-01T12:00:00Z")
    account.use("2027-02-01T01:00:00Z", 20)
    assert account.told() == [
        ("USAGE", "DRAFT", "01-01..02-01", 0),
        ("USAGE", "DRAFT", "02-01..03-01", 30),
    ]
    account.at("2027-04-01T00:00:00Z")
    assert [row[3] for row in account.told()[:2]] == [0, 30]


def test_two_contracts_do_not_draw_on_the_same_money(account: Account) -> None:
    given = commit(account, "PREPAID", 50, 1)
    account.sdk.v1.customers.commits.create(customer_id=account.customer, **given)
    account.contract()
    account.contract()
    account.use(BEGIN, 20)

    assert [row[3] for row in account.told()] == [0, 30]
    net = account.sdk.v1.contracts.get_net_balance(customer_id=account.customer).data
    assert net.balance == 0
    account.at("2027-02-05T00:00:00Z")
    assert [row.total for row in account.invoices(status="FINALIZED")] == [0, 30]


def test_a_void_invoice_gives_back_and_a_regenerated_one_draws_again(account: Account) -> None:
    contract = account.contract(
        commits=[commit(account, "PREPAID", 50, 1, name="Prepaid")],
    )
    account.use(BEGIN, 100)
    account.at("2027-02-02T00:00:00Z")
    account.use("2027-01-02T00:00:00Z", 10)
    invoice = account.invoices(status="FINALIZED")[0]
    assert invoice.total == 150
    assert account.sdk.v1.invoices.void(id=invoice.id).data.id == invoice.id
    assert ledger_of(account, contract)[-1] == ("PREPAID_COMMIT_CANCELED", 50)
    again = account.sdk.v1.invoices.regenerate(id=invoice.id).data.id
    row = account.sdk.v1.customers.invoices.retrieve(customer_id=account.customer, invoice_id=again).data
    assert (row.status, row.total, row.regenerated_from_invoice_id) == ("FINALIZED", 170, invoice.id)
    drawn = [amount for kind, amount in ledger_of(account, contract) if "DEDUCTION" in kind]
    assert drawn == [-50, -50]
    for refused in (account.sdk.v1.invoices.regenerate, account.sdk.v1.invoices.void):
        with pytest.raises(APIStatusError) as refusal:
            refused(id=invoice.id)
        assert refusal.value.status_code == 400


def test_scheduled_charges_and_discounts_are_billed_on_their_dates(account: Account) -> None:
    dates = [{"timestamp": f"2027-0{month}-15T00:00:00Z", "amount": 500} for month in (1, 2)]
    account.contract(
        scheduled_charges=[{"product_id": account.fixed, "schedule": {"schedule_items": dates}}],
        discounts=[
            {
                "product_id": account.fixed,
                "name": "Welcome",
                "schedule": {"schedule_items": [{"timestamp": "2027-01-15T00:00:00Z", "amount": 120}]},
            }
        ],
    )
    account.at("2027-01-15T00:00:00Z")
    (invoice, later) = account.invoices(type="SCHEDULED")
    assert (later.status, later.total) == ("DRAFT", 500)
    assert [(each.name, each.type, each.total) for each in invoice.line_items] == [
        ("Platform fee", "scheduled", 500),
        ("Welcome", "scheduled", -120),
    ]
    assert (invoice.status, invoice.total) == ("FINALIZED", 380)
    account.at("2027-06-01T00:00:00Z")
    assert [row[1:] for row in account.told(type="SCHEDULED")] == [
        ("FINALIZED", "01-15", 380),
        ("FINALIZED", "02-15", 500),
    ]


def test_what_is_due_at_the_end_of_a_period_may_go_along_with_its_usage_invoice(account: Account) -> None:
    due = [("2027-01-15T00:00:00Z", 500), ("2027-02-01T00:00:00Z", 70)]
    items = [{"timestamp": at, "amount": amount} for at, amount in due]
    charge = {"product_id": account.fixed, "schedule": {"schedule_items": items}}
    contract = account.contract(
        scheduled_charges=[charge],
        commits=[commit(account, "PREPAID", 50, 1, invoice_schedule={"schedule_items": items[1:]})],
        scheduled_charges_on_usage_invoices="ALL",
    )
    assert account.told() == [
        ("USAGE", "DRAFT", "01-01..02-01", 140),
        ("SCHEDULED", "DRAFT", "01-15", 500),
    ]
    account.at("2027-02-05T00:00:00Z")
    account.sdk.v2.contracts.edit(
        customer_id=account.customer,
        contract_id=contract,
        add_scheduled_charges=[{**charge, "schedule": {"schedule_items": items[1:]}}],
    )
    final = account.invoices(type="USAGE")[0]
    account.sdk.v1.invoices.void(id=final.id)
    again = account.sdk.v1.invoices.regenerate(id=final.id).data.id

    assert sorted(account.told()) == [
        ("SCHEDULED", "FINALIZED", "01-15", 500),
        ("SCHEDULED", "FINALIZED", "02-05", 70),
        ("USAGE", "DRAFT", "02-01..03-01", 0),
        ("USAGE", "FINALIZED", "01-01..02-01", 140),
        ("USAGE", "VOID", "01-01..02-01", 140),
    ]
    (regenerated,) = [row for row in account.invoices() if row.id == again]
    assert [line.type for line in regenerated.line_items] == ["usage", "scheduled", "commit_purchase"]


def test_a_segment_pays_for_what_was_used_in_its_time(account: Account) -> None:
    """10 calls on the 2nd, 30 on the 8th, 60 on the 15th, at 2: of 200 the credit of 5 days may pay 60.

    The one of the second half has 100 for the 120 of its time.
    """

    def access(amount: float, start: int, end: int) -> dict[str, Any]:
        begin, stop = (f"2027-01-{day:02}T00:00:00Z" for day in (start, end))
        return {"schedule_items": [{"amount": amount, "starting_at": begin, "ending_before": stop}]}

    terms = {"product_id": account.fixed, "priority": 1}
    week = {**terms, "name": "Week", "access_schedule": access(500, 5, 10)}
    half = {**terms, "name": "Half", "access_schedule": access(100, 15, 31)}
    account.contract(credits=[week, half])
    account.at("2027-01-20T00:00:00Z")
    for day, amount in ((2, 10), (8, 30), (15, 60)):
        account.use(f"2027-01-{day:02}T00:00:00Z", amount)
    draft = account.invoices()[0]
    account.at("2027-02-03T00:00:00Z")
    final = account.invoices()[0]

    for invoice, status in ((draft, "DRAFT"), (final, "FINALIZED")):
        assert (invoice.status, invoice.subtotal, invoice.total) == (status, 200, 40)
        assert [(line.name, line.total) for line in invoice.line_items if line.total] == [
            ("Calls", 20),
            ("Calls", 60),
            ("Week applied", -60),
            ("Calls", 100),
            ("Half applied", -100),
            ("Calls", 20),
        ]


def test_custom_units_are_converted_where_balances_do_not_reach(account: Account) -> None:
    card = priced_in_credits(account)
    span = {"starting_at": BEGIN, "ending_before": "2027-02-01T00:00:00Z"}
    account.contract(
        rate_card_id=card,
        credits=[
            {
                "product_id": account.fixed,
                "priority": 1,
                "access_schedule": {"credit_type_id": CREDITS, "schedule_items": [{"amount": 15, **span}]},
            }
        ],
    )
    account.use(BEGIN, 10)
    (invoice,) = account.invoices()
    assert [(each.type, each.total, each.credit_type.name) for each in invoice.line_items] == [
        ("usage", 15, "Credits"),
        ("applied_commit_or_credit", -15, "Credits"),
        ("usage", 5, "Credits"),
        ("cpu_conversion", 250, "USD (cents)"),
    ]
    assert invoice.total == 250


def test_balances_of_money_pay_for_what_was_converted(account: Account) -> None:
    span = {"starting_at": BEGIN, "ending_before": "2027-02-01T00:00:00Z"}
    access = {"credit_type_id": CREDITS, "schedule_items": [{"amount": 15, **span}]}
    card = priced_in_credits(account)
    contract = account.contract(
        rate_card_id=card,
        commits=[commit(account, "PREPAID", 100, 1)],
        credits=[{"product_id": account.fixed, "priority": 2, "access_schedule": access}],
    )
    account.use(BEGIN, 10)
    (draft,) = account.invoices()
    account.at("2027-02-03T00:00:00Z")
    final = account.invoices()[0]

    own = account.sdk.v2.contracts.retrieve(
        customer_id=account.customer, contract_id=contract, include_balance=True, include_ledgers=True
    ).data
    assert [(each.type, each.total) for each in final.line_items] == [
        ("usage", 15),
        ("applied_commit_or_credit", -15),
        ("usage", 5),
        ("cpu_conversion", 100),
        ("applied_commit_or_credit", -100),
        ("cpu_conversion", 150),
    ]
    money, units = own.commits[0].id, own.credits[0].id
    assert [each.commit_id for each in final.line_items] == [units, units, None, money, money, None]
    assert (draft.line_items, draft.subtotal, draft.total) == (final.line_items, 250, 150)
    assert [each.ledger[1].amount for each in (*own.commits, *own.credits)] == [-100, -15]
