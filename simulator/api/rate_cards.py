"""Rate cards, their aliases and the order of their products: reference §3.5."""

from __future__ import annotations

from typing import TypedDict

from metronome.types.v1.contracts.rate_card_archive_params import RateCardArchiveParams
from metronome.types.v1.contracts.rate_card_create_params import RateCardCreateParams
from metronome.types.v1.contracts.rate_card_retrieve_params import RateCardRetrieveParams
from metronome.types.v1.contracts.rate_card_update_params import RateCardUpdateParams
from metronome.types.v1.contracts.rate_cards.product_order_set_params import ProductOrderSetParams
from metronome.types.v1.contracts.rate_cards.product_order_update_params import ProductOrderUpdateParams

from simulator import fields
from simulator.amounts import USD, exact
from simulator.archiving import archived_already
from simulator.checks import uuid_of
from simulator.engine.contracts.cards import changeable, checked_aliases, found, next_alias_number
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.world import Row, World

SMALLEST = 1e-12
INTERNAL = ("archived_at", "product_order", "alias_number")


class Nothing(TypedDict):
    """The body of rate-cards/list: an object without fields."""


def shown(card: Row) -> Row:
    """The API's form, which tells neither the archive date nor the order of products."""
    return {name: value for name, value in card.items() if name not in INTERNAL}


def _unit(world: World, given_id: str, name: str, *, is_currency: bool) -> Row:
    """{id, name} of a currency, or of a custom pricing unit. Raises ApiError 400."""
    unit = world.pricing_units.get(uuid_of(given_id, name))
    if unit is None or unit["is_currency"] != is_currency or unit.get("archived_at"):
        kind = "a fiat currency" if is_currency else "a custom pricing unit"
        raise ApiError(400, f"{name} must be the id of {kind}")
    return {"id": unit["id"], "name": unit["name"]}


def _conversions(world: World, given: list[Row], held: list[Row]) -> list[Row]:
    """New conversions; one that exists can't be changed. Raises ApiError 400."""
    known, made = {each["custom_credit_type"]["id"] for each in held}, []
    for each in given:
        unit = _unit(world, each["custom_credit_type_id"], "custom_credit_type_id", is_currency=False)
        if unit["id"] in known:
            raise ApiError(400, "A credit type conversion that exists can't be modified")
        if each["fiat_per_custom_credit"] < SMALLEST:
            raise ApiError(400, f"fiat_per_custom_credit must be at least {SMALLEST}")
        known.add(unit["id"])
        price = format(exact(each["fiat_per_custom_credit"]), "f")
        made.append({"custom_credit_type": unit, "fiat_per_custom_credit": price})
    return made


def put_rate_card(world: World, members: Row) -> Row:
    """Put a new rate card into the world; `members` are name, created_at, created_by and what else it has."""
    card = {
        "id": world.new_id(),
        "fiat_credit_type": dict(USD),
        "credit_type_conversions": [],
        "aliases": [],
        "custom_fields": {},
        **members,
        "archived_at": None,
        "product_order": [],
        "alias_number": next_alias_number(world.rate_cards),
    }
    world.rate_cards[card["id"]] = card
    world.rates_of[card["id"]] = []
    return card


@route("POST /v1/contract-pricing/rate-cards/create", RateCardCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    given = request.given
    custom = given.get("custom_fields", {})
    fields.check(world, "rate_card", custom)
    if not given["name"]:
        raise ApiError(400, "name must not be empty")
    members = {
        "name": given["name"],
        "created_at": world.stamp(),
        "created_by": request.token.name,
        "fiat_credit_type": _unit(
            world, given.get("fiat_credit_type_id", USD["id"]), "fiat_credit_type_id", is_currency=True
        ),
        "credit_type_conversions": _conversions(world, given.get("credit_type_conversions", []), []),
        "aliases": checked_aliases(given.get("aliases", [])),
        "custom_fields": custom,
    }
    if "description" in given:
        members["description"] = given["description"]
    card = put_rate_card(world, members)
    world.happened(request, resource=("rate_card", card["id"]), action="create", after=shown(card))
    return Reply(200, {"data": {"id": card["id"]}})


@route("POST /v1/contract-pricing/rate-cards/get", RateCardRetrieveParams)
def retrieve(world: World, request: Request) -> Reply:
    return Reply(200, {"data": shown(found(world, request.given["id"], "id"))})


@route("POST /v1/contract-pricing/rate-cards/list", Nothing, exact=True)
def list_rate_cards(world: World, request: Request) -> Reply:
    """Archived ones are left out."""
    cards = list(world.rate_cards.values())
    return Reply(200, query_page(request, cards, keep=lambda card: not card["archived_at"], show=shown))


@route("POST /v1/contract-pricing/rate-cards/update", RateCardUpdateParams, writes=True)
def update(world: World, request: Request) -> Reply:
    """`aliases` replaces the whole list; conversions are only ever added."""
    given = request.given
    card = changeable(world, given["rate_card_id"])
    if given.get("name") == "":
        raise ApiError(400, "name must not be empty")
    aliases = checked_aliases(given.get("aliases", []))
    held = card["credit_type_conversions"]
    added = _conversions(world, given.get("add_credit_type_conversions", []), held)
    before = shown(card)
    card |= {name: given[name] for name in ("name", "description") if name in given}
    card["credit_type_conversions"] = [*held, *added]
    if "aliases" in given:
        card["aliases"], card["alias_number"] = aliases, next_alias_number(world.rate_cards)
    world.happened(
        request, resource=("rate_card", card["id"]), action="update", before=before, after=shown(card)
    )
    return Reply(200, {"data": {"id": card["id"]}})


@route("POST /v1/contract-pricing/rate-cards/archive", RateCardArchiveParams, writes=True)
def archive(world: World, request: Request) -> Reply:
    """Final. Contracts on it keep its rates; new ones can't choose it."""
    card = found(world, request.given["id"], "id")
    if archived_already(world, card, "Rate card"):
        return Reply(200, {"data": {"id": card["id"]}})
    card["archived_at"] = world.stamp()
    world.happened(
        request,
        resource=("rate_card", card["id"]),
        action="archive",
        before={"archived_at": None},
        after={"archived_at": card["archived_at"]},
    )
    return Reply(200, {"data": {"id": card["id"]}})


def _on_card(card: Row, product_id: str) -> str:
    product_id = uuid_of(product_id, "product_id")
    if product_id not in card["product_order"]:
        raise ApiError(400, "No such product in rate card")
    return product_id


def _put_order(world: World, request: Request, card: Row, order: list[str]) -> Reply:
    before, card["product_order"] = card["product_order"], order
    world.happened(
        request,
        resource=("rate_card", card["id"]),
        action="update_product_order",
        before=before,
        after=order,
    )
    return Reply(200, {"data": {"id": card["id"]}})


@route("POST /v1/contract-pricing/rate-cards/setRateCardProductsOrder", ProductOrderSetParams, writes=True)
def set_order(world: World, request: Request) -> Reply:
    """Products that aren't named follow in the order that they had."""
    card = changeable(world, request.given["rate_card_id"])
    wanted = [_on_card(card, each) for each in request.given["product_order"]]
    if len(set(wanted)) < len(wanted):
        raise ApiError(400, "product_order names a product twice")
    return _put_order(
        world, request, card, wanted + [each for each in card["product_order"] if each not in wanted]
    )


@route("POST /v1/contract-pricing/rate-cards/moveRateCardProducts", ProductOrderUpdateParams, writes=True)
def move(world: World, request: Request) -> Reply:
    """One move after the other; a position past the end is the end."""
    card = changeable(world, request.given["rate_card_id"])
    order = list(card["product_order"])
    for each in request.given["product_moves"]:
        product_id, position = _on_card(card, each["product_id"]), each["position"]
        if position < 0 or position != int(position):
            raise ApiError(400, "position must be an integer of at least 0")
        order.remove(product_id)
        order.insert(int(position), product_id)
    return _put_order(world, request, card, order)
