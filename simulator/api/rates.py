"""Rates of a rate card, and what of them is in force when: reference §3.5."""

from __future__ import annotations

from collections.abc import Iterable

from metronome.types.v1.contracts.rate_card_retrieve_rate_schedule_params import (
    RateCardRetrieveRateScheduleParams,
)
from metronome.types.v1.contracts.rate_cards.rate_add_many_params import RateAddManyParams
from metronome.types.v1.contracts.rate_cards.rate_add_params import RateAddParams
from metronome.types.v1.contracts.rate_cards.rate_list_params import RateListParams

from simulator.api.products import known
from simulator.api.rate_cards import changeable, found
from simulator.checks import in_order, on_the_hour, uuid_of
from simulator.engine.prices import pricing, schedules
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.world import Row, World

PRODUCTS_OF = {
    "FLAT": ("USAGE", "SUBSCRIPTION"),
    "TIERED": ("USAGE",),
    "CUSTOM": ("USAGE",),
    "SUBSCRIPTION": ("SUBSCRIPTION",),
    "PERCENTAGE": ("COMPOSITE",),
    "TIERED_PERCENTAGE": ("COMPOSITE",),
}
PRICES = ("price", "tiers", "custom_rate", "quantity", "is_prorated", "credit_type")
MOST_RATES = 10_000


def check_price(rate: Row, where: str) -> None:
    """The members that a rate type needs, within their bounds; `where` begins the message.

    Also for the rates of overrides and of commits. Raises ApiError 400.
    """
    kind, price, tiers = rate["rate_type"], rate.get("price"), rate.get("tiers")
    if kind == "CUSTOM":
        if "custom_rate" not in rate:
            raise ApiError(400, f"{where}custom_rate is required for CUSTOM rates")
    elif kind.startswith("TIERED"):
        if not tiers:
            raise ApiError(400, f"{where}tiers is required for {kind} rates")
        for tier in tiers[:-1]:
            if (tier.get("size") or 0) <= 0:
                raise ApiError(400, f"{where}tiers.size is required, above 0, for every tier but the last")
    elif price is None:
        raise ApiError(400, f"{where}price is required for {kind} rates")
    for each in [price, *(tier["price"] for tier in tiers or [])]:
        if each is not None and each < 0:
            raise ApiError(400, f"{where}price must be at least 0")
        if each is not None and each > 1 and kind.endswith("PERCENTAGE"):
            raise ApiError(400, f"{where}price must be at most 1 for {kind} rates")
    if "is_prorated" in rate and (kind != "SUBSCRIPTION" or not rate["is_prorated"]):
        raise ApiError(400, f"{where}is_prorated is only valid for SUBSCRIPTION rates, and must be true")
    if rate.get("quantity", 0) < 0:
        raise ApiError(400, f"{where}quantity must be at least 0")


def _checked(world: World, card: Row, given: Row) -> Row:
    """One rate of `addRate` or `addRates` as it is kept. Raises ApiError 400."""
    product, kind = known(world, given["product_id"]), given["rate_type"]
    on_the_hour(given["starting_at"], "starting_at")
    on_the_hour(given.get("ending_before"), "ending_before")
    in_order(given["starting_at"], given.get("ending_before"))
    if product["type"] not in PRODUCTS_OF[kind]:
        raise ApiError(400, f"A {kind} rate can't be added for a {product['type']} product")
    check_price(given, "")
    if "commit_rate" in given:
        check_price(given["commit_rate"], "commit_rate.")
    if (product["type"] == "SUBSCRIPTION") != ("billing_frequency" in given):
        raise ApiError(400, "billing_frequency is required for SUBSCRIPTION products, and only for them")
    keys, values = product["current"].get("pricing_group_key", []), given.get("pricing_group_values", {})
    if set(keys) != values.keys():
        raise ApiError(400, "pricing_group_values must name every pricing group key of the product")
    rate = {
        "product_id": product["id"],
        "starting_at": given["starting_at"],
        "ending_before": given.get("ending_before"),
        "entitled": given["entitled"],
        "rate_type": kind,
    }
    if kind != "PERCENTAGE":
        rate["credit_type"] = _credit_type(world, card, given.get("credit_type_id"))
    names = (*PRICES[:-1], "billing_frequency", "commit_rate")
    rate |= {name: given[name] for name in names if name in given}
    return {**rate, "pricing_group_values": values} if values else rate


def _credit_type(world: World, card: Row, given_id: str | None) -> Row:
    """The card's own currency or a unit that it converts. Raises ApiError 400."""
    unit = schedules.credit_type(world, given_id)
    held = [each["custom_credit_type"]["id"] for each in card["credit_type_conversions"]]
    if unit["id"] not in (card["fiat_credit_type"]["id"], *held):
        raise ApiError(400, "credit_type_id must be the rate card's currency or have a conversion on it")
    return unit


def put_rates(world: World, card: Row, added: list[Row]) -> None:
    """Put rates on a card, each in place of one of the same line and start."""
    rates = world.rates_of[card["id"]]
    places = {(pricing.line_of(each), each["starting_at"]): place for place, each in enumerate(rates)}
    for rate in added:
        place = places.setdefault((pricing.line_of(rate), rate["starting_at"]), len(rates))
        rates[place : place + 1] = [rate]
    ordered = [*card["product_order"], *(rate["product_id"] for rate in added)]
    card["product_order"] = list(dict.fromkeys(ordered))


def _add(world: World, request: Request, given: Iterable[Row]) -> tuple[Row, list[Row]]:
    card = changeable(world, request.given["rate_card_id"])
    rates = [_checked(world, card, each) for each in given]
    if len(world.rates_of[card["id"]]) + len(rates) > MOST_RATES:
        raise ApiError(400, f"a rate card may have at most {MOST_RATES} rates")
    put_rates(world, card, rates)
    world.happened(request, resource=("rate_card", card["id"]), action="add_rates", after=rates)
    return card, rates


def priced(rate: Row) -> Row:
    """The `rate` member of an answer."""
    names = ("rate_type", *PRICES, "pricing_group_values")
    return {name: rate[name] for name in names if name in rate}


def item(world: World, rate: Row) -> Row:
    """A rate in force, as getRates and getRateSchedule list it."""
    product = world.products[rate["product_id"]]
    shown = {
        "product_id": product["id"],
        "product_name": product["current"]["name"],
        "product_tags": product["current"].get("tags", []),
        "product_custom_fields": product["custom_fields"],
        "entitled": rate["entitled"],
        "rate": priced(rate),
    }
    names = ("starting_at", "ending_before", "pricing_group_values", "billing_frequency", "commit_rate")
    return shown | {name: rate[name] for name in names if rate.get(name) is not None}


def selectors_of(given: Row) -> list[Row]:
    """The selectors of a body, with their product ids as ids. Raises ApiError 400."""
    return [
        {**each, "product_id": uuid_of(each["product_id"], "selectors.product_id")}
        if "product_id" in each
        else each
        for each in given.get("selectors", [])
    ]


def selected(world: World, rate: Row, selectors: list[Row]) -> bool:
    """Whether any selector means this rate; no selectors mean every rate."""
    if not selectors:
        return True
    values = rate.get("pricing_group_values", {})
    tags = world.products[rate["product_id"]]["current"].get("tags", [])
    return any(
        each.get("product_id", rate["product_id"]) == rate["product_id"]
        and each.get("billing_frequency", rate.get("billing_frequency")) == rate.get("billing_frequency")
        and each.get("pricing_group_values", values) == values
        and each.get("partial_pricing_group_values", {}).items() <= values.items()
        and ("product_tags" not in each or bool(set(each["product_tags"]) & set(tags)))
        for each in selectors
    )


def in_card_order(world: World, card: Row) -> list[Row]:
    """The segments of all rates of a card, by the order of its products."""
    place = {product_id: number for number, product_id in enumerate(card["product_order"])}
    return sorted(pricing.segments(world.rates_of[card["id"]]), key=lambda rate: place[rate["product_id"]])


@route("POST /v1/contract-pricing/rate-cards/addRate", RateAddParams, writes=True)
def add(world: World, request: Request) -> Reply:
    """A second rate of the same product, values, frequency and start replaces the first."""
    _card, rates = _add(world, request, [request.given])
    shown = priced(rates[0])
    if "commit_rate" in rates[0]:
        shown["commit_rate"] = rates[0]["commit_rate"]
    return Reply(200, {"data": shown})


@route("POST /v1/contract-pricing/rate-cards/addRates", RateAddManyParams, writes=True)
def add_many(world: World, request: Request) -> Reply:
    """All or none."""
    if not request.given["rates"]:
        raise ApiError(400, "rates must not be empty")
    card, _rates = _add(world, request, request.given["rates"])
    return Reply(200, {"data": {"id": card["id"]}})


@route("POST /v1/contract-pricing/rate-cards/getRates", RateListParams)
def list_rates(world: World, request: Request) -> Reply:
    """What is in force at one instant, by the card's order of products."""
    given = request.given
    card, selectors = found(world, given["rate_card_id"]), selectors_of(given)

    def keep(rate: Row) -> bool:
        return pricing.covers(rate, given["at"]) and selected(world, rate, selectors)

    rows = in_card_order(world, card)
    return Reply(200, query_page(request, rows, keep=keep, show=lambda rate: item(world, rate)))


@route("POST /v1/contract-pricing/rate-cards/getRateSchedule", RateCardRetrieveRateScheduleParams)
def rate_schedule(world: World, request: Request) -> Reply:
    """What is in force at some time from `starting_at` until `ending_before`, in whole segments."""
    given = request.given
    card, selectors = found(world, given["rate_card_id"]), selectors_of(given)
    start, end = given["starting_at"], given.get("ending_before")
    in_order(start, end)

    def keep(rate: Row) -> bool:
        begun = end is None or rate["starting_at"] < end
        over = rate["ending_before"] is not None and rate["ending_before"] <= start
        return begun and not over and selected(world, rate, selectors)

    rows = in_card_order(world, card)
    return Reply(200, query_page(request, rows, keep=keep, show=lambda rate: item(world, rate)))
