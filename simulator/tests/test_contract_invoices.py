"""The rates of a contract and the invoices that are made by hand for it, driven by the strict SDK."""

from __future__ import annotations

from typing import Any

import pytest
from metronome import BadRequestError, NotFoundError

from simulator.tests.contracting import APR, JAN, JUL, NEXT, NOBODY, create, read

FROM_JULY = {"frequency": "MONTHLY", "invoice_generation_starting_at": JUL}
FEB = "2026-02-01T00:00:00Z"
FAR = "2027-01-02T00:00:00Z"
USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


def test_the_rate_schedule_knows_list_rates_and_overrides(sdk, market):
    override = {"starting_at": APR, "product_id": market.calls, "multiplier": 0.5}
    contract_id = create(sdk, market, overrides=[override])
    ask = sdk.v1.contracts.retrieve_rate_schedule

    def asked(**more: Any) -> list[Any]:
        return ask(customer_id=market.customer, contract_id=contract_id, **more).data

    calls, places = asked()
    assert (calls.product_id, calls.list_rate.price, calls.override_rate.price) == (market.calls, 10, 5)
    assert (calls.rate_card_id, calls.product_name, calls.entitled) == (market.card, "Calls", True)
    assert (places.list_rate.price, places.override_rate, places.billing_frequency) == (500, None, "MONTHLY")
    assert asked(at=FEB)[0].override_rate is None
    assert [row.product_id for row in asked(selectors=[{"product_tags": ["api"]}])] == [market.calls]
    first = ask(customer_id=market.customer, contract_id=contract_id, limit=1)
    assert [row.product_id for row in first.data] == [market.calls]
    assert asked(limit=1, next_page=first.next_page) == [places]
    with pytest.raises(NotFoundError):
        ask(customer_id=market.customer, contract_id=NOBODY)


def test_a_rate_without_entitlement_is_not_in_the_schedule(sdk, market):
    override = {"starting_at": JAN, "product_id": market.calls, "entitled": False}
    contract_id = create(sdk, market, overrides=[override])

    rows = sdk.v1.contracts.retrieve_rate_schedule(customer_id=market.customer, contract_id=contract_id).data
    assert [row.product_id for row in rows] == [market.seats]


def historical(market: Any, contract_id: str, **more: Any) -> dict[str, Any]:
    line = {
        "product_id": market.calls,
        "inclusive_start_date": JAN,
        "exclusive_end_date": FEB,
        "subtotals_with_quantity": [
            {"inclusive_start_date": JAN, "exclusive_end_date": FEB, "quantity": 2.5},
            {"inclusive_start_date": JAN, "exclusive_end_date": FEB, "quantity": 4},
        ],
    }
    return {
        "customer_id": market.customer,
        "contract_id": contract_id,
        "credit_type_id": USD,
        "inclusive_start_date": JAN,
        "exclusive_end_date": FEB,
        "issue_date": FEB,
        "usage_line_items": [line],
        **more,
    }


def test_a_historical_invoice_is_priced_by_the_contract(sdk, simulator, market):
    contract_id = create(sdk, market, usage_statement_schedule=FROM_JULY)
    make = sdk.v1.contracts.create_historical_invoices

    (preview,) = make(invoices=[historical(market, contract_id)], preview=True).data
    assert (preview.total, preview.line_items[0].quantity, preview.line_items[0].unit_price) == (65, 6.5, 10)
    assert list(sdk.v1.customers.invoices.list(customer_id=market.customer)) == []
    (made,) = make(invoices=[historical(market, contract_id)], preview=False).data
    assert (made.status, made.total, f"{made.issued_at:%Y-%m-%d}") == ("FINALIZED", 65, "2026-02-01")
    assert [row.id for row in sdk.v1.customers.invoices.list(customer_id=market.customer)] == [made.id]
    assert simulator.ledger()[-1]["action"] == "create_historical"


def test_a_historical_invoice_keeps_to_its_quantities(sdk, simulator, market):
    own, invoices = {"customer_id": market.customer}, sdk.v1.customers.invoices
    contract_id = create(sdk, market, usage_statement_schedule=FROM_JULY)
    given = historical(market, contract_id)
    given["usage_line_items"][0]["subtotals_with_quantity"] = [
        {"inclusive_start_date": JAN, "exclusive_end_date": "2026-01-02T00:00:00Z", "quantity": 4},
        {
            "inclusive_start_date": "2026-01-31T12:00:00Z",
            "exclusive_end_date": "2026-01-31T12:00:00.5Z",
            "quantity": 2.5,
        },
    ]
    (made,) = sdk.v1.contracts.create_historical_invoices(invoices=[given], preview=False).data
    made = invoices.retrieve(invoice_id=made.id, **own).data

    days = list(invoices.list_breakdowns(starting_on=JAN, ending_before=FEB, **own))
    sdk.v1.invoices.void(id=made.id)
    again = sdk.v1.invoices.regenerate(id=made.id).data.id
    regenerated = invoices.retrieve(invoice_id=again, **own).data
    same_days = list(invoices.list_breakdowns(starting_on=JAN, ending_before=FEB, status="FINALIZED", **own))

    assert [day.total for day in days] == [40, *[0] * 29, 25]
    assert [day.line_items[0].quantity for day in same_days] == [4, *[0] * 29, 2.5]
    assert (regenerated.line_items, regenerated.total) == (made.line_items, 65)
    simulator.control("POST", "clock", {"at": "2026-07-02T00:00:00Z", "frozen": True})
    (draft,) = invoices.list(status="DRAFT", **own)
    assert (f"{draft.start_timestamp:%m-%d}", len(list(invoices.list(**own)))) == ("07-01", 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"contract_id": NOBODY},
        {"credit_type_id": NOBODY},
        {"exclusive_end_date": JAN},
        {"exclusive_end_date": NEXT},
        {"inclusive_start_date": "2025-12-01T00:00:00Z"},
        {"custom_fields": {"unknown": "x"}},
    ],
)
def test_a_historical_invoice_that_can_not_be_is_refused(sdk, simulator, market, wrong):
    contract_id = create(sdk, market)
    effects = len(simulator.ledger())

    good, bad = historical(market, contract_id), historical(market, contract_id) | wrong
    with pytest.raises(BadRequestError):
        sdk.v1.contracts.create_historical_invoices(invoices=[good, bad], preview=False)
    assert len(simulator.ledger()) == effects


def test_subtotals_lie_within_their_line(sdk, market):
    contract_id = create(sdk, market)
    given, make = historical(market, contract_id), sdk.v1.contracts.create_historical_invoices
    given["usage_line_items"][0]["subtotals_with_quantity"] = []
    (empty,) = make(invoices=[given], preview=False).data
    outside = {"inclusive_start_date": JAN, "exclusive_end_date": JUL, "quantity": 1}
    given["usage_line_items"][0]["subtotals_with_quantity"] = [outside]

    with pytest.raises(BadRequestError) as refused:
        make(invoices=[given], preview=False)

    assert refused.value.body["message"] == "A subtotal must lie within its usage line item"
    days = list(
        sdk.v1.customers.invoices.list_breakdowns(
            customer_id=market.customer, starting_on=JAN, ending_before=FEB
        )
    )
    assert (empty.total, {day.total for day in days}) == (0, {0})


@pytest.mark.parametrize("given", ["usage", "by hand"])
def test_a_draft_is_issued_on_another_date(sdk, simulator, market, given):
    own, invoices = {"customer_id": market.customer}, sdk.v1.customers.invoices
    contract_id = create(sdk, market, usage_statement_schedule=FROM_JULY, ending_before=NEXT)
    if given == "usage":
        simulator.control("POST", "clock", {"at": "2026-07-02T00:00:00Z", "frozen": True})
        (draft,) = invoices.list(**own)
    else:
        row = historical(market, contract_id, issue_date="2026-08-01T00:00:00Z")
        (draft,) = sdk.v1.contracts.create_historical_invoices(invoices=[row], preview=False).data

    answer = issue(sdk, draft.id, "2026-08-20T00:00:00Z")

    assert answer == {"data": {"id": draft.id}}
    assert simulator.ledger()[-1]["action"] == "update_issue_date"
    simulator.control("POST", "clock", {"at": "2026-08-19T23:00:00Z", "frozen": True})
    assert invoices.retrieve(invoice_id=draft.id, **own).data.status == "DRAFT"
    simulator.control("POST", "clock", {"at": "2026-08-20T00:00:00Z", "frozen": True})
    final = invoices.retrieve(invoice_id=draft.id, **own).data
    assert (final.status, f"{final.issued_at:%m-%d}") == ("FINALIZED", "08-20")


def test_an_issue_date_can_be_brought_forward(sdk, simulator, market):
    own, invoices = {"customer_id": market.customer}, sdk.v1.customers.invoices
    contract_id = create(sdk, market, usage_statement_schedule=FROM_JULY)
    row = historical(market, contract_id, issue_date="2026-08-01T00:00:00Z")
    (draft,) = sdk.v1.contracts.create_historical_invoices(invoices=[row], preview=False).data

    issue(sdk, draft.id, "2026-06-20T00:00:00Z")

    simulator.control("POST", "clock", {"at": "2026-08-02T00:00:00Z", "frozen": True})
    final = invoices.retrieve(invoice_id=draft.id, **own).data
    assert (final.status, f"{final.issued_at:%m-%d}") == ("FINALIZED", "06-20")


def issue(sdk: Any, invoice_id: str, at: str) -> Any:
    body = {"invoice_id": invoice_id, "issue_date": at}
    return sdk.post("/v1/contracts/updateInvoiceIssueDate", cast_to=object, body=body)


def test_an_issue_date_that_can_not_be_is_refused(sdk, simulator, market):
    create(sdk, market, ending_before=NEXT)
    rows = list(sdk.v1.customers.invoices.list(customer_id=market.customer))
    draft, final = rows[-1].id, rows[0].id
    known = simulator.ledger()

    refused = {}
    for invoice_id, at in [(draft, JAN), (draft, "2026-06-30T23:00:00Z"), (draft, FAR), (final, JUL)]:
        with pytest.raises(BadRequestError) as caught:
            issue(sdk, invoice_id, at)
        refused[at] = caught.value.body["message"]
    with pytest.raises(NotFoundError):
        issue(sdk, NOBODY, JUL)

    early = "issue_date must not be in the past or before the end of the invoice's period"
    assert list(refused.values()) == [
        early,
        early,
        "issue_date must not be after the end of the contract",
        "An invoice that is FINALIZED keeps its issue date",
    ]
    assert simulator.ledger() == known


def test_services_are_invoiced_up_to_their_maximum(sdk, simulator, market):
    service = {"product_id": market.advice, "max_amount": 900, "quantity": 3, "unit_price": 300}
    contract_id = create(sdk, market, professional_services=[service])
    own = read(sdk, market, contract_id).professional_services[0].id

    def bill(**line: Any) -> Any:
        return sdk.v1.contracts.schedule_pro_services_invoice(
            customer_id=market.customer,
            contract_id=contract_id,
            issued_at=APR,
            line_items=[{"professional_service_id": own, **line}],
        ).data

    (invoice,) = bill(quantity=2)
    assert (invoice.status, invoice.total, f"{invoice.issued_at:%m}") == ("FINALIZED", 600, "04")
    assert invoice.line_items[0].professional_service_id == own
    for wrong in ({"amount": 301}, {}, {"amount": 1, "quantity": 1}, {"unit_price": 1}, {"amount": -1}):
        with pytest.raises(BadRequestError):
            bill(**wrong)
    with pytest.raises(NotFoundError):
        bill(amount=1, professional_service_id=NOBODY)
    assert bill(amount=300, metadata="last")[0].line_items[0].metadata == "last"
    assert simulator.ledger()[-1]["action"] == "schedule_professional_services"
