"""Contracts that really lived, and their copies: a seeded invoice is what its usage and its terms make.

A model is one customer's contract of one currency, length and set of terms, made by the API's own routes and
moved on by the account's own clock. Customers get copies of it under ids of their own, which takes no longer
than writing them down.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson

from simulator import agenda
from simulator.api import contracts, customers
from simulator.checks import moment_of
from simulator.http import Request, Token
from simulator.routing import ROUTES
from simulator.seed_catalogue import daily_usage, list_prices_in, seed_catalogue
from simulator.seed_terms import TERMS, Seller
from simulator.world import Row, World

__all__ = ["contracts", "customers", "models_of"]  # the former register the routes that make a model
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
ARCHIVED_DAYS = 12
LONGEST = 24  # months, of contracts that have an end
BY = Token("main", "seed")


class Model:
    """One customer's contract, balances, invoices and future, to be copied: what names no id is shared."""

    def __init__(self, world: World, customer: Row) -> None:
        own = customer["id"]
        (contract,) = world.contracts_of[own]
        balances = [world.balances[each] for each in world.balances_of.get(own, [])]
        mine = {own, contract["id"], *(each["id"] for each in balances)}
        pieces = {
            "contract": contract,
            "balances": balances,
            "invoices": world.invoices_of[own],
            "agenda": [row for row in sorted(world.agenda) if mine & set(map(str, row[3].values()))],
        }
        catalogue = {*world.products, *world.rate_cards, *world.pricing_units, *world.billable_metrics}
        ids = dict.fromkeys(
            each for each in ID.findall(orjson.dumps(pieces).decode()) if each not in catalogue
        )
        self._places = {each: place for place, each in enumerate(ids)}
        self._copy = _copier(pieces, self._places)
        self._own, self._contract = self._places[own], self._places[contract["id"]]
        self._wake = world.invoice_wakes.get(contract["id"])
        self._daily = world.daily_usage_of[own]
        self._archived_at = customer["archived_at"]

    def copy_to(self, world: World, customer: Row) -> None:
        """Give a customer the contract and all that has come of it. The agenda is a heap only afterwards."""
        own = customer["id"]
        ids = [world.new_id() for _place in self._places]
        ids[self._own] = own
        pieces = _copied(self._copy, ids)
        world.contracts_of[own] = [pieces["contract"]]
        since = min(customer["created_at"], pieces["contract"]["starting_at"])
        customer["created_at"] = customer["updated_at"] = since
        world.customer_of_contract[ids[self._contract]] = own
        for balance in pieces["balances"]:
            world.balances[balance["id"]] = balance
            world.balances_of.setdefault(own, []).append(balance["id"])
        for invoice in pieces["invoices"]:
            if "line_items" in invoice:
                invoice["customer_custom_fields"] = dict(customer["custom_fields"])
        world.invoices_of[own] = pieces["invoices"]
        world.daily_usage_of[own] = self._daily
        for row in pieces["agenda"]:
            world.agenda_number += 1
            row[1] = world.agenda_number + (agenda.LAST if row[1] > agenda.LAST else 0)
            world.agenda.append(row)
        if self._wake:
            world.invoice_wakes[ids[self._contract]] = self._wake
        if self._archived_at:
            customer["archived_at"] = customer["updated_at"] = self._archived_at


def _copier(value: Any, places: dict[str, int]) -> Any:
    """How to copy JSON values: the place of an id, (a container, its parts that aren't shared), or None.

    Lists are never shared, as things are put into them.
    """
    if isinstance(value, str):
        return places.get(value)
    if not isinstance(value, dict | list):
        return None
    items = value.items() if isinstance(value, dict) else enumerate(value)
    parts = [(key, part) for key, inner in items if (part := _copier(inner, places)) is not None]
    return (value, parts) if parts or isinstance(value, list) else None


def _copied(copier: tuple[Any, list[Any]], ids: list[str]) -> Any:
    """A copy with these ids."""
    value, parts = copier
    fresh = value.copy()
    for key, part in parts:
        fresh[key] = ids[part] if type(part) is int else _copied(part, ids)
    return fresh


class Models:
    """The models of one day, each made when it is first asked for."""

    def __init__(self, today: str) -> None:
        self._today, self._made = today, {}

    def of(self, currency_id: str, months: int, terms: int, *, gone: bool) -> Model:
        """A contract that began so many months ago, this one included; `gone`: archived with its customer."""
        key = (currency_id, months, terms, gone)
        if key not in self._made:
            self._made[key] = self._live(*key)
        return self._made[key]

    def _live(self, currency_id: str, months: int, terms: int, gone: bool) -> Model:
        world = World(seed=0)
        world.random.seed(repr((currency_id, months, terms, gone)))
        today = moment_of(self._today, "today")
        seed_catalogue(world, today)
        start = agenda.months_later(f"{self._today[:7]}-01T00:00:00.000Z", 1 - months)
        world.clock["frozen_at"] = start
        currency = world.pricing_units[currency_id]
        made = _ask(world, "POST /v1/customers", {"name": "Model"})
        world.daily_usage_of[made["id"]] = daily_usage(
            world, months * 31 + terms * 7 + int(currency_id[0], 16)
        )
        called, terms_of = TERMS[terms]
        given = {
            "customer_id": made["id"],
            "name": f"{called} {start[:4]}",
            "starting_at": start,
            "rate_card_id": list_prices_in(world, currency),
            "net_payment_terms_days": 30,
            **({"ending_before": agenda.months_later(start, LONGEST)} if terms % 2 else {}),
            **terms_of(Seller(world, currency, start)),
        }
        _ask(world, "POST /v1/contracts/create", given)
        agenda.catch_up(world)
        if gone:
            at = max(agenda.later(self._today, days=-ARCHIVED_DAYS), start)
            world.clock["frozen_at"] = at
            agenda.catch_up(world)
            _ask(world, "POST /v1/customers/archive", {"id": made["id"]})
        world.clock["frozen_at"] = self._today
        agenda.catch_up(world)
        return Model(world, world.customers[made["id"]])


def _ask(world: World, name: str, body: Any) -> Row:
    """Carry out a route, as the seed."""
    method, path = name.split(" ")
    route: Callable[..., Any] = ROUTES[name]
    request = Request(method, path, {}, {}, b"", "seed", token=BY, body=body, route=name)
    route.read(request)
    return route.handler(world, request).body["data"]


@lru_cache(maxsize=2)
def models_of(today: str) -> Models:
    """The models as they stand at an instant: the same for every seed."""
    return Models(today)
