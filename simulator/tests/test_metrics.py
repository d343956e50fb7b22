"""Billable metrics, what products make of them, and pricing units, driven by the strict SDK."""

from __future__ import annotations

import pytest
from metronome import BadRequestError, NotFoundError

NOBODY = "00000000-0000-4000-8000-000000000000"


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
    assert [row["action"] for row in simulator.ledger()] == ["create", "update", "archive"]


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

    assert words in refused.value.body["message"]
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
