"""Customers, plans, contracts and custom fields, driven by the official SDK in strict mode."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from metronome import APIStatusError, Metronome

from simulator.running import READ_ONLY_TOKEN, RunningSimulator

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def customer_with_contract(simulator: RunningSimulator) -> dict[str, Any]:
    world = simulator.control("GET", "snapshot")["main"]
    for customer_id in world["contracts_of"]:
        if not world["customers"][customer_id]["archived_at"] and world["invoices_of"].get(customer_id):
            return world["customers"][customer_id]
    raise AssertionError("the seed has no customer with a contract")


def test_a_customers_whole_life_answers_what_the_sdk_expects(
    sdk: Metronome, simulator: RunningSimulator
) -> None:
    customers, contracted = sdk.v1.customers, customer_with_contract(simulator)["id"]
    plan = next(iter(sdk.v1.plans.list(limit=1))).id
    made = customers.create(
        name="Strict AB", ingest_aliases=["strict"], custom_fields={"segment": "enterprise"}
    ).data

    assert customers.retrieve(customer_id=made.id).data.ingest_aliases == ["strict"]
    assert [row.id for row in customers.list(ingest_alias="strict")] == [made.id]
    assert [row.id for row in customers.list(customer_ids=[made.id, contracted])] == sorted(
        [made.id, contracted]
    )
    assert customers.set_name(customer_id=made.id, name="Stricter AB").data.name == "Stricter AB"
    assert customers.set_ingest_aliases(customer_id=made.id, ingest_aliases=["a", "b"]) is None
    assert customers.update_config(customer_id=made.id, salesforce_account_id="0015") is None
    assert sdk.v1.plans.get_details(plan_id=plan).data.id == plan
    fee, usage = sdk.v1.plans.list_charges(plan_id=plan)
    assert (fee.charge_type, usage.charge_type) == ("fixed", "usage")
    cheaper: Any = {"adjustment_type": "percentage", "charge_id": usage.id, "start_period": 0, "value": -0.05}
    added = customers.plans.add(
        customer_id=made.id, plan_id=plan, starting_on=TODAY, price_adjustments=[cheaper]
    ).data.id
    assert added in [row.plan_details.customer_plan_id for row in sdk.v1.plans.list_customers(plan_id=plan)]
    assert [row.id for row in customers.plans.list(customer_id=made.id)] == [added]
    [line] = customers.plans.list_price_adjustments(customer_id=made.id, customer_plan_id=added)
    assert (line.charge_id, line.charge_type, line.prices[0].value) == (usage.id, "usage", -0.05)
    customers.plans.end(customer_id=made.id, customer_plan_id=added, ending_before=TODAY + timedelta(days=30))
    assert next(iter(customers.plans.list(customer_id=made.id))).ending_before == TODAY + timedelta(days=30)

    first = sdk.v2.contracts.list(customer_id=contracted).data[0]
    assert sdk.v2.contracts.retrieve(customer_id=contracted, contract_id=first.id).data.id == first.id
    assert sdk.v1.contracts.list(customer_id=contracted).data[0].id == first.id
    assert sdk.v1.contracts.retrieve(customer_id=contracted, contract_id=first.id).data.id == first.id
    invoice = next(iter(customers.invoices.list(customer_id=contracted, sort="date_asc")))
    assert (
        customers.invoices.retrieve(customer_id=contracted, invoice_id=invoice.id).data.total == invoice.total
    )
    assert customers.retrieve_billing_configurations(customer_id=contracted).data == []

    fields = sdk.v1.custom_fields
    fields.add_key(entity="customer", key="region", enforce_uniqueness=False)
    fields.set_values(entity="customer", entity_id=made.id, custom_fields={"region": "north"})
    assert customers.retrieve(customer_id=made.id).data.custom_fields == {
        "segment": "enterprise",
        "region": "north",
    }
    fields.delete_values(entity="customer", entity_id=made.id, keys=["segment"])
    assert "region" in [row.key for row in fields.list_keys(entities=["customer"]).data]
    fields.remove_key(entity="customer", key="region")

    assert customers.archive(id=contracted).data.id == contracted
    assert [row.id for row in customers.list(only_archived=True, customer_ids=[contracted])] == [contracted]
    assert {row.status for row in customers.invoices.list(customer_id=contracted)} == {"VOID"}
    log = sdk.v1.audit_logs.list(resource_type="customer", resource_id=made.id)
    assert [row.action for row in log.data][:3] == ["create", "change_name", "set_ingest_aliases"]
    assert log.next_page is not None


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (lambda sdk: sdk.v1.customers.retrieve(customer_id="0" * 8 + "-0000-4000-8000-" + "0" * 12), 404),
        (lambda sdk: sdk.v1.customers.retrieve(customer_id="nonsense"), 400),
        (lambda sdk: sdk.v1.customers.create(name="x", ingest_aliases=["y" * 129]), 400),
        (lambda sdk: sdk.v1.customers.create(name="x", custom_fields={"unknown": "y"}), 400),
        (lambda sdk: sdk.v1.customers.list(limit=101), 400),
        (lambda sdk: sdk.v1.customers.list(next_page="nonsense"), 400),
        (lambda sdk: sdk.v2.contracts.list(customer_id="0" * 8 + "-0000-4000-8000-" + "0" * 12), 400),
        (lambda sdk: sdk.with_options(bearer_token="nobody").v1.plans.list(), 401),
        (lambda sdk: sdk.with_options(bearer_token=READ_ONLY_TOKEN).v1.customers.create(name="x"), 403),
    ],
)
def test_a_refusal_has_the_documented_body(sdk: Metronome, call: Any, status: int) -> None:
    with pytest.raises(APIStatusError) as caught:
        call(sdk)

    assert caught.value.status_code == status
    assert isinstance(caught.value.body["message"], str)


def test_an_alias_stays_taken_by_an_archived_customer(sdk: Metronome) -> None:
    first = sdk.v1.customers.create(name="First", ingest_aliases=["taken"]).data
    sdk.v1.customers.archive(id=first.id)

    with pytest.raises(APIStatusError) as caught:
        sdk.v1.customers.create(name="Second", ingest_aliases=["taken"])

    assert caught.value.status_code == 409


def test_a_name_is_cut_at_160_utf16_units_without_a_word(sdk: Metronome) -> None:
    made = sdk.v1.customers.create(name="💶" * 100, ingest_aliases=["cut"]).data

    assert made.name == "💶" * 80


def test_an_idempotency_key_replays_and_refuses_other_params(
    sdk: Metronome, simulator: RunningSimulator
) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = sdk.v1.customers.create(name="Once", ingest_aliases=["once"], extra_headers=key).data
    again = sdk.v1.customers.create(name="Once", ingest_aliases=["once"], extra_headers=key).data

    assert first.id == again.id
    assert len(simulator.ledger()) == 1
    with pytest.raises(APIStatusError) as caught:
        sdk.v1.customers.create(name="Twice", ingest_aliases=["twice"], extra_headers=key)
    assert caught.value.status_code == 409


def test_a_stored_500_is_replayed_under_its_key_and_not_under_another(
    sdk: Metronome, simulator: RunningSimulator
) -> None:
    simulator.fault("POST /v1/customers", "status_before", status=500)

    for _try in range(2):
        with pytest.raises(APIStatusError):
            sdk.v1.customers.create(name="K", ingest_aliases=["k"], extra_headers={"Idempotency-Key": "k-1"})
    assert simulator.ledger() == []
    sdk.v1.customers.create(name="K", ingest_aliases=["k"], extra_headers={"Idempotency-Key": "k-2"})

    assert len(simulator.ledger()) == 1


def test_the_same_seed_gives_the_same_world_and_a_snapshot_restores_it(simulator: RunningSimulator) -> None:
    before = simulator.control("GET", "snapshot")
    simulator.change("create", name="Passing", ingest_aliases=["passing"])

    simulator.control("POST", "restore", before)

    assert simulator.control("GET", "snapshot") == before
    assert simulator.customer(alias="passing") is None
    simulator.reset()
    assert simulator.control("GET", "snapshot")["main"]["customer_order"] == before["main"]["customer_order"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"charge_id": "00000000-0000-4000-8000-000000000000"},
        {"charge_id": "nonsense"},
        {"adjustment_type": "quantity"},
        {"start_period": -1},
    ],
)
def test_a_price_adjustment_that_fits_no_charge_is_refused(sdk: Metronome, wrong: dict[str, Any]) -> None:
    plan = next(iter(sdk.v1.plans.list(limit=1))).id
    charge = next(iter(sdk.v1.plans.list_charges(plan_id=plan))).id
    customer = sdk.v1.customers.create(name="Adjusted", ingest_aliases=["adjusted"]).data.id
    given: Any = {"adjustment_type": "override", "charge_id": charge, "start_period": 0, "value": 1, **wrong}

    with pytest.raises(APIStatusError) as caught:
        sdk.v1.customers.plans.add(
            customer_id=customer, plan_id=plan, starting_on=TODAY, price_adjustments=[given]
        )

    assert caught.value.status_code == 400
    assert list(sdk.v1.customers.plans.list(customer_id=customer)) == []
