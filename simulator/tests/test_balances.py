"""Balances of customers and of single seats, manual entries, and what invoices draw."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError

from simulator.running import RunningSimulator
from simulator.tests.saying import day, message

NOBODY = "00000000-0000-4000-8000-000000000000"
USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


def access(amount: float, start: datetime, end: datetime, **more: Any) -> dict[str, Any]:
    """An access schedule of one segment."""
    return {"schedule_items": [{"amount": amount, "starting_at": start, "ending_before": end}], **more}


@pytest.fixture
def customer(sdk: Metronome, simulator: RunningSimulator) -> str:
    """A customer of an account whose clock stands still in January 2030."""
    simulator.control("POST", "clock", {"at": "2030-01-15T00:00:00Z", "frozen": True})
    return sdk.v1.customers.create(name="Balanced", ingest_aliases=["balanced"]).data.id


Create = Callable[..., str]


@pytest.fixture
def create(sdk: Metronome, customer: str) -> Create:
    """Create a commit ("PREPAID") or credit ("CREDIT") for the first half of the year; its id."""
    product = sdk.v1.contracts.products.create(name="Balance", type="FIXED").data.id

    def make(kind: str, amount: float, start: datetime | None = None, **given: Any) -> str:
        schedule = access(amount, start or day(1), day(7), **given.pop("access", {}))
        terms = {"customer_id": customer, "product_id": product, "access_schedule": schedule}
        terms["priority"] = given.pop("priority", 1)
        if kind == "CREDIT":
            return sdk.v1.customers.credits.create(**terms, **given).data.id
        return sdk.v1.customers.commits.create(**terms, type=kind, **given).data.id

    return make


@pytest.fixture
def balances(sdk: Metronome, customer: str) -> Callable[..., list[Any]]:
    """Every balance of the customer, with amounts and ledgers."""

    def read(**filters: Any) -> list[Any]:
        options = {"include_balance": True, "include_ledgers": True, **filters}
        return list(sdk.v1.contracts.list_balances(customer_id=customer, **options))

    return read


def test_commits_and_credits_are_listed_together(create, balances):
    commit, credit = create("PREPAID", 100), create("CREDIT", 20)
    empty = create("CREDIT", 0)

    assert [(row.id, row.type, row.balance) for row in balances()] == [
        (commit, "PREPAID", 100),
        (credit, "CREDIT", 20),
        (empty, "CREDIT", 0),
    ]
    assert [row.id for row in balances(exclude_zero_balances=True)] == [commit, credit]
    assert [row.id for row in balances(id=credit)] == [credit]


def test_balances_and_ledgers_come_only_where_asked_for(sdk, customer, create):
    create("PREPAID", 100)

    (row,) = sdk.v1.contracts.list_balances(customer_id=customer)

    assert (row.balance, row.ledger) == (None, None)


def test_a_balance_of_a_contract_is_listed_where_asked_for(sdk, customer, create, balances):
    product = sdk.v1.contracts.products.create(name="Own", type="FIXED").data.id
    credit = {"product_id": product, "access_schedule": access(7, day(1), day(7))}
    made = sdk.v1.contracts.create(customer_id=customer, starting_at=day(1), credits=[credit]).data.id
    create("CREDIT", 1)

    (own,) = [row for row in balances(include_contract_balances=True) if row.contract]

    assert (own.contract.id, own.balance) == (made, 7)
    assert [row.balance for row in balances()] == [1]


def test_an_archived_contract_takes_its_balances_along(sdk, customer, balances):
    product = sdk.v1.contracts.products.create(name="Own", type="FIXED").data.id
    credit = {"product_id": product, "access_schedule": access(7, day(1), day(7))}
    made = sdk.v1.contracts.create(customer_id=customer, starting_at=day(1), credits=[credit]).data.id
    sdk.v1.contracts.archive(customer_id=customer, contract_id=made, void_invoices=True)

    assert balances(include_contract_balances=True) == []
    (row,) = balances(include_contract_balances=True, include_archived=True)
    assert row.balance == 0
    assert [(each.type, each.amount) for each in row.ledger] == [
        ("CREDIT_SEGMENT_START", 7),
        ("CREDIT_EXPIRATION", -7),
    ]


def test_the_net_balance_sums_what_the_filters_let_through(sdk, customer, create):
    commit = create("PREPAID", 100.25)
    create("CREDIT", 20)
    create("CREDIT", 1_000, start=day(2))
    create("CREDIT", 3, access={"access_type": "QUANTITY"})

    def net(**given: Any) -> float:
        return sdk.v1.contracts.get_net_balance(customer_id=customer, **given).data.balance

    assert net() == 120.25
    assert net(invoice_inclusion_mode="FINALIZED") == 120.25
    assert net(filters=[{"balance_types": ["CREDIT"]}]) == 20
    assert net(filters=[{"balance_types": ["CREDIT"]}, {"ids": [commit]}]) == 120.25
    assert net(filters=[{"balance_types": ["CREDIT"], "ids": [commit]}]) == 0
    assert net(filters=[{"custom_fields": {"no": "such"}}]) == 0
    assert net(access_type="QUANTITY") == 3


def test_the_net_balance_is_in_one_currency(sdk, customer, create):
    points = sdk.v1.pricing_units.create(name="Points").data.id
    create("CREDIT", 5, access={"credit_type_id": points})

    answer = sdk.v1.contracts.get_net_balance(customer_id=customer, credit_type_id=points).data

    assert (answer.balance, answer.credit_type_id) == (5, points)
    assert sdk.v1.contracts.get_net_balance(customer_id=customer).data.balance == 0


def test_a_net_balance_that_cannot_be_asked_for_is_refused(sdk, customer):
    net = sdk.v1.contracts.get_net_balance

    with pytest.raises(NotFoundError):
        net(customer_id=NOBODY)
    with pytest.raises(BadRequestError) as unknown:
        net(customer_id=customer, credit_type_id=NOBODY)
    with pytest.raises(BadRequestError) as mixed:
        net(customer_id=customer, credit_type_id=USD, access_type="QUANTITY")

    assert message(unknown) == "credit_type_id holds an unknown pricing unit"
    assert message(mixed) == "credit_type_id can't be combined with access_type QUANTITY"


def test_manual_entries_move_a_balance_and_below_zero_it_is_zero(sdk, simulator, customer, create, balances):
    commit = create("PREPAID", 100)
    segment = balances()[0].access_schedule.schedule_items[0].id
    about = {"customer_id": customer, "id": commit, "segment_id": segment}

    sdk.v1.contracts.add_manual_balance_entry(**about, amount=10.5, reason="more")
    sdk.v1.contracts.add_manual_balance_entry(**about, amount=-30, reason="less", timestamp=day(3))

    (row,) = balances()
    assert row.balance == 80.5
    assert [
        (each.type, each.amount, each.timestamp, getattr(each, "reason", None)) for each in row.ledger
    ] == [
        ("PREPAID_COMMIT_SEGMENT_START", 100, day(1), None),
        ("PREPAID_COMMIT_MANUAL", 10.5, day(1), "more"),
        ("PREPAID_COMMIT_MANUAL", -30, day(3), "less"),
    ]
    assert simulator.ledger()[-1]["action"] == "add_manual_balance_entry"
    assert (simulator.ledger()[-1]["before"], simulator.ledger()[-1]["after"]["balance"]) == (
        {"balance": 110.5},
        80.5,
    )
    sdk.v1.contracts.add_manual_balance_entry(**about, amount=-200, reason="too much")
    assert balances()[0].balance == 0
    assert sdk.v1.contracts.get_net_balance(customer_id=customer).data.balance == 0


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"id": NOBODY}, NotFoundError, "The specified commit or credit was not found"),
        ({"segment_id": NOBODY}, NotFoundError, "The specified segment was not found"),
        (
            {"contract_id": NOBODY},
            NotFoundError,
            "The specified balance was not found on this contract",
        ),
        ({"timestamp": day(8)}, BadRequestError, "timestamp must lie within the segment"),
        (
            {"per_group_amounts": {"a": 1}},
            BadRequestError,
            "per_group_amounts requires a balance that is allocated to single seats",
        ),
    ],
)
def test_a_manual_entry_that_cannot_be_is_refused(sdk, customer, create, balances, changed, error, words):
    commit = create("PREPAID", 100)
    segment = balances()[0].access_schedule.schedule_items[0].id
    given = {"customer_id": customer, "id": commit, "segment_id": segment, "amount": 1, "reason": "x"}

    with pytest.raises(error) as refused:
        sdk.v1.contracts.add_manual_balance_entry(**given | changed)

    assert message(refused) == words
    assert balances()[0].balance == 100


def test_a_manual_entry_is_made_once_for_its_uniqueness_key(sdk, customer, create, balances):
    commit = create("PREPAID", 100)
    segment = balances()[0].access_schedule.schedule_items[0].id
    given = {"customer_id": customer, "id": commit, "segment_id": segment, "amount": 1, "reason": "x"}
    sdk.v1.contracts.add_manual_balance_entry(**given, uniqueness_key="once")

    with pytest.raises(ConflictError):
        sdk.v1.contracts.add_manual_balance_entry(**given, uniqueness_key="once")

    assert balances()[0].balance == 101


def test_what_is_archived_holds_nothing_and_shows_no_ledger(sdk, customer, create, balances):
    commit = create("PREPAID", 100)
    sdk.post(
        "/v2/contracts/commits/archive",
        cast_to=object,
        body={"customer_id": customer, "commit_id": commit},
    )

    assert balances() == []
    (row,) = balances(include_archived=True)
    assert (row.balance, row.ledger) == (0, None)
    assert row.archived_at == day(1, 15)


def test_an_unknown_balance_cannot_be_archived(sdk, customer, create):
    credit = create("CREDIT", 1)
    path = "/v2/contracts/credits/archive"

    with pytest.raises(BadRequestError) as nobody:
        sdk.post(path, cast_to=object, body={"customer_id": NOBODY, "credit_id": credit})
    with pytest.raises(BadRequestError) as nothing:
        sdk.post(path, cast_to=object, body={"customer_id": customer, "credit_id": NOBODY})
    sdk.post(path, cast_to=object, body={"customer_id": customer, "credit_id": credit})
    with pytest.raises(BadRequestError) as again:
        sdk.post(path, cast_to=object, body={"customer_id": customer, "credit_id": credit})

    assert nobody.value.body["code"] == "CustomerNotFound"
    assert nothing.value.body["code"] == "CreditNotFound"
    assert message(again) == "The credit is already archived"


def test_a_postpaid_commit_of_a_contract_loses_its_true_up(sdk, customer, create):
    product = sdk.v1.contracts.products.create(name="Own", type="FIXED").data.id
    commit = {
        "product_id": product,
        "type": "POSTPAID",
        "access_schedule": access(500, day(1), day(7)),
        "invoice_schedule": {"schedule_items": [{"timestamp": day(7), "amount": 500}]},
    }
    contract = sdk.v1.contracts.create(customer_id=customer, starting_at=day(1), commits=[commit]).data.id
    (row,) = sdk.v1.customers.commits.list(customer_id=customer, include_contract_commits=True)
    about = {"customer_id": customer, "contract_id": contract}

    sdk.post("/v1/contracts/commits/disableTrueup", cast_to=object, body={**about, "commit_id": row.id})

    (row,) = sdk.v1.customers.commits.list(customer_id=customer, include_contract_commits=True)
    assert row.invoice_schedule.do_not_invoice is True
    with pytest.raises(NotFoundError):
        sdk.post(
            "/v1/contracts/commits/disableTrueup",
            cast_to=object,
            body={**about, "commit_id": create("PREPAID", 5)},
        )


@pytest.fixture
def used(sdk: Metronome, customer: str) -> str:
    """A contract under which the customer has used 300 cents' worth in January; its id."""
    metric = sdk.v1.billable_metrics.create(
        name="Calls", aggregation_type="COUNT", event_type_filter={"in_values": ["call"]}
    ).data.id
    usage = sdk.v1.contracts.products.create(name="Calls", type="USAGE", billable_metric_id=metric).data.id
    card = sdk.v1.contracts.rate_cards.create(name="Calls").data.id
    sdk.v1.contracts.rate_cards.rates.add(
        rate_card_id=card, product_id=usage, entitled=True, rate_type="FLAT", price=100, starting_at=day(1)
    )
    made = sdk.v1.contracts.create(customer_id=customer, starting_at=day(1), rate_card_id=card).data.id
    sdk.v1.usage.ingest(
        usage=[
            {
                "transaction_id": f"t-{number}",
                "customer_id": "balanced",
                "event_type": "call",
                "timestamp": "2030-01-10T00:00:00Z",
            }
            for number in range(3)
        ]
    )
    return made


def test_a_draft_counts_in_the_net_balance_and_its_invoice_draws_when_it_is_final(
    sdk, simulator, customer, used, create, balances
):
    credit = create("CREDIT", 250)
    create("CREDIT", 1_000, priority=2)

    def net(mode: str) -> float:
        return sdk.v1.contracts.get_net_balance(
            customer_id=customer, invoice_inclusion_mode=mode
        ).data.balance

    assert (net("FINALIZED"), net("FINALIZED_AND_DRAFT")) == (1_250, 950)
    simulator.control("POST", "clock", {"at": "2030-02-03T00:00:00Z", "frozen": True})
    (invoice,) = sdk.v1.customers.invoices.list(customer_id=customer, status="FINALIZED")
    first, second = balances()
    assert (net("FINALIZED"), net("FINALIZED_AND_DRAFT")) == (950, 950)
    assert (invoice.subtotal, invoice.total) == (300, 0)
    assert (first.id, first.balance, second.balance) == (credit, 0, 950)
    assert [(each.type, each.amount, each.timestamp) for each in first.ledger] == [
        ("CREDIT_SEGMENT_START", 250, day(1)),
        ("CREDIT_AUTOMATED_INVOICE_DEDUCTION", -250, day(2)),
    ]
    assert (first.ledger[1].invoice_id, first.ledger[1].contract_id) == (invoice.id, used)


def test_a_credit_is_archived_only_after_its_invoice_is_void(
    sdk, simulator, customer, used, create, balances
):
    credit = create("CREDIT", 250)
    simulator.control("POST", "clock", {"at": "2030-02-03T00:00:00Z", "frozen": True})
    (invoice,) = sdk.v1.customers.invoices.list(customer_id=customer, status="FINALIZED")
    body = {"customer_id": customer, "credit_id": credit}

    with pytest.raises(BadRequestError) as refused:
        sdk.post("/v2/contracts/credits/archive", cast_to=object, body=body)
    sdk.v1.invoices.void(id=invoice.id)

    assert message(refused) == "The credit can't be archived before its finalized invoices are voided"
    (row,) = balances()
    assert (row.balance, row.ledger[-1].type, row.ledger[-1].amount) == (250, "CREDIT_CANCELED", 250)
    sdk.post("/v2/contracts/credits/archive", cast_to=object, body=body)
    assert balances() == []
