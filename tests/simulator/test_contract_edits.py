"""Edits of contracts, commits and credits, and their history, driven by the strict SDK."""

from __future__ import annotations

from typing import Any

import pytest
from metronome import BadRequestError, ConflictError, Metronome

from tests.simulator.contracting import (
    APR,
    JAN,
    JUL,
    JUN,
    NEXT,
    NOBODY,
    Market,
    create,
    edit,
    read,
    seats,
    told,
)

ACCESS = {"schedule_items": [{"amount": 100, "starting_at": JAN, "ending_before": NEXT}]}


def day(moment: Any) -> str | None:
    return moment and f"{moment:%Y-%m-%d}"


def history(sdk: Metronome, market: Market, contract_id: str) -> list[Any]:
    return sdk.v2.contracts.get_edit_history(customer_id=market.customer, contract_id=contract_id).data


def charge(market: Market, *items: tuple[str, float]) -> dict[str, Any]:
    schedule = [{"timestamp": at, "amount": amount} for at, amount in items]
    return {"product_id": market.fee, "schedule": {"schedule_items": schedule}}


def threshold(market: Market, **more: Any) -> dict[str, Any]:
    return {
        "commit": {"product_id": market.fee, "name": "Recharge"},
        "is_enabled": True,
        "payment_gate_config": {"payment_gate_type": "NONE"},
        "threshold_amount": 500,
        **more,
    }


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


def test_quantities_follow_in_the_order_they_are_sent(sdk, market):
    contract_id = create(sdk, market, subscriptions=[seats(market)])
    own = read(sdk, market, contract_id).subscriptions[0].id

    def update(**more: Any) -> Any:
        return edit(sdk, market, contract_id, update_subscriptions=[{"subscription_id": own, **more}])

    made = update(
        name="Seats",
        ending_before=NEXT,
        quantity_updates=[
            {"starting_at": JUN, "quantity": 12},
            {"starting_at": APR, "quantity_delta": 5},
            {"starting_at": JUN, "quantity_delta": -1},
        ],
    )
    shown = read(sdk, market, contract_id).subscriptions[0]
    assert [(day(each.starting_at), each.quantity) for each in shown.quantity_schedule] == [
        ("2026-01-01", 10),
        ("2026-04-01", 15),
        ("2026-06-01", 16),
    ]
    assert day(shown.quantity_schedule[0].ending_before) == "2026-04-01"
    assert (shown.name, day(shown.ending_before)) == ("Seats", "2027-01-01")
    assert [each.quantity_delta for each in made.update_subscriptions[0].quantity_updates] == [None, 5, -1]
    for wrong in (
        {"quantity_updates": [{"starting_at": JUN, "quantity_delta": -17}]},
        {"quantity_updates": [{"starting_at": JUN, "quantity_delta": 0}]},
        {"quantity_updates": [{"starting_at": JUN}]},
        {"quantity_updates": [{"starting_at": "2025-01-01T00:00:00Z", "quantity": 1}]},
        {"seat_updates": {"add_seat_ids": [{"seat_ids": ["a"], "starting_at": JUN}]}},
    ):
        with pytest.raises(BadRequestError):
            update(**wrong)


def test_quantity_history_tells_quantities_and_prices_until_now(sdk, market):
    contract_id = create(
        sdk,
        market,
        subscriptions=[seats(market)],
        overrides=[{"starting_at": APR, "product_id": market.seats, "multiplier": 0.5}],
    )
    own = read(sdk, market, contract_id).subscriptions[0].id
    updates = [{"starting_at": JUN, "quantity": 20}, {"starting_at": JUL, "quantity": 30}]
    edit(
        sdk,
        market,
        contract_id,
        update_subscriptions=[{"subscription_id": own, "quantity_updates": updates}],
    )

    ask = sdk.v1.contracts.retrieve_subscription_quantity_history
    answer = ask(customer_id=market.customer, contract_id=contract_id, subscription_id=own).data
    assert answer.subscription_id == own
    assert answer.fiat_credit_type_id == "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
    assert [
        (day(each.starting_at), each.data[0].quantity, each.data[0].unit_price, each.data[0].total)
        for each in answer.history
    ] == [("2026-01-01", 10, 500, 5000), ("2026-04-01", 10, 250, 2500), ("2026-06-01", 20, 250, 5000)]
    with pytest.raises(BadRequestError):
        ask(customer_id=market.customer, contract_id=contract_id, subscription_id=NOBODY)


def test_seats_are_assigned_from_unassigned_ones_and_have_a_history(sdk, market):
    by_seat = seats(market, quantity_management_mode="SEAT_BASED")
    del by_seat["initial_quantity"]
    config = {"seat_group_key": "user", "initial_seat_ids": ["ann"], "initial_unassigned_seats": 2}
    contract_id = create(sdk, market, subscriptions=[by_seat | {"seat_config": config}])
    own = read(sdk, market, contract_id).subscriptions[0].id
    edit(
        sdk,
        market,
        contract_id,
        update_subscriptions=[
            {
                "subscription_id": own,
                "seat_updates": {
                    "add_seat_ids": [{"seat_ids": ["bob", "cem", "dan"], "starting_at": APR}],
                    "remove_seat_ids": [{"seat_ids": ["ann", "unknown"], "starting_at": JUN}],
                    "add_unassigned_seats": [{"quantity": 1, "starting_at": JUL}],
                    "remove_unassigned_seats": [{"quantity": 5, "starting_at": NEXT}],
                },
            }
        ],
    )

    def asked(**more: Any) -> list[tuple[Any, ...]]:
        rows = sdk.v1.contracts.get_subscription_seats_history(
            customer_id=market.customer, contract_id=contract_id, subscription_id=own, **more
        )
        return [(day(row.starting_at), row.assigned_seat_ids, row.total_quantity) for row in rows.data] + (
            [rows.next_page is not None] if more.get("limit") else []
        )

    whole = [
        ("2026-01-01", ["ann"], 3),
        ("2026-04-01", ["ann", "bob", "cem", "dan"], 4),
        ("2026-06-01", ["bob", "cem", "dan"], 3),
        ("2026-07-01", ["bob", "cem", "dan"], 4),
        ("2027-01-01", ["bob", "cem", "dan"], 3),
    ]
    assert asked() == whole
    assert asked(limit=2) == [*whole[:2], True]
    assert asked(covering_date=JUN) == [whole[2]]
    assert asked(starting_at="2026-06-02T00:00:00Z", ending_before="2026-06-03T00:00:00Z") == [whole[2]]
    shown = read(sdk, market, contract_id).subscriptions[0]
    assert [each.quantity for each in shown.quantity_schedule] == [3, 4, 3, 4, 3]
    assert shown.seat_config.seat_group_key == "user"
    for wrong in ({"limit": 11}, {"covering_date": JUN, "starting_at": JUN}, {"cursor": "foreign"}):
        with pytest.raises(BadRequestError):
            asked(**wrong)


def test_a_subscription_becomes_seat_based_and_has_no_seats_before(sdk, market):
    contract_id = create(sdk, market, subscriptions=[seats(market)])
    own = read(sdk, market, contract_id).subscriptions[0].id
    ask = sdk.v1.contracts.get_subscription_seats_history
    with pytest.raises(BadRequestError):
        ask(customer_id=market.customer, contract_id=contract_id, subscription_id=own)

    mode = {"quantity_management_mode": "SEAT_BASED", "seat_config": {"seat_group_key": "user"}}
    change = {"subscription_id": own, "quantity_management_mode_update": mode}
    edit(sdk, market, contract_id, update_subscriptions=[change])
    (entry,) = ask(customer_id=market.customer, contract_id=contract_id, subscription_id=own).data
    assert (entry.assigned_seat_ids, entry.total_quantity) == ([], 10)
    with pytest.raises(BadRequestError):
        edit(sdk, market, contract_id, update_subscriptions=[change])


def test_a_recurring_commit_is_updated_for_what_is_still_to_come(sdk, simulator, market):
    recurring = {
        "product_id": market.fee,
        "access_amount": {"unit_price": 10, "quantity": 1},
        "commit_duration": {"value": 1},
        "priority": 1,
        "starting_at": JUN,
    }
    contract_id = create(sdk, market, recurring_commits=[recurring])
    own = read(sdk, market, contract_id).recurring_commits[0].id

    change = {"recurring_commit_id": own, "access_amount": {"unit_price": 25}, "ending_before": NEXT}
    made = edit(sdk, market, contract_id, update_recurring_commits=[change])
    simulator.control("POST", "clock", {"at": "2026-07-02T00:00:00Z", "frozen": True})
    shown = read(sdk, market, contract_id)
    assert day(shown.recurring_commits[0].ending_before) == "2027-01-01"
    assert [row.access_schedule.schedule_items[0].amount for row in shown.commits] == [10, 25]
    assert made.update_recurring_commits[0].access_amount.unit_price == 25
    with pytest.raises(BadRequestError):
        edit(
            sdk,
            market,
            contract_id,
            update_recurring_commits=[{"recurring_commit_id": own, "invoice_amount": {"unit_price": 1}}],
        )


@pytest.mark.parametrize(("prorated", "more"), [(True, [50, 20]), (False, [75, 75])])
def test_more_seats_within_a_period_are_worth_more_credit(sdk, simulator, market, prorated, more):
    contract_id = create(
        sdk,
        market,
        starting_at=JUN,
        subscriptions=[seats(market, temporary_id="seats")],
        recurring_credits=[
            {
                "product_id": market.fee,
                "access_amount": {"unit_price": 25},
                "commit_duration": {"value": 1},
                "priority": 1,
                "starting_at": JUN,
                "subscription_config": {
                    "subscription_id": "seats",
                    "apply_seat_increase_config": {"is_prorated": prorated},
                },
            }
        ],
    )
    subscription = read(sdk, market, contract_id).subscriptions[0].id

    def change(*quantities: tuple[str, int]) -> None:
        updates = [{"starting_at": f"2026-{at}T00:00:00Z", "quantity": each} for at, each in quantities]
        each = {"subscription_id": subscription, "quantity_updates": updates}
        edit(sdk, market, contract_id, update_subscriptions=[each])

    def adjusted() -> list[tuple[str, float]]:
        (credit,) = read(sdk, market, contract_id, include_ledgers=True).credits
        return [
            (day(each.timestamp), each.amount)
            for each in credit.ledger
            if each.type == "CREDIT_SEAT_BASED_ADJUSTMENT"
        ]

    change(("06-11", 13), ("06-14", 5), ("06-16", 12), ("06-23", 16))
    assert adjusted() == [("2026-06-11", more[0])]
    change(("06-29", 16))
    simulator.control("POST", "clock", {"at": "2026-06-30T00:00:00Z", "frozen": True})
    assert adjusted() == [("2026-06-11", more[0]), ("2026-06-23", more[1])]
    simulator.control("POST", "clock", {"at": "2026-07-02T00:00:00Z", "frozen": True})
    credits = read(sdk, market, contract_id).credits
    assert [each.access_schedule.schedule_items[0].amount for each in credits] == [250, 400]


def test_thresholds_are_merged_and_not_for_a_contract_to_come(sdk, market):
    contract_id = create(sdk, market)
    edit(sdk, market, contract_id, add_spend_threshold_configuration=threshold(market))
    with pytest.raises(BadRequestError):
        edit(sdk, market, contract_id, add_spend_threshold_configuration=threshold(market))

    change = {"threshold_amount": 5, "commit": {"name": "Other"}}
    made = edit(sdk, market, contract_id, update_spend_threshold_configuration=change)
    shown = read(sdk, market, contract_id).spend_threshold_configuration
    assert (shown.threshold_amount, shown.is_enabled) == (5, True)
    assert (shown.commit.name, shown.commit.product_id) == ("Other", market.fee)
    assert made.update_spend_threshold_configuration.threshold_amount == 5
    with pytest.raises(BadRequestError) as refused:
        create(sdk, market, starting_at=JUL, spend_threshold_configuration=threshold(market))
    words = "Threshold billing cannot be configured on a contract that has not started yet"
    assert refused.value.body["message"] == words


def test_spend_trackers_come_and_go_by_their_alias(sdk, market):
    tracker = {
        "alias": "spend",
        "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
        "reset_frequency": "BILLING_PERIOD",
        "applicable_spend_specifiers": [{"spend_type": "COMMIT_PURCHASE", "sources": ["MANUAL"]}],
    }
    contract_id = create(sdk, market)
    edit(sdk, market, contract_id, add_spend_trackers=[tracker])

    with pytest.raises(BadRequestError):
        edit(sdk, market, contract_id, add_spend_trackers=[tracker])
    assert [each.alias for each in read(sdk, market, contract_id).spend_trackers] == ["spend"]
    edit(sdk, market, contract_id, archive_spend_trackers=["spend"])
    assert read(sdk, market, contract_id).spend_trackers == []


def test_a_billing_provider_takes_effect_at_the_period_that_is_asked_for(sdk, simulator, market):
    queue = {"billing_provider": "aws_marketplace", "delivery_method": "aws_sqs"}
    sdk.v1.settings.billing_providers.create(**queue, configuration={"aws_external_id": "x"})
    aws = {"aws_customer_id": "c", "aws_product_code": "p", "aws_region": "us-east-1"}
    configured = sdk.v1.customers.set_billing_configurations(
        data=[{"customer_id": market.customer, **queue, "configuration": aws}]
    ).data[0]
    contract_id = create(sdk, market)

    def bill(at: str) -> None:
        edit(
            sdk,
            market,
            contract_id,
            add_billing_provider_configuration_update={
                "billing_provider_configuration": {"billing_provider_configuration_id": configured.id},
                "schedule": {"effective_at": at},
            },
        )

    bill("START_OF_NEXT_PERIOD")
    shown = read(sdk, market, contract_id)
    assert shown.customer_billing_provider_configuration is None
    assert [day(each.effective_at) for each in shown.billing_provider_configuration_schedule] == [
        "2026-07-01"
    ]
    simulator.control("POST", "clock", {"at": "2026-07-02T00:00:00Z", "frozen": True})
    assert read(sdk, market, contract_id).customer_billing_provider_configuration.id == configured.id
    with pytest.raises(BadRequestError):
        bill("START_OF_CURRENT_PERIOD")
    other = create(sdk, market, billing_provider_configuration={"billing_provider": "aws_marketplace"})
    assert read(sdk, market, other).customer_billing_provider_configuration.id == configured.id


def test_an_archived_billing_provider_leaves_the_schedule(sdk, simulator, market):
    ids = []
    for number in "12":
        queue = {"billing_provider": "aws_marketplace", "delivery_method": "aws_sqs"}
        method = sdk.v1.settings.billing_providers.create(**queue, configuration={"aws_external_id": number})
        queue["delivery_method_id"] = method.data.delivery_method_id
        aws = {"aws_customer_id": "c", "aws_product_code": "p", "aws_region": "us-east-1"}
        row = {"customer_id": market.customer, **queue, "configuration": aws}
        ids.append(sdk.v1.customers.set_billing_configurations(data=[row]).data[0].id)
    first, second = ids
    by_first, by_second = ({"billing_provider_configuration_id": each} for each in ids)
    contract_id = create(sdk, market, billing_provider_configuration=by_first)
    later = create(sdk, market, billing_provider_configuration=by_second)
    change = {
        "billing_provider_configuration": by_second,
        "schedule": {"effective_at": "START_OF_NEXT_PERIOD"},
    }
    edit(sdk, market, contract_id, add_billing_provider_configuration_update=change)

    def schedule(contract: str) -> list[Any]:
        return [
            (
                each.billing_provider_configuration and each.billing_provider_configuration.id,
                day(each.effective_at),
                day(each.effective_until),
            )
            for each in read(sdk, market, contract).billing_provider_configuration_schedule
        ]

    def archive(configuration: str) -> None:
        sdk.v1.customers.archive_billing_configurations(
            customer_id=market.customer, customer_billing_provider_configuration_ids=[configuration]
        )

    assert schedule(contract_id) == [(first, "2026-01-01", "2026-07-01"), (second, "2026-07-01", None)]
    archive(second)
    assert schedule(contract_id) == [(first, "2026-01-01", None)]
    assert schedule(later) == [(second, "2026-01-01", "2026-06-15"), (None, "2026-06-15", None)]
    archived = read(sdk, market, later).billing_provider_configuration_schedule[0]
    assert day(archived.billing_provider_configuration.archived_at) == "2026-06-15"
    simulator.control("POST", "clock", {"at": "2026-07-02T00:00:00Z", "frozen": True})
    assert read(sdk, market, contract_id).customer_billing_provider_configuration.id == first
    assert read(sdk, market, later).customer_billing_provider_configuration is None
    archive(first)
    assert schedule(contract_id) == [(first, "2026-01-01", "2026-07-02"), (None, "2026-07-02", None)]


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
