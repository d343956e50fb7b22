"""Custom fields on everything that carries them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest
from metronome import APIStatusError, Metronome
from metronome.types.v1.custom_field_set_values_params import CustomFieldSetValuesParams

from simulator.fields import ROWS
from simulator.running import RunningSimulator
from simulator.tests.contracting import JAN, NEXT, Market, create, edit, read, seats

NOBODY = "00000000-0000-4000-8000-000000000000"
DAYS = {"value": 0, "unit": "DAYS"}
YEAR = {"value": 1, "unit": "YEARS"}


def own_ids(sdk: Metronome, simulator: RunningSimulator, market: Market) -> Iterator[tuple[str, str]]:
    """(entity, id) of one of each."""
    access = {"schedule_items": [{"amount": 100, "starting_at": JAN, "ending_before": NEXT}]}
    balance = {"product_id": market.fee, "priority": 1, "access_schedule": access}
    fee = {"product_id": market.fee, "schedule": {"schedule_items": [{"timestamp": JAN, "amount": 5}]}}
    contract = create(
        sdk,
        market,
        ending_before=NEXT,
        discounts=[fee],
        scheduled_charges=[fee],
        professional_services=[
            {"product_id": market.advice, "max_amount": 9, "quantity": 3, "unit_price": 3}
        ],
        subscriptions=[seats(market)],
    )
    shown = read(sdk, market, contract)
    yield "contract", contract
    yield "discount", shown.discounts[0].id
    yield "scheduled_charge", shown.scheduled_charges[0].id
    yield "professional_service", shown.professional_services[0].id
    yield "subscription", shown.subscriptions[0].id
    yield "invoice", next(iter(sdk.v1.customers.invoices.list(customer_id=market.customer))).id
    own = sdk.v1.customers
    yield "customer", market.customer
    made = own.commits.create(customer_id=market.customer, type="PREPAID", **balance)
    yield "commit", made.data.id
    yield "contract_credit", own.credits.create(customer_id=market.customer, **balance).data.id
    yield "contract_product", market.calls
    yield "rate_card", market.card
    yield "billable_metric", next(iter(sdk.v1.billable_metrics.list())).id
    made = sdk.v1.alerts.create(alert_type="low_credit_balance_reached", name="Low", threshold=1)
    yield "alert", made.data.id
    yield from of_plans(sdk, simulator, market)
    yield from of_a_package(sdk, market)


def of_plans(sdk: Metronome, simulator: RunningSimulator, market: Market) -> Iterator[tuple[str, str]]:
    plan = next(iter(sdk.v1.plans.list(limit=1))).id
    yield "plan", plan
    added = sdk.v1.customers.plans.add(customer_id=market.customer, plan_id=plan, starting_on=JAN)
    yield "customer_plan", added.data.id
    worth = {"amount": 1, "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2"}
    grant = sdk.v1.credit_grants.create(
        customer_id=market.customer,
        name="Grant",
        priority=1,
        expires_at=NEXT,
        grant_amount=worth,
        paid_amount=worth,
    )
    yield "credit_grant", grant.data.id
    state = simulator.control("GET", "snapshot")
    charge, product = f"{'1' * 8}{NOBODY[8:]}", f"{'2' * 8}{NOBODY[8:]}"
    state["main"]["plans"][plan]["charges"] = [{"id": charge, "product_id": product, "custom_fields": {}}]
    simulator.control("POST", "restore", state)
    yield "charge", charge
    yield "product", product


def of_a_package(sdk: Metronome, market: Market) -> Iterator[tuple[str, str]]:
    item = {"amount": 1, "starting_at_offset": DAYS, "duration": YEAR}
    balance = {"product_id": market.fee, "access_schedule": {"schedule_items": [item]}}
    once = {"schedule_items": [{"unit_price": 1, "quantity": 1, "date_offset": DAYS}]}
    package = sdk.v1.packages.create(
        name="One of each",
        rate_card_id=market.card,
        commits=[{"type": "PREPAID", "priority": 1, **balance}],
        credits=[{"priority": 1, **balance}],
        scheduled_charges=[{"product_id": market.fee, "schedule": once}],
        subscriptions=[seats(market)],
    ).data.id
    shown = sdk.v1.packages.retrieve(package_id=package).data
    yield "package_commit", shown.commits[0].id
    yield "package_credit", shown.credits[0].id
    yield "package_scheduled_charge", shown.scheduled_charges[0].id
    yield "package_subscription", shown.subscriptions[0].id


def carried(value: Any, entity_id: str) -> list[dict[str, str]]:
    """The custom fields of whatever has this id in a snapshot."""
    if isinstance(value, list):
        return [found for each in value for found in carried(each, entity_id)]
    if not isinstance(value, dict):
        return []
    own = [value["custom_fields"]] if value.get("id") == entity_id and "custom_fields" in value else []
    return own + [found for each in value.values() for found in carried(each, entity_id)]


def test_every_entity_of_the_sdk_carries_values(
    sdk: Metronome, simulator: RunningSimulator, market: Market
) -> None:
    fields = sdk.v1.custom_fields
    ids = dict(own_ids(sdk, simulator, market))

    for entity, entity_id in ids.items():
        fields.add_key(entity=entity, key="cost_centre", enforce_uniqueness=False)
        fields.set_values(entity=entity, entity_id=entity_id, custom_fields={"cost_centre": entity})
    state = simulator.control("GET", "snapshot")["main"]
    kept = {
        entity: carried({**state, "ledger": [], "edits": {}}, entity_id) for entity, entity_id in ids.items()
    }

    assert ids.keys() == ROWS.keys()
    assert ids.keys() == set(get_args(get_type_hints(CustomFieldSetValuesParams)["entity"]))
    assert {entity: own[0].get("cost_centre") for entity, own in kept.items()} == {each: each for each in ids}


def test_values_are_shown_with_what_carries_them(
    sdk: Metronome, simulator: RunningSimulator, market: Market
) -> None:
    fields = sdk.v1.custom_fields
    ids = dict(own_ids(sdk, simulator, market))
    for entity in ("contract", "subscription", "commit", "package_commit"):
        fields.add_key(entity=entity, key="k", enforce_uniqueness=False)
        fields.set_values(entity=entity, entity_id=ids[entity], custom_fields={"k": entity})

    contract = read(sdk, market, ids["contract"])
    (commit,) = sdk.v1.customers.commits.list(customer_id=market.customer)

    assert contract.custom_fields == {"k": "contract"}
    assert contract.subscriptions[0].custom_fields == {"k": "subscription"}
    assert commit.custom_fields == {"k": "commit"}


@pytest.fixture
def customers(sdk: Metronome) -> list[str]:
    return [sdk.v1.customers.create(name=name).data.id for name in ("First", "Second")]


def test_values_are_merged_and_deleted_by_key(sdk: Metronome, customers: list[str]) -> None:
    fields, first = sdk.v1.custom_fields, customers[0]
    fields.set_values(entity="customer", entity_id=first, custom_fields={"segment": "a", "owner": "b"})
    fields.set_values(entity="customer", entity_id=first, custom_fields={"owner": "c"})
    merged = sdk.v1.customers.retrieve(customer_id=first).data.custom_fields

    fields.delete_values(entity="customer", entity_id=first, keys=["segment", "never there"])

    assert merged == {"segment": "a", "owner": "c"}
    assert sdk.v1.customers.retrieve(customer_id=first).data.custom_fields == {"owner": "c"}


def test_a_unique_value_belongs_to_one_even_when_it_is_archived(sdk: Metronome, customers: list[str]) -> None:
    fields, (first, second) = sdk.v1.custom_fields, customers
    own = {"erp_id": "ERP-one"}
    fields.set_values(entity="customer", entity_id=first, custom_fields=own)
    fields.set_values(entity="customer", entity_id=first, custom_fields=own)
    sdk.v1.customers.archive(id=first)

    for call in (
        lambda: fields.set_values(entity="customer", entity_id=second, custom_fields={"owner": "x", **own}),
        lambda: sdk.v1.customers.create(name="Third", custom_fields=own),
    ):
        with pytest.raises(APIStatusError) as caught:
            call()
        assert caught.value.status_code == 409
    assert sdk.v1.customers.retrieve(customer_id=second).data.custom_fields == {}


def test_a_unique_value_is_refused_at_creation(
    sdk: Metronome, simulator: RunningSimulator, market: Market
) -> None:
    access = {"schedule_items": [{"amount": 100, "starting_at": JAN, "ending_before": NEXT}]}
    balance = {"product_id": market.fee, "priority": 1, "access_schedule": access}
    worth = {"amount": 1, "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2"}
    grant = {"name": "G", "priority": 1, "expires_at": NEXT, "grant_amount": worth, "paid_amount": worth}
    own, them = sdk.v1.customers, {"customer_id": market.customer, "custom_fields": {"erp": "one"}}
    makers = {
        "commit": lambda: own.commits.create(type="PREPAID", **balance, **them),
        "contract_credit": lambda: own.credits.create(**balance, **them),
        "credit_grant": lambda: sdk.v1.credit_grants.create(**grant, **them),
    }

    for entity, make in makers.items():
        sdk.v1.custom_fields.add_key(entity=entity, key="erp", enforce_uniqueness=True)
        make()
        known = simulator.ledger()
        with pytest.raises(APIStatusError) as caught:
            make()
        assert (caught.value.status_code, caught.value.body["message"]) == (
            409,
            "The value of erp must be unique",
        )
        assert simulator.ledger() == known


@pytest.mark.parametrize(
    ("entity", "name"),
    [
        ("commit", "commits"),
        ("contract_credit", "credits"),
        ("scheduled_charge", "scheduled_charges"),
        ("discount", "discounts"),
        ("professional_service", "professional_services"),
        ("subscription", "subscriptions"),
    ],
)
def test_two_terms_of_one_request_share_no_unique_value(
    sdk: Metronome, simulator: RunningSimulator, market: Market, entity: Any, name: str
) -> None:
    sdk.v1.custom_fields.add_key(entity=entity, key="erp", enforce_uniqueness=True)
    access = {"schedule_items": [{"amount": 100, "starting_at": JAN, "ending_before": NEXT}]}
    fee = {"product_id": market.fee, "schedule": {"schedule_items": [{"timestamp": JAN, "amount": 5}]}}
    terms: dict[str, Any] = {
        "commits": {"product_id": market.fee, "type": "PREPAID", "access_schedule": access},
        "credits": {"product_id": market.fee, "access_schedule": access},
        "scheduled_charges": fee,
        "discounts": fee,
        "professional_services": {
            "product_id": market.advice,
            "max_amount": 9,
            "quantity": 3,
            "unit_price": 3,
        },
        "subscriptions": seats(market),
    }
    one, two = ({**terms[name], "custom_fields": {"erp": value}} for value in ("one", "two"))
    contract = create(sdk, market, **{name: [one]})
    known = simulator.ledger()

    calls = [lambda: create(sdk, market, **{name: [two, two]})]
    if "professional" not in name:
        calls.append(lambda: edit(sdk, market, contract, **{f"add_{name}": [two, two]}))
    for call in calls:
        with pytest.raises(APIStatusError) as caught:
            call()
        assert caught.value.status_code == 409

    assert simulator.ledger() == known
    create(sdk, market, **{name: [two]})


def test_a_removed_key_takes_its_values_away(sdk: Metronome, customers: list[str]) -> None:
    fields, first = sdk.v1.custom_fields, customers[0]
    fields.set_values(entity="customer", entity_id=first, custom_fields={"segment": "a", "owner": "b"})

    fields.remove_key(entity="customer", key="segment")

    assert sdk.v1.customers.retrieve(customer_id=first).data.custom_fields == {"owner": "b"}
    assert "segment" not in [row.key for row in fields.list_keys(entities=["customer"])]


def test_keys_are_listed_by_entity(sdk: Metronome) -> None:
    fields = sdk.v1.custom_fields
    fields.add_key(entity="contract", key="po", enforce_uniqueness=True)

    rows = list(fields.list_keys(entities=["contract"]))

    assert [(row.entity, row.key, row.enforce_uniqueness) for row in rows] == [("contract", "po", True)]
    assert {row.entity for row in fields.list_keys()} == {"customer", "contract"}


@pytest.mark.parametrize(
    ("call", "status", "message"),
    [
        (
            lambda own, it: own.add_key(entity="customer", key="erp_id", enforce_uniqueness=False),
            400,
            "Duplicate custom field key",
        ),
        (
            lambda own, it: own.add_key(entity="customer", key="", enforce_uniqueness=False),
            400,
            "key must be 1 to 200 characters",
        ),
        (
            lambda own, it: own.remove_key(entity="customer", key="nonsense"),
            404,
            "Custom field key not found",
        ),
        (lambda own, it: own.remove_key(entity="plan", key="erp_id"), 404, "Custom field key not found"),
        (
            lambda own, it: own.set_values(entity="customer", entity_id=it, custom_fields={"no": "x"}),
            400,
            "Invalid custom field keys",
        ),
        (
            lambda own, it: own.set_values(
                entity="customer", entity_id=it, custom_fields={"owner": "x" * 201}
            ),
            400,
            "custom field values must be at most 200 characters",
        ),
        (
            lambda own, it: own.set_values(entity="contract", entity_id=it, custom_fields={}),
            404,
            "The specified entity was not found",
        ),
        (
            lambda own, it: own.delete_values(entity="customer", entity_id=NOBODY, keys=[]),
            404,
            "The specified entity was not found",
        ),
        (
            lambda own, it: own.delete_values(entity="customer", entity_id="x", keys=[]),
            400,
            "entity_id must be a valid UUID",
        ),
    ],
)
def test_what_can_not_be_is_refused_and_changes_nothing(
    sdk: Metronome,
    simulator: RunningSimulator,
    customers: list[str],
    call: Any,
    status: int,
    message: str,
) -> None:
    known = simulator.ledger()

    with pytest.raises(APIStatusError) as caught:
        call(sdk.v1.custom_fields, customers[0])

    assert (caught.value.status_code, caught.value.body["message"]) == (status, message)
    assert simulator.ledger() == known
