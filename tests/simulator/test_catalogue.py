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


def test_a_rate_card_is_shown_as_made_and_changed(sdk, simulator):
    cards, credits = sdk.v1.contracts.rate_cards, sdk.v1.pricing_units.create(name="AI credits").data.id
    made = cards.create(
        name="List",
        description="2026",
        aliases=[{"name": "list"}],
        credit_type_conversions=[{"custom_credit_type_id": credits, "fiat_per_custom_credit": 0.0000025}],
    ).data.id

    card = cards.retrieve(id=made).data
    assert (card.name, card.description, card.created_by) == ("List", "2026", "Countersign worker")
    assert card.fiat_credit_type.name == "USD (cents)"
    assert [each.fiat_per_custom_credit for each in card.credit_type_conversions] == ["0.0000025"]
    assert [each.name for each in card.aliases] == ["list"]

    cards.update(
        rate_card_id=made, name="List 2", aliases=[{"name": "l2", "starting_at": "2026-01-01T00:00:00Z"}]
    )
    changed = cards.retrieve(id=made).data
    assert (changed.name, changed.description) == ("List 2", "2026")
    assert [each.name for each in changed.aliases] == ["l2"]
    assert ends_of(simulator)[1:] == [("rate_card", "create"), ("rate_card", "update")]


def test_an_archived_rate_card_is_not_listed_and_not_changed(sdk):
    cards = sdk.v1.contracts.rate_cards
    made = cards.create(name="Old").data.id
    assert made in [each.id for each in cards.list(body={}, limit=1)]

    assert cards.archive(id=made).data.id == made

    assert made not in [each.id for each in cards.list(body={})]
    assert cards.retrieve(id=made).data.name == "Old"
    with pytest.raises(BadRequestError, match="already archived"):
        cards.archive(id=made)
    with pytest.raises(BadRequestError, match="Rate card is archived"):
        cards.update(rate_card_id=made, name="New")


def test_a_conversion_that_exists_is_not_modified(sdk):
    cards, credits = sdk.v1.contracts.rate_cards, sdk.v1.pricing_units.create(name="AI credits").data.id
    conversion = {"custom_credit_type_id": credits, "fiat_per_custom_credit": 2}
    made = cards.create(name="List", credit_type_conversions=[conversion]).data.id

    with pytest.raises(BadRequestError, match="can't be modified"):
        cards.update(rate_card_id=made, name="Changed", add_credit_type_conversions=[conversion])

    assert cards.retrieve(id=made).data.name == "List"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": ""}, "name must not be empty"),
        ({"fiat_credit_type_id": NOBODY}, "fiat_credit_type_id must be the id of a fiat currency"),
        (
            {"credit_type_conversions": [{"custom_credit_type_id": NOBODY, "fiat_per_custom_credit": 1}]},
            "custom_credit_type_id must be the id of a custom pricing unit",
        ),
        (
            {
                "aliases": [
                    {
                        "name": "a",
                        "starting_at": "2026-01-01T00:00:00Z",
                        "ending_before": "2025-01-01T00:00:00Z",
                    }
                ]
            },
            "aliases.ending_before must be after its start",
        ),
        ({"aliases": [{"name": ""}]}, "aliases.name must not be empty"),
        ({"custom_fields": {"nope": "1"}}, "Invalid custom field keys"),
    ],
)
def test_an_impossible_rate_card_is_refused_and_nothing_is_made(sdk, simulator, given, words):
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.contracts.rate_cards.create(**{"name": "Broken", **given})

    assert words in message(refused)
    assert simulator.ledger() == []


def test_an_unknown_rate_card_is_not_found(sdk):
    cards = sdk.v1.contracts.rate_cards
    for call in (
        lambda: cards.retrieve(id=NOBODY),
        lambda: cards.archive(id=NOBODY),
        lambda: cards.update(rate_card_id=NOBODY),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_a_metric_is_made_renamed_listed_and_archived(sdk, simulator):
    metrics = sdk.v1.billable_metrics
    made = metrics.create(
        name="Bytes",
        aggregation_type="SUM",
        aggregation_key="bytes",
        event_type_filter={"in_values": ["upload"]},
        property_filters=[{"name": "bytes", "exists": True}, {"name": "region", "in_values": ["eu", "us"]}],
        group_keys=[["region"]],
    ).data.id
    metrics.update(billable_metric_id=made, name="Bytes sent")

    metric = metrics.retrieve(billable_metric_id=made).data
    assert (metric.name, metric.aggregation_type, metric.aggregation_key) == ("Bytes sent", "SUM", "bytes")
    assert metric.group_keys == [["region"]]
    assert made in [each.id for each in metrics.list(limit=1)]

    assert metrics.archive(id=made).data.id == made
    assert made not in [each.id for each in metrics.list()]
    assert made in [each.id for each in metrics.list(include_archived=True)]
    with pytest.raises(BadRequestError, match="already archived"):
        metrics.archive(id=made)
    with pytest.raises(BadRequestError, match="is archived"):
        metrics.update(billable_metric_id=made, name="Back")
    with pytest.raises(BadRequestError, match="archived billable metric"):
        sdk.v1.contracts.products.create(name="Bytes", type="USAGE", billable_metric_id=made)
    assert [action for _kind, action in ends_of(simulator)] == ["create", "update", "archive"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "aggregation_type or sql is required"),
        ({"sql": ""}, "sql must not be empty"),
        ({"sql": "select 1", "group_keys": [["a"]]}, "group_keys can't be given together with sql"),
        ({"aggregation_type": "SUM"}, "aggregation_key must be the name"),
        ({"aggregation_type": "COUNT", "event_type_filter": {"in_values": []}}, "must not be empty"),
        ({"aggregation_type": "COUNT", "group_keys": [[]]}, "group_keys must name at least one property"),
        ({"aggregation_type": "COUNT", "property_filters": [{"name": ""}]}, "name must not be empty"),
        ({"aggregation_type": "COUNT", "name": ""}, "name must not be empty"),
    ],
)
def test_an_impossible_metric_is_refused_and_nothing_is_made(sdk, simulator, given, words):
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.billable_metrics.create(**{"name": "Broken", **given})

    assert words in message(refused)
    assert simulator.ledger() == []


def test_an_unknown_metric_is_not_found(sdk):
    metrics = sdk.v1.billable_metrics
    for call in (
        lambda: metrics.retrieve(billable_metric_id=NOBODY),
        lambda: metrics.update(billable_metric_id=NOBODY, name="x"),
        lambda: metrics.archive(id=NOBODY),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_group_keys_of_a_product_are_one_compound_key_of_its_metric(sdk):
    metric = sdk.v1.billable_metrics.create(
        name="Calls", aggregation_type="COUNT", group_keys=[["region", "tier"]]
    ).data.id
    usage = {"name": "Calls", "type": "USAGE", "billable_metric_id": metric}
    products = sdk.v1.contracts.products

    made = products.create(**usage, pricing_group_key=["region"], presentation_group_key=["tier"]).data.id

    assert products.retrieve(id=made).data.current.pricing_group_key == ["region"]
    with pytest.raises(BadRequestError, match="must together be a group key"):
        products.create(**usage, pricing_group_key=["region"])
    with pytest.raises(BadRequestError, match="conversion_factor must be at least"):
        products.create(**usage, quantity_conversion={"conversion_factor": 0, "operation": "DIVIDE"})
    with pytest.raises(BadRequestError, match="decimal_places must be an integer"):
        products.create(**usage, quantity_rounding={"decimal_places": 1.5, "rounding_method": "ROUND_UP"})


def test_null_takes_a_conversion_away(sdk):
    metric = sdk.v1.billable_metrics.create(name="Calls", aggregation_type="COUNT").data.id
    products = sdk.v1.contracts.products
    made = products.create(
        name="Calls",
        type="USAGE",
        billable_metric_id=metric,
        quantity_conversion={"conversion_factor": 1000, "operation": "DIVIDE", "name": "thousands"},
    ).data.id

    products.update(product_id=made, starting_at="2020-01-01T00:00:00Z", quantity_conversion=None)

    product = products.retrieve(id=made).data
    assert product.initial.quantity_conversion.conversion_factor == 1000
    assert product.current.quantity_conversion is None


def test_a_custom_pricing_unit_is_listed_until_it_is_archived(sdk):
    units = sdk.v1.pricing_units
    made = units.create(name="AI credits").data.id
    assert {(each.name, each.is_currency) for each in units.list(limit=1)} >= {
        ("USD (cents)", True),
        ("AI credits", False),
    }

    assert units.archive(id=made).data.id == made

    assert made not in [each.id for each in units.list()]
    with pytest.raises(BadRequestError, match="already archived"):
        units.archive(id=made)
    with pytest.raises(BadRequestError, match="A currency can't be archived"):
        units.archive(id="2714e483-4ff1-48e4-9e25-ac732e8f24f2")
    with pytest.raises(BadRequestError, match="name must not be empty"):
        units.create(name="")
    with pytest.raises(NotFoundError):
        units.archive(id=NOBODY)


def test_a_seeded_account_has_a_catalogue_that_its_contracts_use(sdk, simulator):
    cards = {card.id: card for card in sdk.v1.contracts.rate_cards.list(body={})}
    contracts = simulator.control("GET", "snapshot")["main"]["contracts"].values()

    assert {card.name for card in cards.values()} == {
        f"List prices {code}" for code in ("USD", "EUR", "GBP", "JPY")
    }
    assert {contract["rate_card_id"] for (contract,) in contracts} <= cards.keys()
    for card_id in cards:
        rates = list(sdk.v1.contracts.rate_cards.rates.list(rate_card_id=card_id, at="2026-01-01T00:00:00Z"))
        assert [rate.product_name for rate in rates][:4] == [
            "Platform fee",
            "Platform fee",
            "Seats",
            "API requests",
        ]
        assert len(rates) == 10
    assert len(list(sdk.v1.contracts.products.list())) == 10
    assert len(list(sdk.v1.billable_metrics.list())) == 4
    assert len(list(sdk.v1.pricing_units.list())) == 5
