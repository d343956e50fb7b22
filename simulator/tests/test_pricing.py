"""What rates, overrides and quantities make of a price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.agenda import later
from simulator.engine.invoices.lines import usage_lines
from simulator.engine.prices import pricing
from simulator.engine.prices.usage import meter
from simulator.world import World

MONTHS = [f"2026-{month:02}-01T00:00:00.000Z" for month in range(1, 9)]
FLAT = {"product_id": "p", "rate_type": "FLAT", "price": 10, "entitled": True, "credit_type": {"id": "usd"}}


@pytest.mark.parametrize(
    ("rate", "quantity", "cost"),
    [
        ({"rate_type": "FLAT", "price": 0.1}, 3, "0.3"),
        ({"rate_type": "SUBSCRIPTION", "price": 900}, 5, "4500"),
        ({"rate_type": "PERCENTAGE", "price": 0.25}, 10, "2.50"),
        ({"rate_type": "TIERED", "tiers": [{"size": 10, "price": 2}, {"price": 1}]}, 15, "25"),
        ({"rate_type": "TIERED", "tiers": [{"size": 10, "price": 2}, {"price": 1}]}, 4, "8"),
        ({"rate_type": "TIERED", "tiers": [{"size": 10, "price": 2}, {"size": 5, "price": 1}]}, 30, "40"),
        ({"rate_type": "CUSTOM", "custom_rate": {}}, 30, "0"),
    ],
)
def test_a_quantity_has_its_price(rate, quantity, cost):
    assert pricing.price(rate, quantity) == Decimal(cost)


def test_the_newest_overwrite_beats_every_multiplier():
    overrides = [
        {"multiplier": 0.1},
        {"overwrite_rate": {"rate_type": "FLAT", "price": 7}},
        {"overwrite_rate": {"rate_type": "FLAT", "price": 8}, "entitled": False},
    ]

    assert pricing.overridden(FLAT, overrides, None) == {**FLAT, "price": 8, "entitled": False}


def test_of_several_multipliers_the_lowest_counts_or_the_one_of_lowest_priority():
    overrides = [{"multiplier": 0.5, "priority": 2}, {"multiplier": 0.9, "priority": 1}]

    assert pricing.overridden(FLAT, overrides, None)["price"] == 5
    assert pricing.overridden(FLAT, overrides, "EXPLICIT")["price"] == 9


def test_a_multiplied_price_keeps_all_its_places():
    scaled = pricing.overridden({**FLAT, "price": 0.000001}, [{"multiplier": 0.75}], None)
    tiers = [{"multiplier": 0.75}]
    tiered = pricing.overridden({**FLAT, "price": 0.000001}, [{"override_tiers": tiers, "priority": 1}], None)

    assert pricing.price(scaled, 10**9) == pricing.price(tiered, 10**9) == 750


def test_override_tiers_make_a_flat_price_a_tiered_one():
    override = {"override_tiers": [{"size": 100, "multiplier": 1}, {"multiplier": 0.5}], "priority": 1}

    rate = pricing.overridden(FLAT, [override], None)

    assert (rate["rate_type"], rate["tiers"]) == ("TIERED", [{"price": 10, "size": 100}, {"price": 5}])
    assert pricing.price(rate, 150) == Decimal(1250)


def test_override_tiers_multiply_the_tiers_of_a_rate_range_by_range():
    """Of 35: 10 at 5×0.9, 5 at 3×0.9, 15 at 3×0.5, 5 at 1.5×0.5; and 0.9 for the first 5 alone."""
    listed = {
        "product_id": "p",
        "rate_type": "TIERED",
        "tiers": [{"price": 5, "size": 10}, {"price": 3, "size": 20}, {"price": 1.5}],
    }
    half = {"override_tiers": [{"multiplier": 0.9, "size": 15}, {"multiplier": 0.5}], "priority": 1}
    first = {"override_tiers": [{"multiplier": 0.9, "size": 5}], "priority": 1}

    rate = pricing.overridden(listed, [half], "EXPLICIT")

    assert rate["tiers"] == [
        {"price": 4.5, "size": 10},
        {"price": 2.7, "size": 5},
        {"price": 1.5, "size": 15},
        {"price": 0.75},
    ]
    assert pricing.price(rate, 35) == Decimal("84.75")
    assert pricing.price(pricing.overridden(FLAT, [first], "EXPLICIT"), 8) == Decimal(75)
    assert pricing.price(pricing.overridden(listed, [first], "EXPLICIT"), 12) == Decimal("53.5")


def test_a_quantity_is_converted_and_then_rounded():
    product = {
        "current": {
            "quantity_conversion": {"conversion_factor": 1000, "operation": "DIVIDE"},
            "quantity_rounding": {"decimal_places": 0, "rounding_method": "ROUND_UP"},
        }
    }

    assert pricing.billed_quantity(product, Decimal(1001)) == Decimal(2)
    assert pricing.billed_quantity({"current": {}}, Decimal(1001)) == Decimal(1001)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(MONTHS[:-1]),
            st.sampled_from([*MONTHS[1:], None]),
            st.sampled_from(["eu", "us", None]),
        ),
        max_size=8,
    )
)
def test_segments_never_overlap_and_are_what_is_in_force_at_every_instant(spans: list[tuple[Any, ...]]):
    rates: list[dict[str, Any]] = []
    for number, (start, end, region) in enumerate(spans):
        rate = {"product_id": "p", "price": number, "starting_at": start, "ending_before": end}
        rate |= {"pricing_group_values": {"region": region}} if region else {}
        same = [
            pricing.line_of(each) == pricing.line_of(rate) and each["starting_at"] == start for each in rates
        ]
        if not any(same) and (end is None or start < end):
            rates.append(rate)
    world = World(rates_of={"card": rates})

    segments = pricing.segments(rates)

    for at in MONTHS:
        in_force = [each["price"] for each in segments if pricing.covers(each, at)]
        assert sorted(in_force) == sorted(each["price"] for each in pricing.rates_on(world, "card", "p", at))


def test_a_price_for_group_values_beats_one_for_all_and_without_any_nothing_is_billed():
    start = {"product_id": "p", "starting_at": MONTHS[0]}
    eu = {**start, "price": 2, "pricing_group_values": {"region": "eu"}}
    yearly = {**start, "price": 3, "billing_frequency": "ANNUAL"}
    world = World(rates_of={"card": [{**start, "price": 1}, eu, yearly], "other": [eu]})

    def price(card: str, values: dict[str, str] | None, frequency: str | None = None) -> Any:
        rate = pricing.list_rate(world, card, "p", MONTHS[1], values, frequency)
        return rate and rate["price"]

    assert price("card", {"region": "eu", "model": "a"}) == 2
    assert price("card", {"region": "us"}) == 1
    assert price("card", None, "ANNUAL") == 3
    assert price("other", {"region": "us"}) is None


def test_an_override_holds_for_what_it_specifies_and_while_it_lasts():
    world = World(
        products={"p": {"current": {"tags": ["api", "eu"]}}},
        rates_of={"card": [{**FLAT, "starting_at": MONTHS[0], "pricing_group_values": {"region": "eu"}}]},
    )

    def price(at: str = MONTHS[1], **override: Any) -> Any:
        row = {"starting_at": MONTHS[1], "ending_before": MONTHS[2], "multiplier": 0.5, **override}
        contract = {"rate_card_id": "card", "overrides": [row]}
        return pricing.contract_rate(world, contract, "p", at, {"region": "eu", "model": "a"})["price"]

    def specified(**specifier: Any) -> Any:
        return price(override_specifiers=[{"product_id": "another"}, specifier])

    assert [price(at) for at in MONTHS[:3]] == [10, 5, 10]
    assert price(is_commit_specific=True) == 10
    assert (price(product={"id": "p"}), price(product={"id": "another"})) == (5, 10)
    assert [price(applicable_product_tags=each) for each in (["api"], ["api", "x"], ["x"])] == [5, 5, 10]
    assert [specified(product_tags=each) for each in (["api"], ["x"], ["api", "x"])] == [5, 10, 10]
    assert (specified(pricing_group_values={"region": "eu"}), specified(billing_frequency="ANNUAL")) == (
        5,
        10,
    )
    assert specified(presentation_group_values={"model": "a"}) == 5
    assert specified(presentation_group_values={"model": "b"}) == 10


def metered(rates: list[Any], events: int, **contract: Any) -> tuple[World, dict[str, Any]]:
    """A product by region and model, its rates, and one event an hour with a region and a model."""
    metric = {"id": "m", "aggregation_type": "COUNT", "event_type_filter": {}}
    state = {"name": "P", "billable_metric_id": "m"}
    state |= {"pricing_group_key": ["region"], "presentation_group_key": ["model"]}
    used = [
        {
            "customer_id": "c",
            "event_type": "call",
            "timestamp": later(MONTHS[0], hours=number),
            "properties": {"region": str(number), "model": "ab"[number % 2]},
        }
        for number in range(events)
    ]
    world = World(
        products={"p": {"id": "p", "type": "USAGE", "current": state}},
        billable_metrics={"m": metric},
        rates_of={"card": rates},
        customers={"c": {"id": "c", "ingest_aliases": [], "created_at": MONTHS[0]}},
        events_by_name={"c": used},
    )
    return world, {"customer_id": "c", "rate_card_id": "card", **contract}


def test_an_override_for_a_presentation_group_prices_only_its_lines():
    override: dict[str, Any] = {"starting_at": MONTHS[0], "multiplier": 0.5}
    override["override_specifiers"] = [{"presentation_group_values": {"model": "a"}}]
    world, contract = metered([{**FLAT, "starting_at": MONTHS[0]}], 4, overrides=[override])

    lines = usage_lines(world, contract, meter(world, "c"), MONTHS[0], MONTHS[1])

    assert [(each["presentation_group_values"]["model"], each["total"]) for each in lines] == [
        ("a", 5),
        ("b", 10),
        ("a", 5),
        ("b", 10),
    ]


def test_a_thousand_rates_of_one_product_in_a_period_are_priced_each_in_its_time():
    rates = [
        {
            **FLAT,
            "price": number % 7,
            "starting_at": later(MONTHS[0], hours=hour),
            "pricing_group_values": {"region": str(number)},
        }
        for number in range(500)
        for hour in (0, number + 1)
    ]
    rates = [{**each, "price": each["price"] + (each["starting_at"] != MONTHS[0])} for each in rates]
    world, contract = metered(rates, 500)

    lines = usage_lines(world, contract, meter(world, "c"), MONTHS[0], MONTHS[1])

    assert [(each["pricing_group_values"]["region"], each["total"]) for each in lines] == [
        (str(number), number % 7) for number in range(500)
    ]


def test_a_period_is_cut_only_where_a_price_changes():
    prices = [(0, 10), (5, 10), (9, 20)]
    rates = [{**FLAT, "starting_at": later(MONTHS[0], hours=hour), "price": price} for hour, price in prices]
    overwrite = {
        "starting_at": later(MONTHS[0], hours=20),
        "overwrite_rate": {"rate_type": "FLAT", "price": 1},
    }
    rates.append({**FLAT, "starting_at": later(MONTHS[0], hours=30), "price": 30})
    world, contract = metered(rates, 40, overrides=[overwrite])
    world.products["p"]["current"] |= {"pricing_group_key": [], "presentation_group_key": []}

    lines = usage_lines(world, contract, meter(world, "c"), MONTHS[0], MONTHS[1])

    assert [(each["quantity"], each["unit_price"]) for each in lines] == [(9, 10), (11, 20), (20, 1)]


@pytest.mark.parametrize(
    "meant",
    [
        {"applicable_product_tags": ["x", "y"]},
        {"override_specifiers": [{"product_tags": ["api", "x"]}]},
        {"override_specifiers": [{"product_id": "another"}]},
    ],
)
def test_an_override_of_other_products_cuts_no_period(meant: dict[str, Any]):
    override = {"starting_at": later(MONTHS[0], hours=2), "multiplier": 0.8, **meant}
    world, contract = metered([{**FLAT, "starting_at": MONTHS[0]}], 4, overrides=[override])
    world.products["p"]["current"] |= {"pricing_group_key": [], "presentation_group_key": [], "tags": ["api"]}

    lines = usage_lines(world, contract, meter(world, "c"), MONTHS[0], MONTHS[1])

    assert [(each["quantity"], each["total"]) for each in lines] == [(4, 40)]


def test_without_a_rate_card_nothing_has_a_price():
    assert pricing.contract_rate(World(), {"overrides": []}, "p", MONTHS[0]) is None
