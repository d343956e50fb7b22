"""Edits of contracts, commits and credits, and their history, driven by the strict SDK."""

from __future__ import annotations

from typing import Any

import pytest
from metronome import BadRequestError, ConflictError

from simulator.tests.contracting import (
    APR,
    JAN,
    JUL,
    JUN,
    NEXT,
    NOBODY,
    create,
    day,
    edit,
    read,
    seats,
    told,
)
from simulator.tests.editing import ACCESS, charge, history, threshold


def test_an_edit_adds_terms_of_every_kind_and_tells_of_them(sdk, simulator, market):
    contract_id = create(sdk, market, ending_before=NEXT)
    made = edit(
        sdk,
        market,
        contract_id,
        uniqueness_key="first-edit",
        add_overrides=[{"starting_at": APR, "product_id": market.calls, "multiplier": 0.5}],
        add_scheduled_charges=[charge(market, (JUL, 5))],
        add_discounts=[charge(market, (JUL, 1))],
        add_subscriptions=[seats(market, starting_at=APR, temporary_id="seats")],
        add_commits=[{"product_id": market.fee, "type": "PREPAID", "access_schedule": ACCESS}],
        add_credits=[{"product_id": market.fee, "access_schedule": ACCESS}],
        add_recurring_credits=[
            {
                "product_id": market.fee,
                "access_amount": {"unit_price": 2},
                "commit_duration": {"value": 1},
                "priority": 1,
                "starting_at": JUN,
                "subscription_config": {
                    "subscription_id": "seats",
                    "apply_seat_increase_config": {"is_prorated": False},
                },
            }
        ],
        add_recurring_commits=[
            {
                "product_id": market.fee,
                "access_amount": {"unit_price": 7, "quantity": 2},
                "commit_duration": {"value": 2},
                "priority": 1,
                "starting_at": JUN,
                "recurrence_frequency": "ANNUAL",
                "proration": "NONE",
            }
        ],
        add_professional_services=[
            {"product_id": market.advice, "max_amount": 9, "quantity": 1, "unit_price": 9}
        ],
        add_reseller_royalties=[{"reseller_type": "GCP", "fraction": 0.2, "netsuite_reseller_id": "8"}],
        add_spend_threshold_configuration=threshold(market),
        add_prepaid_balance_threshold_configuration=threshold(market, recharge_to_amount=1500),
    )

    shown = read(sdk, market, contract_id)
    assert [row.id for row in made.add_overrides] == [row.id for row in shown.overrides]
    assert made.add_scheduled_charges[0].schedule == shown.scheduled_charges[0].schedule
    assert made.add_discounts == shown.discounts
    assert made.add_subscriptions[0].id == shown.subscriptions[0].id
    assert made.add_commits[0].id in [row.id for row in shown.commits]
    assert made.add_credits[0].id in [row.id for row in shown.credits]
    assert made.add_recurring_credits[0].id == shown.recurring_credits[0].id
    by_seats = [row for row in shown.credits if row.recurring_credit_id == shown.recurring_credits[0].id]
    assert [row.access_schedule.schedule_items[0].amount for row in by_seats] == [20]
    assert shown.recurring_credits[0].subscription_config.subscription_id == shown.subscriptions[0].id
    yearly = [row for row in shown.commits if row.recurring_commit_id]
    assert [day(row.access_schedule.schedule_items[0].ending_before) for row in yearly] == ["2028-06-01"]
    assert made.add_pro_services == shown.professional_services
    assert made.add_spend_threshold_configuration == shown.spend_threshold_configuration
    assert shown.prepaid_balance_threshold_configuration.recharge_to_amount == 1500
    assert history(sdk, market, contract_id)[0].to_dict() == made.to_dict()
    first = sdk.v1.contracts.retrieve(customer_id=market.customer, contract_id=contract_id).data.initial
    assert (first.commits, first.credits, first.overrides) == ([], [], [])
    assert told(simulator) == [("contract", "create"), ("contract", "edit")]


def test_answers_to_writes_hold_nothing_beyond_the_sdks_types(sdk, market):
    given: dict[str, Any] = {"discounts": [charge(market, (JUL, 1))]}
    given["credits"] = [{"product_id": market.fee, "access_schedule": ACCESS}]
    given |= {"customer_id": market.customer, "rate_card_id": market.card, "starting_at": JAN}

    answer = sdk.v1.contracts.create(**given).data
    told = edit(sdk, market, answer.id, add_scheduled_charges=[charge(market, (JUL, 5))])
    read_again = read(sdk, market, answer.id)

    extras = [answer.contract, told.add_scheduled_charges[0], read_again, *read_again.credits]
    assert [each.model_extra for each in extras] == [{}] * 4
    assert (len(read_again.discounts), len(answer.contract.credits)) == (1, 1)


def test_an_edit_changes_the_contract_itself(sdk, market):
    contract_id = create(sdk, market, name="Old", net_payment_terms_days=10)
    made = edit(
        sdk,
        market,
        contract_id,
        update_contract_name="New",
        update_net_payment_terms_days=45,
        update_contract_end_date=NEXT,
    )

    shown = read(sdk, market, contract_id)
    assert (shown.name, shown.net_payment_terms_days, day(shown.ending_before)) == ("New", 45, "2027-01-01")
    assert (made.update_contract_name, day(made.update_contract_end_date)) == ("New", "2027-01-01")
    edit(sdk, market, contract_id, update_contract_name=None, update_contract_end_date=None)
    shown = read(sdk, market, contract_id)
    assert (shown.name, shown.ending_before) == (None, None)


def test_an_edit_removes_updates_and_archives(sdk, market):
    contract_id = create(
        sdk,
        market,
        overrides=[{"starting_at": JAN, "multiplier": 2}, {"starting_at": JAN, "multiplier": 3}],
        scheduled_charges=[charge(market, (JUL, 5), (NEXT, 6)), charge(market, (JUL, 7))],
        commits=[{"product_id": market.fee, "type": "PREPAID", "access_schedule": ACCESS}],
        credits=[{"product_id": market.fee, "access_schedule": ACCESS}],
    )
    before = read(sdk, market, contract_id)
    kept, gone = before.scheduled_charges
    items = kept.schedule.schedule_items
    segment = before.commits[0].access_schedule.schedule_items[0].id

    made = edit(
        sdk,
        market,
        contract_id,
        remove_overrides=[{"id": before.overrides[0].id}],
        archive_scheduled_charges=[{"id": gone.id}],
        update_scheduled_charges=[
            {
                "scheduled_charge_id": kept.id,
                "invoice_schedule": {
                    "update_schedule_items": [{"id": items[0].id, "amount": 50}],
                    "remove_schedule_items": [{"id": items[1].id}],
                    "add_schedule_items": [{"timestamp": NEXT, "unit_price": 4, "quantity": 2}],
                },
            }
        ],
        update_commits=[
            {
                "commit_id": before.commits[0].id,
                "name": "Bigger",
                "access_schedule": {"update_schedule_items": [{"id": segment, "amount": 300}]},
            }
        ],
        archive_credits=[{"id": before.credits[0].id}],
    )

    after = read(sdk, market, contract_id, include_balance=True)
    assert [row.multiplier for row in after.overrides] == [3]
    assert [item.amount for item in after.scheduled_charges[0].schedule.schedule_items] == [50, 8]
    assert [row.archived_at is None for row in after.scheduled_charges] == [True, False]
    assert [(row.name, row.balance) for row in after.commits] == [("Bigger", 300)]
    assert after.credits == []
    assert made.update_commits[0].id == before.commits[0].id
    assert made.remove_overrides[0].id == before.overrides[0].id
    assert made.update_scheduled_charges[0].id == kept.id


def test_an_edit_is_all_or_nothing(sdk, simulator, market):
    commit = {"product_id": market.fee, "type": "PREPAID", "access_schedule": ACCESS}
    contract_id = create(sdk, market, commits=[commit], name="Kept")
    before = read(sdk, market, contract_id, include_balance=True)
    known = before.commits[0].id

    for wrong in (
        {"remove_overrides": [{"id": NOBODY}]},
        {"archive_scheduled_charges": [{"id": NOBODY}]},
        {"archive_spend_trackers": ["unknown"]},
        {"archive_credits": [{"id": known}]},
        {"archive_commits": [{"id": known}]},
        {"update_credits": [{"credit_id": NOBODY, "name": "x"}]},
        {"update_subscriptions": [{"subscription_id": NOBODY, "name": "x"}]},
        {"update_recurring_commits": [{"recurring_commit_id": NOBODY}]},
        {"update_spend_threshold_configuration": {"is_enabled": False}},
        {"add_overrides": [{"starting_at": JAN}]},
        {"add_credits": [{"product_id": market.calls, "access_schedule": ACCESS}]},
        {"add_subscriptions": [seats(market, initial_quantity=-1)]},
        {"add_scheduled_charges": [charge(market, ("2025-01-01T00:00:00Z", 1))]},
        {"update_contract_end_date": JAN},
        {"update_net_payment_terms_days": -1},
        {
            "add_revenue_system_configuration_update": {
                "revenue_system_configuration": {"provider": "netsuite"},
                "schedule": {"effective_at": "START_OF_NEXT_PERIOD"},
            }
        },
    ):
        with pytest.raises(BadRequestError):
            edit(
                sdk,
                market,
                contract_id,
                uniqueness_key="never-used",
                update_contract_name="Changed",
                update_commits=[{"commit_id": known, "name": "Changed"}],
                add_credits=[{"product_id": market.fee, "access_schedule": ACCESS}],
                **{name: value for name, value in wrong.items() if name != "add_credits"},
            ) if "add_credits" not in wrong else edit(
                sdk, market, contract_id, update_contract_name="Changed", **wrong
            )

    assert read(sdk, market, contract_id, include_balance=True) == before
    assert history(sdk, market, contract_id) == []
    assert told(simulator) == [("contract", "create")]
    edit(sdk, market, contract_id, uniqueness_key="never-used", update_contract_name="Changed")


def test_the_uniqueness_key_of_an_edit_works_once(sdk, simulator, market):
    contract_id = create(sdk, market)
    edit(sdk, market, contract_id, uniqueness_key="once", update_contract_name="One")

    with pytest.raises(ConflictError):
        edit(sdk, market, contract_id, uniqueness_key="once", update_contract_name="Two")
    assert read(sdk, market, contract_id).name == "One"
    assert history(sdk, market, contract_id)[0].uniqueness_key == "once"
    assert len(told(simulator)) == 2


def test_an_archived_contract_can_not_be_edited(sdk, market):
    contract_id = create(sdk, market)
    sdk.v1.contracts.archive(customer_id=market.customer, contract_id=contract_id, void_invoices=True)

    with pytest.raises(BadRequestError) as refused:
        edit(sdk, market, contract_id, update_contract_name="x")
    assert refused.value.body["message"] == "Contract is archived"
    with pytest.raises(BadRequestError) as refused:
        edit(sdk, market, NOBODY, update_contract_name="x")
    assert refused.value.body["code"] == "ContractNotFound"
    with pytest.raises(BadRequestError) as refused:
        history(sdk, market, NOBODY)
    assert refused.value.body["code"] == "ContractNotFound"


def test_commits_and_credits_are_edited_by_themselves(sdk, simulator, market):
    commit = {"product_id": market.fee, "type": "PREPAID", "access_schedule": ACCESS}
    credit = {"product_id": market.fee, "access_schedule": ACCESS}
    contract_id = create(sdk, market, commits=[commit], credits=[credit])
    before = read(sdk, market, contract_id)
    own = {"customer_id": market.customer}

    made = sdk.v2.contracts.edit_commit(**own, commit_id=before.commits[0].id, priority=7, name="C").data
    assert made.id == before.commits[0].id
    sdk.v2.contracts.edit_credit(**own, credit_id=before.credits[0].id, description="Thanks")
    after = read(sdk, market, contract_id)
    assert (after.commits[0].priority, after.commits[0].name) == (7, "C")
    assert after.credits[0].description == "Thanks"
    with pytest.raises(BadRequestError):
        sdk.v2.contracts.edit_commit(**own, commit_id=before.credits[0].id, name="x")
    with pytest.raises(BadRequestError):
        sdk.v2.contracts.edit_credit(**own, credit_id=NOBODY, name="x")
    with pytest.raises(BadRequestError):
        sdk.v2.contracts.edit_commit(customer_id=NOBODY, commit_id=before.commits[0].id, name="x")
    assert told(simulator)[1:] == [("commit", "edit"), ("credit", "edit")]
