"""The simulator alone: no Django, no database of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from metronome import Metronome

from simulator.running import TOKEN, RunningSimulator
from simulator.tests.accounts import BEGIN, Account, rate
from simulator.tests.contracting import JAN, NOW, Market

pytest_plugins = ["simulator.pytest_plugin"]


@pytest.fixture
def sdk(simulator: RunningSimulator) -> Iterator[Metronome]:
    """The official SDK, strict: an answer that is not of its type raises."""
    with Metronome(
        base_url=simulator.url, bearer_token=TOKEN, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def market(sdk: Metronome, simulator: RunningSimulator) -> Market:
    """One customer, and a rate card with calls at 10 cents and seats at 500 cents a month."""
    simulator.control("POST", "clock", {"at": NOW, "frozen": True})
    create = sdk.v1.contracts.products.create
    metric = sdk.v1.billable_metrics.create(name="Calls", aggregation_type="COUNT").data.id
    made = Market(
        customer=sdk.v1.customers.create(name="Acme", ingest_aliases=["acme"]).data.id,
        card=sdk.v1.contracts.rate_cards.create(name="List", aliases=[{"name": "list"}]).data.id,
        calls=create(name="Calls", type="USAGE", billable_metric_id=metric, tags=["api"]).data.id,
        seats=create(name="Seats", type="SUBSCRIPTION").data.id,
        fee=create(name="Fee", type="FIXED").data.id,
        advice=create(name="Advice", type="PRO_SERVICE").data.id,
    )
    add = sdk.v1.contracts.rate_cards.rates.add
    common: dict[str, Any] = {"rate_card_id": made.card, "entitled": True, "starting_at": JAN}
    add(product_id=made.calls, rate_type="FLAT", price=10, **common)
    add(
        product_id=made.seats,
        rate_type="SUBSCRIPTION",
        price=500,
        quantity=1,
        is_prorated=True,
        billing_frequency="MONTHLY",
        **common,
    )
    return made


@pytest.fixture
def account(sdk: Metronome, simulator: RunningSimulator) -> Account:
    simulator.control("POST", "clock", {"at": BEGIN, "frozen": True})
    metric = sdk.v1.billable_metrics.create(
        name="Calls",
        aggregation_type="SUM",
        aggregation_key="n",
        event_type_filter={"in_values": ["call"]},
        property_filters=[{"name": "n", "exists": True}, {"name": "region"}],
        group_keys=[["region"]],
    ).data.id
    products = sdk.v1.contracts.products
    calls = products.create(name="Calls", type="USAGE", billable_metric_id=metric).data.id
    fixed = products.create(name="Platform fee", type="FIXED").data.id
    card = sdk.v1.contracts.rate_cards.create(name="List prices").data.id
    rate(sdk, card, calls, rate_type="FLAT", price=2)
    customer = sdk.v1.customers.create(name="Clockwork AB").data.id
    yield Account(sdk, simulator, customer, metric, calls, fixed, card)
    simulator.control("POST", "clock", {"offset_seconds": 0})
