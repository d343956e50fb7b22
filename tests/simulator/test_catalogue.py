"""Products, rate cards, billable metrics and pricing units, driven by the strict SDK."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from metronome import BadRequestError, Metronome, NotFoundError

from tests.simulator_server import TOKEN, RunningSimulator

NOBODY = "00000000-0000-4000-8000-000000000000"


def message(refused: Any) -> str:
    """What the error body says."""
    return refused.value.body["message"]


def ends_of(simulator: RunningSimulator) -> list[tuple[str, str]]:
    """(resource type, action) of every effect."""
    return [(row["resource_type"], row["action"]) for row in simulator.ledger()]


@pytest.fixture
def fixed(sdk: Metronome) -> str:
    return sdk.v1.contracts.products.create(name="Support", type="FIXED", tags=["people"]).data.id


def test_a_fixed_product_is_shown_as_it_was_made(sdk, simulator, fixed):
    product = sdk.v1.contracts.products.retrieve(id=fixed).data

    assert (product.id, product.type, product.updates) == (fixed, "FIXED", [])
    assert product.current == product.initial
    assert (product.current.name, product.current.tags) == ("Support", ["people"])
    assert product.current.created_by == "Countersign worker"
    assert product.archived_at is None
    assert ends_of(simulator) == [("product", "create")]


def test_an_update_takes_effect_in_its_hour_and_not_before(sdk, simulator, fixed):
    products = sdk.v1.contracts.products
    products.update(product_id=fixed, starting_at="2020-01-01T00:00:00Z", name="Care")
    products.update(product_id=fixed, starting_at="2999-01-01T00:00:00Z", name="Later", tags=[])

    product = products.retrieve(id=fixed).data

    assert product.initial.name == "Support"
    assert (product.current.name, product.current.tags) == ("Care", ["people"])
    assert [each.name for each in product.updates] == ["Care", "Later"]
    assert ends_of(simulator) == [("product", "create"), ("product", "update"), ("product", "update")]


def test_an_update_off_the_hour_is_refused(sdk, simulator, fixed):
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.contracts.products.update(product_id=fixed, starting_at="2020-01-01T00:30:00Z", name="Care")

    assert message(refused) == "Product update effective at is required to be on an hour boundary"
    assert sdk.v1.contracts.products.retrieve(id=fixed).data.updates == []


def test_an_archived_product_is_listed_only_when_asked_for_and_never_changes_again(sdk, fixed):
    products = sdk.v1.contracts.products
    assert products.archive(product_id=fixed).data.id == fixed

    assert fixed not in [each.id for each in products.list()]
    assert [each.id for each in products.list(archive_filter="ARCHIVED")] == [fixed]
    assert fixed in [each.id for each in products.list(archive_filter="ALL", limit=2)]
    with pytest.raises(BadRequestError) as again:
        products.archive(product_id=fixed)
    with pytest.raises(BadRequestError) as updated:
        products.update(product_id=fixed, starting_at="2020-01-01T00:00:00Z", name="Care")
    assert message(again) == "Product is already archived"
    assert message(updated) == "Product is archived"


def test_a_composite_product_names_products_or_tags(sdk, fixed):
    products = sdk.v1.contracts.products
    made = products.create(
        name="Fee", type="COMPOSITE", composite_product_ids=[fixed], composite_tags=["people"]
    ).data.id

    assert products.retrieve(id=made).data.initial.composite_product_ids == [fixed]
    with pytest.raises(BadRequestError, match="composite_product_ids or composite_tags is required"):
        products.create(name="Fee", type="COMPOSITE")
    with pytest.raises(BadRequestError, match="unknown or archived product"):
        products.create(name="Fee", type="COMPOSITE", composite_product_ids=[NOBODY])


def test_a_professional_service_is_shown_by_its_short_name(sdk):
    made = sdk.v1.contracts.products.create(name="Onboarding", type="PROFESSIONAL_SERVICE").data.id

    assert sdk.v1.contracts.products.retrieve(id=made).data.type == "PRO_SERVICE"


def test_an_unknown_product_is_not_found(sdk):
    products = sdk.v1.contracts.products
    with pytest.raises(NotFoundError):
        products.retrieve(id=NOBODY)
    with pytest.raises(NotFoundError):
        products.update(product_id=NOBODY, starting_at="2020-01-01T00:00:00Z")
    with pytest.raises(NotFoundError):
        products.archive(product_id=NOBODY)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"type": "USAGE"}, "billable_metric_id is required for USAGE products"),
        ({"type": "USAGE", "billable_metric_id": NOBODY}, "unknown or archived billable metric"),
        ({"type": "FIXED", "pricing_group_key": ["region"]}, "pricing_group_key is only valid for USAGE"),
        ({"type": "FIXED", "composite_tags": ["a"]}, "composite_tags is only valid for COMPOSITE"),
        ({"type": "FIXED", "name": ""}, "name must not be empty"),
        ({"type": "FIXED", "custom_fields": {"nope": "1"}}, "Invalid custom field keys"),
    ],
)
def test_an_impossible_product_is_refused_and_nothing_is_made(sdk, simulator, given, words):
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.contracts.products.create(**{"name": "Broken", **given})

    assert words in message(refused)
    assert simulator.ledger() == []


def test_the_product_list_refuses_a_field_that_it_does_not_know(simulator):
    answer = httpx.post(
        f"{simulator.url}/v1/contract-pricing/products/list",
        json={"limit": 5},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )

    assert (answer.status_code, answer.json()) == (400, {"message": "Unknown field limit"})
