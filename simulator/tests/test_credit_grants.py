"""Credit grants, driven by the strict SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError

from simulator.running import RunningSimulator
from simulator.tests.saying import day, message

NOBODY = "00000000-0000-4000-8000-000000000000"
USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


def dollars(amount: float) -> dict[str, Any]:
    return {"amount": amount, "credit_type_id": USD}


@pytest.fixture
def customer(sdk: Metronome, simulator: RunningSimulator) -> str:
    """A customer of an account whose clock stands still in January 2030."""
    simulator.control("POST", "clock", {"at": "2030-01-15T00:00:00Z", "frozen": True})
    return sdk.v1.customers.create(name="Granted", ingest_aliases=["granted"]).data.id


Grant = Callable[..., str]


@pytest.fixture
def grant(sdk: Metronome, customer: str) -> Grant:
    """Grant 500 cents for 400, from January to July unless told otherwise; the grant's id."""

    def make(**given: Any) -> str:
        terms = {
            "name": "Welcome",
            "priority": 1,
            "effective_at": day(1),
            "expires_at": day(7),
            "grant_amount": dollars(500),
            "paid_amount": dollars(400),
            **given,
        }
        return sdk.v1.credit_grants.create(customer_id=customer, **terms).data.id

    return make


def only(sdk: Metronome, **filters: Any) -> Any:
    """The one grant that there is."""
    (row,) = sdk.v1.credit_grants.list(**filters)
    return row


def test_a_grant_is_shown_as_it_was_made(sdk, simulator, customer, grant):
    product = sdk.v1.contracts.products.create(name="Compute", type="FIXED").data.id
    made = grant(reason="hello", credit_grant_type="trial", uniqueness_key="g-1", product_ids=[product])

    row = only(sdk, customer_ids=[customer])

    assert (row.id, row.customer_id, row.name, row.priority) == (made, customer, "Welcome", 1)
    assert (row.reason, row.credit_grant_type, row.uniqueness_key) == ("hello", "trial", "g-1")
    assert (row.grant_amount.amount, row.paid_amount.amount) == (500, 400)
    assert row.grant_amount.credit_type.id == USD
    assert (row.effective_at, row.expires_at, row.invoice_id) == (day(1), day(7), None)
    assert [(each.id, each.name) for each in row.products] == [(product, "Compute")]
    assert (row.balance.excluding_pending, row.balance.including_pending) == (500, 500)
    assert (row.deductions, row.pending_deductions, row.custom_fields) == ([], [], {})
    assert simulator.ledger()[-1]["resource_type"] == "credit_grant"


def test_what_is_left_of_a_grant_expires(sdk, simulator, customer, grant):
    grant()
    simulator.control("POST", "clock", {"at": "2030-07-01T00:00:00Z", "frozen": True})

    row = only(sdk, customer_ids=[customer])

    assert (row.balance.excluding_pending, row.balance.including_pending) == (0, 0)
    assert [(each.amount, each.running_balance, each.effective_at) for each in row.deductions] == [
        (-500, 0, day(7))
    ]


def test_a_grant_rolls_over_into_a_new_one(sdk, simulator, customer, grant):
    rollover = {
        "expires_at": day(9),
        "priority": 2,
        "rollover_amount": {"type": "MAX_PERCENTAGE", "value": 0.4},
    }
    old = grant(rollover_settings=rollover)
    simulator.control("POST", "clock", {"at": "2030-08-01T00:00:00Z", "frozen": True})

    first, second = sdk.v1.credit_grants.list(customer_ids=[customer])

    assert [(each.amount, each.running_balance) for each in first.deductions] == [(-200, 300), (-300, 0)]
    assert first.id == old
    assert (second.grant_amount.amount, second.paid_amount.amount, second.priority) == (200, 0, 2)
    assert (second.effective_at, second.expires_at) == (day(7), day(9))
    assert second.balance.excluding_pending == 200
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.credit_grants.edit(id=old, expires_at=day(10))
    assert message(refused) == "The credit grant has expired and rolled over"


def test_a_grant_is_invoiced_on_its_date(sdk, simulator, customer, grant):
    made = grant(invoice_date=day(2))
    assert list(sdk.v1.customers.invoices.list(customer_id=customer)) == []
    simulator.control("POST", "clock", {"at": "2030-02-01T00:00:00Z", "frozen": True})

    (invoice,) = sdk.v1.customers.invoices.list(customer_id=customer)

    assert (invoice.status, invoice.total, invoice.issued_at) == ("FINALIZED", 400, day(2))
    assert only(sdk, customer_ids=[customer]).invoice_id == invoice.id
    sdk.v1.credit_grants.void(id=made, void_credit_purchase_invoice=True)
    (invoice,) = sdk.v1.customers.invoices.list(customer_id=customer)
    assert invoice.status == "VOID"


def test_an_edit_changes_name_type_and_expiry(sdk, customer, grant):
    made = grant()

    edited = sdk.v1.credit_grants.edit(id=made, name="Goodbye", credit_grant_type="sales", expires_at=day(3))

    row = only(sdk, credit_grant_ids=[made])
    assert edited.data.id == made
    assert (row.name, row.credit_grant_type, row.expires_at) == ("Goodbye", "sales", day(3))


def test_an_edit_that_cannot_be_is_refused(sdk, grant):
    made = grant()

    with pytest.raises(BadRequestError) as before:
        sdk.v1.credit_grants.edit(id=made, expires_at=day(1))
    with pytest.raises(BadRequestError) as nothing:
        sdk.v1.credit_grants.edit(id=NOBODY, name="x")

    assert message(before) == "expires_at must be after its start"
    assert message(nothing) == "The specified credit grant was not found"


def test_a_void_grant_is_gone_and_keeps_its_key_unless_it_is_released(sdk, customer, grant):
    kept, released = grant(uniqueness_key="kept"), grant(uniqueness_key="released")

    assert sdk.v1.credit_grants.void(id=kept).data.id == kept
    sdk.v1.credit_grants.void(id=released, release_uniqueness_key=True)

    assert list(sdk.v1.credit_grants.list(customer_ids=[customer])) == []
    with pytest.raises(ConflictError):
        grant(uniqueness_key="kept")
    grant(uniqueness_key="released")
    with pytest.raises(BadRequestError) as again:
        sdk.v1.credit_grants.void(id=kept)
    assert message(again) == "The credit grant is void"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"expires_at": day(1)}, "expires_at must be after its start"),
        ({"grant_amount": dollars(-1)}, "grant_amount.amount must not be negative"),
        ({"paid_amount": dollars(-1)}, "paid_amount.amount must not be negative"),
        (
            {"grant_amount": {"amount": 1, "credit_type_id": NOBODY}},
            "credit_type_id holds an unknown pricing unit",
        ),
        ({"product_ids": [NOBODY]}, "product_ids holds an unknown product"),
        ({"custom_fields": {"unknown": "x"}}, "Invalid custom field keys"),
        (
            {
                "rollover_settings": {
                    "expires_at": day(7),
                    "priority": 1,
                    "rollover_amount": {"type": "MAX_AMOUNT", "value": 1},
                }
            },
            "rollover_settings.expires_at must be after its start",
        ),
    ],
)
def test_a_grant_that_cannot_be_is_refused(sdk, customer, grant, given, words):
    with pytest.raises(BadRequestError) as refused:
        grant(**given)

    assert message(refused) == words
    assert list(sdk.v1.credit_grants.list(customer_ids=[customer])) == []


def test_a_grant_for_an_unknown_customer_is_not_found(sdk, customer):
    with pytest.raises(NotFoundError):
        sdk.v1.credit_grants.create(
            customer_id=NOBODY,
            name="x",
            priority=1,
            expires_at=day(7),
            grant_amount=dollars(1),
            paid_amount=dollars(1),
        )


def test_grants_are_filtered_by_time_and_currency_and_come_in_pages(sdk, customer, grant):
    points = sdk.v1.pricing_units.create(name="Points").data.id
    first = grant()
    second = grant(grant_amount={"amount": 5, "credit_type_id": points}, expires_at=day(9))

    def ids(**filters: Any) -> list[str]:
        return [row.id for row in sdk.v1.credit_grants.list(**filters)]

    assert ids(customer_ids=[customer]) == [first, second]
    assert ids(credit_type_ids=[points]) == [second]
    assert ids(customer_ids=[customer], not_expiring_before=day(8)) == [second]
    assert ids(customer_ids=[customer], effective_before=day(1)) == []
    page = sdk.v1.credit_grants.list(limit=1, customer_ids=[customer])
    assert [row.id for row in page.data] == [first]
    assert [row.id for row in page.get_next_page().data] == [second]
    with pytest.raises(BadRequestError) as refused:
        ids(credit_grant_ids=[first], customer_ids=[customer])
    assert message(refused) == "credit_grant_ids can't be combined with customer_ids or credit_type_ids"


def test_the_entries_of_a_currency_sum_to_its_balance(sdk, simulator, customer, grant):
    grant(expires_at=day(2))
    grant(effective_at=day(3), grant_amount=dollars(70.5))
    simulator.control("POST", "clock", {"at": "2030-04-01T00:00:00Z", "frozen": True})

    (row,) = sdk.v1.credit_grants.list_entries(customer_ids=[customer])

    (ledger,) = row.ledgers
    assert row.customer_id == customer
    assert ledger.credit_type.id == USD
    assert [(each.amount, each.running_balance, each.effective_at) for each in ledger.entries] == [
        (500, 500, day(1)),
        (-500, 0, day(2)),
        (70.5, 70.5, day(3)),
    ]
    assert (ledger.starting_balance.excluding_pending, ledger.ending_balance.excluding_pending) == (0, 70.5)
    (row,) = sdk.v1.credit_grants.list_entries(
        customer_ids=[customer], starting_on=day(2), ending_before=day(3), sort="desc"
    )
    (ledger,) = row.ledgers
    assert [each.amount for each in ledger.entries] == [-500]
    assert (ledger.starting_balance.excluding_pending, ledger.ending_balance.excluding_pending) == (500, 0)


def test_entries_that_cannot_be_listed_are_refused(sdk, customer):
    entries = sdk.v1.credit_grants.list_entries

    with pytest.raises(NotFoundError):
        entries(customer_ids=[NOBODY])
    with pytest.raises(BadRequestError) as future:
        entries(ending_before=day(12))
    with pytest.raises(BadRequestError) as sort:
        entries(sort="sideways")
    (row,) = entries(customer_ids=[customer])
    assert row.ledgers == []

    assert message(future) == "ending_before must not be in the future"
    assert message(sort) == "sort must be one of asc, desc"
