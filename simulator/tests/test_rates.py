"""Rates of rate cards, driven by the strict SDK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from metronome import BadRequestError, Metronome, NotFoundError

NOBODY = "00000000-0000-4000-8000-000000000000"
JAN, FEB, MAR = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"


@dataclass
class Catalogue:
    """One rate card, and a product of each kind that may stand on it."""

    card: str
    plain: str
    regional: str
    seats: str
    fee: str


@pytest.fixture
def catalogue(sdk: Metronome) -> Catalogue:
    create = sdk.v1.contracts.products.create
    metric = sdk.v1.billable_metrics.create(
        name="Calls", aggregation_type="COUNT", group_keys=[["region"]]
    ).data.id
    return Catalogue(
        card=sdk.v1.contracts.rate_cards.create(name="List 2026").data.id,
        plain=create(name="Calls", type="USAGE", billable_metric_id=metric, tags=["api"]).data.id,
        regional=create(
            name="Calls by region", type="USAGE", billable_metric_id=metric, pricing_group_key=["region"]
        ).data.id,
        seats=create(name="Seats", type="SUBSCRIPTION").data.id,
        fee=create(name="Fee", type="COMPOSITE", composite_tags=["api"]).data.id,
    )


def flat(catalogue: Catalogue, price: float, start: str, **more: Any) -> dict[str, Any]:
    return {
        "rate_card_id": catalogue.card,
        "product_id": catalogue.plain,
        "entitled": True,
        "rate_type": "FLAT",
        "price": price,
        "starting_at": start,
        **more,
    }


def schedule(sdk: Metronome, catalogue: Catalogue, **more: Any) -> list[tuple[Any, ...]]:
    """(price, start, end) of every segment."""
    rows = sdk.v1.contracts.rate_cards.retrieve_rate_schedule(
        rate_card_id=catalogue.card, starting_at=JAN, **more
    ).data
    return [
        (row.rate.price, f"{row.starting_at:%m}", row.ending_before and f"{row.ending_before:%m}")
        for row in rows
    ]


def test_a_flat_rate_is_answered_and_listed_as_added(sdk, simulator, catalogue):
    rates = sdk.v1.contracts.rate_cards.rates
    added = rates.add(**flat(catalogue, 12.5, JAN, commit_rate={"rate_type": "FLAT", "price": 10})).data

    (listed,) = rates.list(rate_card_id=catalogue.card, at=FEB)
    assert (added.rate_type, added.price, added.credit_type.name) == ("FLAT", 12.5, "USD (cents)")
    assert added.commit_rate.price == 10
    assert (listed.product_name, listed.product_tags, listed.entitled) == ("Calls", ["api"], True)
    assert (listed.rate.price, listed.commit_rate.price, listed.ending_before) == (12.5, 10, None)
    assert list(rates.list(rate_card_id=catalogue.card, at="2025-12-31T23:00:00Z")) == []
    assert simulator.ledger()[-1]["action"] == "add_rates"


def test_a_rate_of_the_same_start_replaces_the_first(sdk, catalogue):
    rates = sdk.v1.contracts.rate_cards.rates
    rates.add(**flat(catalogue, 1, JAN))
    rates.add(**flat(catalogue, 2, JAN))

    assert schedule(sdk, catalogue) == [(2, "01", None)]


def test_where_rates_overlap_the_one_that_starts_later_is_in_force(sdk, catalogue):
    rates = sdk.v1.contracts.rate_cards.rates
    rates.add(**flat(catalogue, 2, FEB, ending_before=MAR))
    rates.add(**flat(catalogue, 1, JAN))

    assert schedule(sdk, catalogue) == [(1, "01", "02"), (2, "02", "03"), (1, "03", None)]
    assert schedule(sdk, catalogue, ending_before=FEB) == [(1, "01", "02")]
    assert [each.rate.price for each in rates.list(rate_card_id=catalogue.card, at=FEB)] == [2]


def test_many_rates_are_added_together_and_found_by_selectors(sdk, catalogue):
    rates = sdk.v1.contracts.rate_cards.rates
    common = {"entitled": True, "starting_at": JAN}
    answer = rates.add_many(
        rate_card_id=catalogue.card,
        rates=[
            {
                **common,
                "product_id": catalogue.regional,
                "rate_type": "TIERED",
                "pricing_group_values": {"region": region},
                "tiers": [{"size": 100, "price": price}, {"price": price / 2}],
            }
            for region, price in (("eu", 4), ("us", 3))
        ]
        + [
            {
                **common,
                "product_id": catalogue.seats,
                "rate_type": "SUBSCRIPTION",
                "price": 900,
                "quantity": 5,
                "is_prorated": True,
                "billing_frequency": "MONTHLY",
            },
            {**common, "product_id": catalogue.fee, "rate_type": "PERCENTAGE", "price": 0.1},
            {**common, "product_id": catalogue.plain, "rate_type": "CUSTOM", "custom_rate": {"by": "hand"}},
        ],
    )

    def found(*selectors: dict[str, Any], limit: int = 2) -> list[tuple[str, Any]]:
        rows = rates.list(rate_card_id=catalogue.card, at=JAN, selectors=selectors, limit=limit)
        return [(row.rate.rate_type, row.pricing_group_values) for row in rows]

    assert answer.data.id == catalogue.card
    assert len(found()) == 5
    assert found({"product_id": catalogue.regional}) == [
        ("TIERED", {"region": "eu"}),
        ("TIERED", {"region": "us"}),
    ]
    assert found({"pricing_group_values": {"region": "us"}}) == [("TIERED", {"region": "us"})]
    assert found({"partial_pricing_group_values": {"region": "eu"}}) == [("TIERED", {"region": "eu"})]
    assert found({"billing_frequency": "MONTHLY"}, {"product_tags": ["api"]}) == [
        ("SUBSCRIPTION", None),
        ("CUSTOM", None),
    ]


def test_products_are_listed_in_the_order_that_was_set(sdk, simulator, catalogue):
    rates, order = sdk.v1.contracts.rate_cards.rates, sdk.v1.contracts.rate_cards.product_orders
    rates.add(**flat(catalogue, 1, JAN))
    rates.add(**flat(catalogue, 2, JAN, product_id=catalogue.seats, billing_frequency="ANNUAL"))
    rates.add(**flat(catalogue, 0.5, JAN, product_id=catalogue.fee, rate_type="PERCENTAGE"))

    def names() -> list[str]:
        return [each.product_name for each in rates.list(rate_card_id=catalogue.card, at=JAN)]

    assert names() == ["Calls", "Seats", "Fee"]
    order.set(rate_card_id=catalogue.card, product_order=[catalogue.fee])
    assert names() == ["Fee", "Calls", "Seats"]
    order.update(
        rate_card_id=catalogue.card,
        product_moves=[
            {"product_id": catalogue.seats, "position": 0},
            {"product_id": catalogue.fee, "position": 9},
        ],
    )
    assert names() == ["Seats", "Calls", "Fee"]
    assert simulator.ledger()[-1]["action"] == "update_product_order"


def test_the_order_takes_only_products_of_the_card(sdk, catalogue):
    order = sdk.v1.contracts.rate_cards.product_orders
    sdk.v1.contracts.rate_cards.rates.add(**flat(catalogue, 1, JAN))

    with pytest.raises(BadRequestError, match="No such product in rate card"):
        order.set(rate_card_id=catalogue.card, product_order=[catalogue.fee])
    with pytest.raises(BadRequestError, match="names a product twice"):
        order.set(rate_card_id=catalogue.card, product_order=[catalogue.plain, catalogue.plain])
    with pytest.raises(BadRequestError, match="position must be an integer"):
        order.update(
            rate_card_id=catalogue.card, product_moves=[{"product_id": catalogue.plain, "position": -1}]
        )
    with pytest.raises(NotFoundError):
        order.set(rate_card_id=NOBODY, product_order=[])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"price": -1}, "price must be at least 0"),
        ({"starting_at": "2026-01-01T00:30:00Z"}, "starting_at is required to be on an hour boundary"),
        ({"ending_before": JAN}, "ending_before must be after its start"),
        ({"rate_type": "TIERED"}, "tiers is required for TIERED rates"),
        ({"rate_type": "TIERED", "tiers": [{"price": 1}, {"price": 2}]}, "tiers.size is required"),
        ({"rate_type": "CUSTOM"}, "custom_rate is required"),
        ({"rate_type": "PERCENTAGE"}, "A PERCENTAGE rate can't be added for a USAGE product"),
        ({"billing_frequency": "MONTHLY"}, "billing_frequency is required for SUBSCRIPTION products"),
        (
            {"pricing_group_values": {"region": "eu"}},
            "pricing_group_values must name every pricing group key",
        ),
        ({"is_prorated": True}, "is_prorated is only valid for SUBSCRIPTION rates"),
        ({"quantity": -1}, "quantity must be at least 0"),
        ({"credit_type_id": NOBODY}, "credit_type_id holds an unknown pricing unit"),
        ({"commit_rate": {"rate_type": "FLAT"}}, "commit_rate.price is required"),
        ({"product_id": NOBODY}, "product_id holds an unknown or archived product"),
    ],
)
def test_an_impossible_rate_is_refused_and_nothing_is_added(sdk, catalogue, change, words):
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.contracts.rate_cards.rates.add(**(flat(catalogue, 1, JAN) | change))

    assert words in refused.value.body["message"]
    assert schedule(sdk, catalogue) == []


def test_one_impossible_rate_among_many_refuses_all(sdk, catalogue):
    rates = sdk.v1.contracts.rate_cards.rates
    both = [flat(catalogue, 1, JAN), flat(catalogue, -1, FEB)]

    with pytest.raises(BadRequestError):
        rates.add_many(rate_card_id=catalogue.card, rates=both)
    with pytest.raises(BadRequestError, match="rates must not be empty"):
        rates.add_many(rate_card_id=catalogue.card, rates=[])

    assert schedule(sdk, catalogue) == []


def test_rates_of_an_unknown_or_archived_card_are_refused(sdk, catalogue):
    cards = sdk.v1.contracts.rate_cards
    with pytest.raises(NotFoundError):
        cards.rates.add(**flat(catalogue, 1, JAN, rate_card_id=NOBODY))
    with pytest.raises(NotFoundError):
        cards.rates.list(rate_card_id=NOBODY, at=JAN)
    with pytest.raises(NotFoundError):
        cards.retrieve_rate_schedule(rate_card_id=NOBODY, starting_at=JAN)
    cards.archive(id=catalogue.card)
    with pytest.raises(BadRequestError, match="Rate card is archived"):
        cards.rates.add(**flat(catalogue, 1, JAN))
