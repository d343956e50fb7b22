"""The catalogue of a seeded account: what it meters, sells, and at which list prices in four currencies.

Prices are made for their currency: what they come to fits it, two places for euros and pounds, none for yen.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from simulator.amounts import USD
from simulator.api import packages
from simulator.api.billable_metrics import put_metric
from simulator.api.products import put_product
from simulator.api.rate_cards import put_rate_card
from simulator.api.rates import put_rates
from simulator.checks import rfc3339
from simulator.world import Row, World

CURRENCIES = [
    USD,
    {"id": "5a1d9f6e-3b1c-4c38-9a63-2f6f0f6b7a01", "name": "EUR"},
    {"id": "8f0a4d3b-7c55-4a56-8b1e-93c1f9f1c702", "name": "GBP"},
    {"id": "c2b7e5a9-1f2d-4d39-b1aa-0d6a1f0e4803", "name": "JPY"},
]
PRICES: dict[str, dict[str, Any]] = {  # by currency, in its own unit: cents for dollars
    "USD (cents)": {
        "fee": 49_900,
        "year": 499_000,
        "seat": 2_500,
        "regions": (0.5, 0.4, 0.6),
        "transfer": (90, 70),
        "storage": (10, 8, 5),
        "credit": 100,
    },
    "EUR": {
        "fee": 449,
        "year": 4_490,
        "seat": 22,
        "regions": (0.0045, 0.0036, 0.0054),
        "transfer": (0.8, 0.6),
        "storage": (0.1, 0.08, 0.05),
        "credit": 0.9,
    },
    "GBP": {
        "fee": 399,
        "year": 3_990,
        "seat": 20,
        "regions": (0.004, 0.0032, 0.0048),
        "transfer": (0.7, 0.5),
        "storage": (0.08, 0.06, 0.04),
        "credit": 0.8,
    },
    "JPY": {
        "fee": 74_900,
        "year": 749_000,
        "seat": 3_700,
        "regions": (0.75, 0.6, 0.9),
        "transfer": (140, 100),
        "storage": (15, 12, 10),
        "credit": 150,
    },
}
PREPAID = "Prepaid commit"
GOODWILL = "Goodwill credit"
REGIONS = ("eu-west", "us-east", "ap-south")
BLOCK_BYTES = 10_000_000_000
AGE_DAYS = 1_600


def seed_catalogue(world: World, today: datetime) -> None:
    """Put a catalogue into a world that has none: the same one for every seed, its ids too."""
    own, world.random = world.random, random.Random("catalogue")
    since = rfc3339(today - timedelta(days=AGE_DAYS))
    for currency in CURRENCIES:
        world.pricing_units[currency["id"]] = {**currency, "is_currency": True}
    credits = {"id": world.new_id(), "name": "AI credits"}
    world.pricing_units[credits["id"]] = {**credits, "is_currency": False}
    products = _products(world, _metrics(world), since)
    for currency in CURRENCIES:
        _rate_card(world, products, currency, credits, since)
    _package(world, products, since)
    world.random = own


def list_prices_in(world: World, currency: Row) -> str:
    """The id of the seeded rate card in a currency."""
    cards = world.rate_cards.values()
    return next(card["id"] for card in cards if card["fiat_credit_type"]["id"] == currency["id"])


def product_named(world: World, name: str) -> str:
    """The id of a seeded product."""
    return next(row["id"] for row in world.products.values() if row["current"]["name"] == name)


def daily_usage(world: World, size: int) -> dict[str, float]:
    """What a customer of a size from 0 uses every day of the metrics without groups, by metric."""
    amounts = {
        "Bytes transferred": (3 + size * 37 % 389) * BLOCK_BYTES,
        "Stored gigabytes": (1 + size * 17 % 97) * 100,
    }
    metrics = world.billable_metrics.values()
    return {each["id"]: amounts[each["name"]] for each in metrics if each["name"] in amounts}


def _metrics(world: World) -> dict[str, str]:
    """Name → id."""

    def metric(name: str, event: str, kind: str, key: str | None = None, groups: Any = ()) -> Row:
        row: Row = {"name": name, "aggregation_type": kind, "event_type_filter": {"in_values": [event]}}
        if key:
            row |= {"aggregation_key": key, "property_filters": [{"name": key, "exists": True}]}
        return row | ({"group_keys": [list(each) for each in groups]} if groups else {})

    rows = [
        metric("API requests", "api_request", "COUNT", groups=[["region"]]),
        metric("Bytes transferred", "transfer", "SUM", "bytes"),
        metric("Stored gigabytes", "storage", "MAX", "gigabytes"),
        metric("Tokens", "completion", "SUM", "tokens", groups=[["model"]]),
    ]
    return {row["name"]: put_metric(world, row)["id"] for row in rows}


def _products(world: World, metrics: dict[str, str], since: str) -> dict[str, Row]:
    """By name."""
    blocks = {"conversion_factor": BLOCK_BYTES, "operation": "DIVIDE", "name": "bytes to 10 GB"}
    kinds: dict[str, tuple[str, Row]] = {
        "API requests": (
            "USAGE",
            {
                "billable_metric_id": metrics["API requests"],
                "pricing_group_key": ["region"],
                "tags": ["platform"],
            },
        ),
        "Data transfer": (
            "USAGE",
            {
                "billable_metric_id": metrics["Bytes transferred"],
                "quantity_conversion": blocks,
                "quantity_rounding": {"rounding_method": "ROUND_UP", "decimal_places": 0},
                "tags": ["platform"],
            },
        ),
        "Storage": ("USAGE", {"billable_metric_id": metrics["Stored gigabytes"], "tags": ["platform"]}),
        "Assistant": (
            "USAGE",
            {
                "billable_metric_id": metrics["Tokens"],
                "presentation_group_key": ["model"],
                "tags": ["assistant"],
            },
        ),
        "Seats": ("SUBSCRIPTION", {}),
        "Platform fee": ("SUBSCRIPTION", {}),
        "Premium support": ("COMPOSITE", {"composite_tags": ["platform"]}),
        PREPAID: ("FIXED", {}),
        GOODWILL: ("FIXED", {}),
        "Implementation": ("FIXED", {}),
        "Onboarding": ("PRO_SERVICE", {}),
    }
    made = {"created_at": since, "created_by": "seed"}
    return {
        name: put_product(world, kind, {"name": name, **members, **made})
        for name, (kind, members) in kinds.items()
    }


def _rate_card(world: World, products: dict[str, Row], currency: Row, credits: Row, since: str) -> None:
    """List prices in one currency."""
    code, prices = currency["name"].split(" ")[0], PRICES[currency["name"]]
    card = put_rate_card(
        world,
        {
            "name": f"List prices {code}",
            "description": f"What everybody pays in {code} unless their contract says otherwise",
            "created_at": since,
            "created_by": "seed",
            "fiat_credit_type": dict(currency),
            "credit_type_conversions": [
                {"custom_credit_type": dict(credits), "fiat_per_custom_credit": str(prices["credit"])}
            ],
            "aliases": [{"name": f"list-{code.lower()}"}],
        },
    )

    def rate(name: str, kind: str = "FLAT", unit: Row | None = currency, **members: Any) -> Row:
        row: Row = {"product_id": products[name]["id"], "starting_at": since, "ending_before": None}
        row |= {"entitled": True, "rate_type": kind, **members}
        return row | ({"credit_type": dict(unit)} if unit else {})

    sizes = ({"size": 1_000}, {"size": 9_000}, {})
    tiers = [{**size, "price": price} for size, price in zip(sizes, prices["storage"], strict=True)]
    transfer, committed = prices["transfer"]
    put_rates(
        world,
        card,
        [
            rate("Platform fee", price=prices["fee"], billing_frequency="MONTHLY"),
            rate("Platform fee", price=prices["year"], billing_frequency="ANNUAL"),
            rate("Seats", price=prices["seat"], billing_frequency="MONTHLY"),
            *(
                rate("API requests", price=price, pricing_group_values={"region": region})
                for region, price in zip(REGIONS, prices["regions"], strict=True)
            ),
            rate("Data transfer", price=transfer, commit_rate={"rate_type": "FLAT", "price": committed}),
            rate("Storage", "TIERED", tiers=tiers),
            rate("Assistant", unit=credits, price=0.000_2),
            rate("Premium support", "PERCENTAGE", unit=None, price=0.1),
        ],
    )


def _package(world: World, products: dict[str, Row], since: str) -> None:
    """A year at list prices with seats, a monthly fee, and a balance paid in advance."""
    now, year = {"value": 0, "unit": "DAYS"}, {"value": 1, "unit": "YEARS"}
    balance = {"amount": 1_000_000, "starting_at_offset": now, "duration": year}
    given = {
        "name": "Growth",
        "contract_name": "Growth",
        "rate_card_id": list_prices_in(world, USD),
        "aliases": [{"name": "growth"}],
        "duration": year,
        "net_payment_terms_days": 30,
        "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
        "subscriptions": [
            {
                "name": name,
                "subscription_rate": {"product_id": products[name]["id"], "billing_frequency": "MONTHLY"},
                "collection_schedule": "ADVANCE",
                "proration": {},
                "initial_quantity": quantity,
            }
            for name, quantity in (("Platform fee", 1), ("Seats", 5))
        ],
        "commits": [
            {
                "type": "PREPAID",
                "product_id": products[PREPAID]["id"],
                "name": "Prepaid balance",
                "priority": 1,
                "access_schedule": {"schedule_items": [balance]},
                "invoice_schedule": {
                    "schedule_items": [{"unit_price": 900_000, "quantity": 1, "date_offset": now}]
                },
            }
        ],
    }
    package = {**packages.built(world, given, "seed"), "created_at": since}
    world.packages[package["id"]] = package
