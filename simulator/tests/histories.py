"""Random histories of an account: what customers, a finance team, other people and time do to it.

The same seed and beginning give the same history. Most steps mean well; a share of them comes from the dice
of the fuzz, so that every route takes part.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import orjson

from simulator.agenda import catch_up
from simulator.amounts import USD
from simulator.http import Token
from simulator.seed import seeded
from simulator.service import Service
from simulator.tests.acts import ACTS, Acts
from simulator.tests.fuzzing import Dice
from simulator.world import Row, World

BEGIN = "2026-06-15T12:00:00.000Z"
WILD_SHARE = 0.15
# the first would leave nobody, the second answers 500 for an unknown customer, as the real service does
NEVER = ("POST /v1/customers/archive", "POST /v1/setCustomerBillingProviderConfigurations")
PRICING = "POST /v1/contract-pricing"


@dataclass(frozen=True)
class Step:
    """One request and its answer; `stored` says whether its Idempotency-Key keeps the answer."""

    name: str
    body: Any
    key: str
    status: int
    content: bytes
    at: str
    request_id: str
    stored: bool

    @property
    def is_control(self) -> bool:
        return " /_sim/" in self.name


class History(Acts):
    """An account, and the dice that move it. `state` is the snapshot that it begins with."""

    def __init__(self, seed: int, state: Row | None = None) -> None:
        self.dice = random.Random(seed)
        state = state or beginning(seed)
        self.service = Service({"ours": Token("main", "Ours")}, worlds={"main": World.restore(state)})
        self.steps: list[Step] = []
        self._wild = Dice(seed, state)
        self._number = 0

    @property
    def world(self) -> World:
        return self.service.worlds["main"]

    def catch_up(self) -> None:
        """Let happen what is due."""
        catch_up(self.world)

    def send(self, name: str, body: Any = None, key: str = "", **query: str) -> Step:
        """One request, after what is due has happened: nothing else changes anything."""
        self.catch_up()
        self._number += 1
        request = self.request(name, body, key=key, **query)
        request.request_id = f"request-{self._number}"
        reply = finished(self.service.answer(request)).reply
        kept = self.world.answers.get(f"Ours {key}") if key else None
        stored = kept is not None and kept["status"] is not None
        return Step(
            name, body, key, reply.status, reply.payload(), self.world.stamp(), request.request_id, stored
        )

    def take(self, name: str, body: Any, key: str = "") -> Step:
        """The same, and it goes down in the history."""
        self.steps.append(self.send(name, body, key))
        return self.steps[-1]

    def prepare(self) -> None:
        """A catalogue, two customers and a contract with some of everything."""
        for name, body in catalogue(self):
            step = self.take(name, body)
            assert step.status == 200, (name, body, step.content)

    def next(self) -> tuple[str, Any, str]:
        """What happens next: a request and its Idempotency-Key, if any."""
        key = f"key-{self._number}" if self.dice.random() < 0.4 else ""
        if self.dice.random() < WILD_SHARE:
            route, method, path, _query, body = self._wild.request()
            if route.writes and route.name not in NEVER and "%" not in path:
                return f"{method} {path}", body, key
        acts = [getattr(self, name) for name in ACTS]
        while True:
            asked = self.dice.choices(acts, list(ACTS.values()))[0]()
            if asked is not None:
                return *asked, "" if " /_sim/" in asked[0] else key


def finished(work: Any) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


def beginning(seed: int) -> Row:
    """The snapshot of an account whose clock stands still: an empty one, or a seeded one for odd numbers."""
    world = seeded(customers=5, plans=3, seed=seed) if seed % 2 else World(seed=seed)
    world.clock["frozen_at"] = world.stamp() if seed % 2 else BEGIN
    return world.snapshot()


def catalogue(history: History) -> Any:
    """Products, a rate card and a customer to begin with, one request after the other."""

    def made() -> str:
        return orjson.loads(history.steps[-1].content)["data"]["id"]

    metrics, cards = [], []
    count = {"name": "Calls", "aggregation_type": "COUNT", "group_keys": [["region"]]}
    volume = {"name": "Volume", "aggregation_type": "SUM", "aggregation_key": "amount"}
    volume["property_filters"] = [{"name": "amount", "exists": True}]
    for given in (count, volume):
        yield "POST /v1/billable-metrics/create", given
        metrics.append(made())
    prices = []
    calls = {"name": "Calls", "type": "USAGE", "billable_metric_id": metrics[0], "tags": ["api"]}
    yield f"{PRICING}/products/create", calls
    prices.append({"product_id": made(), "rate_type": "FLAT", "price": 10.5})
    yield f"{PRICING}/products/create", {"name": "Volume", "type": "USAGE", "billable_metric_id": metrics[1]}
    tiers = [{"price": 3.3, "size": 40}, {"price": 1.01}]
    prices.append({"product_id": made(), "rate_type": "TIERED", "tiers": tiers})
    yield f"{PRICING}/products/create", {"name": "Seats", "type": "SUBSCRIPTION"}
    seats = {"rate_type": "SUBSCRIPTION", "price": 199.99, "billing_frequency": "MONTHLY"}
    prices.append({"product_id": made(), **seats, "quantity": 1, "is_prorated": True})
    yield f"{PRICING}/products/create", {"name": "Fee", "type": "FIXED"}
    yield "POST /v1/credit-types/create", {"name": "Tokens"}
    tokens = made()
    yield f"{PRICING}/rate-cards/create", {"name": "In dollars"}
    cards.append(made())
    conversions = [{"custom_credit_type_id": tokens, "fiat_per_custom_credit": 0.7}]
    yield (
        f"{PRICING}/rate-cards/create",
        {"name": "In tokens", "fiat_credit_type_id": USD["id"], "credit_type_conversions": conversions},
    )
    cards.append(made())
    for card in cards:
        for price in prices:
            rate = {"rate_card_id": card, "entitled": True, "starting_at": "2025-01-01T00:00:00Z", **price}
            if card == cards[1] and price["rate_type"] == "FLAT":
                rate["credit_type_id"] = tokens
            yield f"{PRICING}/rate-cards/addRate", rate
    yield "POST /v1/customFields/addKey", {"entity": "customer", "key": "note", "enforce_uniqueness": False}
    yield "POST /v1/customers", {"name": "Acme", "ingest_aliases": ["acme"]}
