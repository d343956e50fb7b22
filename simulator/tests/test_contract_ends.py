"""Contracts that end: at a date, by an archive, by their customer’s archive."""

from __future__ import annotations

import pytest
from metronome import BadRequestError, NotFoundError

from simulator.tests.contracting import APR, JAN, JUL, JUN, NEXT, NOBODY, create, day, read, seats, told


def test_an_earlier_end_cuts_the_terms_off_and_none_makes_it_open(sdk, simulator, market):
    charge = {"schedule_items": [{"timestamp": APR, "amount": 1}, {"timestamp": JUL, "amount": 2}]}
    contract_id = create(
        sdk,
        market,
        ending_before=NEXT,
        overrides=[
            {"starting_at": JAN, "ending_before": NEXT, "multiplier": 1},
            {"starting_at": JUL, "multiplier": 1},
        ],
        scheduled_charges=[{"product_id": market.fee, "schedule": charge}],
        subscriptions=[seats(market)],
    )
    end = sdk.v1.contracts.update_end_date

    assert end(customer_id=market.customer, contract_id=contract_id, ending_before=JUN).data.id == contract_id
    shown = read(sdk, market, contract_id)
    assert day(shown.ending_before) == "2026-06-01"
    assert [day(each.ending_before) for each in shown.overrides] == ["2026-06-01"]
    assert [item.amount for item in shown.scheduled_charges[0].schedule.schedule_items] == [1]
    assert day(shown.subscriptions[0].ending_before) == "2026-06-01"
    end(customer_id=market.customer, contract_id=contract_id)
    assert read(sdk, market, contract_id).ending_before is None
    history = sdk.v2.contracts.get_edit_history(customer_id=market.customer, contract_id=contract_id).data
    assert [day(each.update_contract_end_date) for each in history] == ["2026-06-01", None]
    assert told(simulator)[1:] == [("contract", "update_end_date")] * 2


def test_an_end_before_a_finalized_invoice_may_be_forbidden(sdk, simulator, market):
    contract_id = create(sdk, market)
    end = {"customer_id": market.customer, "contract_id": contract_id, "ending_before": APR}

    with pytest.raises(BadRequestError):
        sdk.v1.contracts.update_end_date(**end, allow_ending_before_finalized_invoice=False)
    with pytest.raises(BadRequestError):
        sdk.v1.contracts.update_end_date(**end | {"ending_before": JAN})
    with pytest.raises(NotFoundError):
        sdk.v1.contracts.update_end_date(**end | {"contract_id": NOBODY})
    assert told(simulator) == [("contract", "create")]
    sdk.v1.contracts.update_end_date(**end)
    assert day(read(sdk, market, contract_id).ending_before) == "2026-04-01"


def test_archiving_voids_drafts_and_commits_and_is_final(sdk, simulator, market):
    access = {"schedule_items": [{"amount": 100, "starting_at": JAN, "ending_before": NEXT}]}
    commit = {"product_id": market.fee, "type": "PREPAID", "access_schedule": access}
    contract_id = create(sdk, market, commits=[commit])
    own = {"customer_id": market.customer, "contract_id": contract_id}

    assert sdk.v1.contracts.archive(**own, void_invoices=False).data.id == contract_id
    assert sdk.v2.contracts.list(customer_id=market.customer).data == []
    (shown,) = sdk.v2.contracts.list(
        customer_id=market.customer, include_archived=True, include_ledgers=True
    ).data
    assert shown.archived_at is not None
    assert shown.commits[0].archived_at is not None
    assert [entry.amount for entry in shown.commits[0].ledger] == [100, -100]
    statuses = {row.status for row in sdk.v1.customers.invoices.list(customer_id=market.customer)}
    assert statuses == {"FINALIZED", "VOID"}
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.contracts.archive(**own, void_invoices=True)
    assert refused.value.body["message"] == "Contract is already archived"
    with pytest.raises(BadRequestError):
        sdk.v1.contracts.update_end_date(**own, ending_before=NEXT)
    assert told(simulator) == [("contract", "create"), ("contract", "archive")]


def test_archiving_can_void_finalized_invoices_and_be_repeated_by_a_switch(sdk, simulator, market):
    contract_id = create(sdk, market)
    own = {"customer_id": market.customer, "contract_id": contract_id, "void_invoices": True}
    simulator.control("POST", "switches", {"second_archive": "allow"})

    sdk.v1.contracts.archive(**own)
    assert {row.status for row in sdk.v1.customers.invoices.list(customer_id=market.customer)} == {"VOID"}
    assert sdk.v1.contracts.archive(**own).data.id == contract_id
    assert told(simulator) == [("contract", "create"), ("contract", "archive")]


def test_the_archive_of_a_customer_takes_its_contracts_commits_and_invoices_along(sdk, simulator, market):
    access = {"schedule_items": [{"amount": 100, "starting_at": JAN, "ending_before": NEXT}]}
    contract_id = create(
        sdk, market, commits=[{"product_id": market.fee, "type": "PREPAID", "access_schedule": access}]
    )
    sdk.v1.customers.archive(id=market.customer)

    shown = read(sdk, market, contract_id)
    assert shown.archived_at is not None
    assert [row.archived_at for row in shown.commits] == [shown.archived_at]
    assert {row.status for row in sdk.v1.customers.invoices.list(customer_id=market.customer)} == {"VOID"}
    with pytest.raises(BadRequestError) as refused:
        create(sdk, market)
    assert refused.value.body["message"] == "Customer is archived"
    assert told(simulator) == [("contract", "create")]
