"""Products of contracts: reference §3.5."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from metronome.types.v1.contracts.product_archive_params import ProductArchiveParams
from metronome.types.v1.contracts.product_create_params import ProductCreateParams
from metronome.types.v1.contracts.product_retrieve_params import ProductRetrieveParams
from metronome.types.v1.contracts.product_update_params import ProductUpdateParams

from simulator import agenda, fields
from simulator.agenda import due
from simulator.archiving import archived_already, kept_by
from simulator.checks import on_the_hour, uuid_of
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.world import Row, World

ONLY_FOR = {
    "billable_metric_id": "USAGE",
    "pricing_group_key": "USAGE",
    "presentation_group_key": "USAGE",
    "quantity_conversion": "USAGE",
    "quantity_rounding": "USAGE",
    "sql_breakdown_granularity": "USAGE",
    "composite_product_ids": "COMPOSITE",
    "composite_tags": "COMPOSITE",
    "exclude_free_usage": "COMPOSITE",
    "include_composite_spend": "COMPOSITE",
}
UNSEEN = ("type", "custom_fields", "product_id", "sql_breakdown_granularity")
MOST_PLACES, SMALLEST = 12, 1e-12


class ListBody(TypedDict, total=False):
    """The body of products/list and packages/list; their limit and cursor travel in the query."""

    archive_filter: Literal["ARCHIVED", "NOT_ARCHIVED", "ALL"]


def found(world: World, product_id: Any, name: str = "product_id") -> Row:
    """The product, archived or not. Raises ApiError 404."""
    product = world.products.get(uuid_of(product_id, name))
    if product is None:
        raise ApiError(404, "The specified product was not found", code="NotFound")
    return product


def known(world: World, product_id: Any, name: str = "product_id") -> Row:
    """The product that a body speaks of, unarchived. Raises ApiError 400."""
    product = world.products.get(uuid_of(product_id, name))
    if product is None or product["archived_at"]:
        raise ApiError(400, f"{name} holds an unknown or archived product")
    return product


def state_at(product: Row, at: str) -> Row:
    """Its state at an instant: of the updates in effect by then, the one created last wins."""
    state = dict(product["initial"])
    for update in product["updates"]:
        if update["starting_at"] <= at:
            state |= update
    return {name: value for name, value in state.items() if value is not None}


def shown(product: Row) -> Row:
    """The API's form: `archived_at` only where there is one."""
    return {name: value for name, value in product.items() if value is not None}


def _checked(world: World, kind: str, given: Row, state: Row) -> Row:
    """What `given` says of the product, beside `state`, what it says already. Raises ApiError 400."""
    for name, owner in ONLY_FOR.items():
        if name in given and kind != owner:
            raise ApiError(400, f"{name} is only valid for {owner} products")
    clean = {name: value for name, value in given.items() if name not in UNSEEN}
    whole = {**state, **clean}
    if not whole["name"]:
        raise ApiError(400, "name must not be empty")
    if kind == "USAGE":
        _check_usage(world, clean, whole)
    if kind == "COMPOSITE":
        if not (whole.get("composite_product_ids") or whole.get("composite_tags")):
            raise ApiError(400, "composite_product_ids or composite_tags is required for COMPOSITE products")
        if "composite_product_ids" in clean:
            ids = [
                known(world, each, "composite_product_ids")["id"] for each in clean["composite_product_ids"]
            ]
            clean["composite_product_ids"] = ids
    return clean


def _check_usage(world: World, clean: Row, whole: Row) -> None:
    if "billable_metric_id" not in whole:
        raise ApiError(400, "billable_metric_id is required for USAGE products")
    metric = world.billable_metrics.get(uuid_of(whole["billable_metric_id"], "billable_metric_id"))
    if metric is None or (metric.get("archived_at") and "billable_metric_id" in clean):
        raise ApiError(400, "billable_metric_id holds an unknown or archived billable metric")
    if "billable_metric_id" in clean:
        clean["billable_metric_id"] = metric["id"]
    keys = {*whole.get("pricing_group_key", []), *whole.get("presentation_group_key", [])}
    if keys and "sql" not in metric and not any(set(each) == keys for each in metric.get("group_keys", [])):
        raise ApiError(
            400, "pricing_group_key and presentation_group_key must together be a group key of the metric"
        )
    conversion, rounding = clean.get("quantity_conversion"), clean.get("quantity_rounding")
    if conversion and conversion["conversion_factor"] < SMALLEST:
        raise ApiError(400, f"quantity_conversion.conversion_factor must be at least {SMALLEST}")
    if rounding and rounding["decimal_places"] not in range(MOST_PLACES + 1):
        raise ApiError(400, f"quantity_rounding.decimal_places must be an integer from 0 to {MOST_PLACES}")


def put_product(world: World, kind: str, state: Row, custom: dict[str, str] | None = None) -> Row:
    """Put a new product into the world; `state` has its name, created_at and created_by."""
    product = {
        "id": world.new_id(),
        "type": kind,
        "initial": state,
        "current": dict(state),
        "updates": [],
        "archived_at": None,
        "custom_fields": dict(custom or {}),
    }
    world.products[product["id"]] = product
    return product


@route("POST /v1/contract-pricing/products/create", ProductCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    """`sql_breakdown_granularity` is taken and has no effect: no answer of the service shows it."""
    given = request.given
    kind = "PRO_SERVICE" if given["type"] == "PROFESSIONAL_SERVICE" else given["type"]
    custom = given.get("custom_fields", {})
    fields.check(world, "contract_product", custom)
    clean = _checked(world, kind, {name: each for name, each in given.items() if each is not None}, {})
    made = {"created_at": world.stamp(), "created_by": request.token.name}
    product = put_product(world, kind, clean | made, custom)
    world.happened(request, resource=("product", product["id"]), action="create", after=product)
    return Reply(200, {"data": {"id": product["id"]}})


@route("POST /v1/contract-pricing/products/get", ProductRetrieveParams)
def retrieve(world: World, request: Request) -> Reply:
    return Reply(200, {"data": shown(found(world, request.given["id"], "id"))})


@route("POST /v1/contract-pricing/products/list", ListBody, exact=True)
def list_products(world: World, request: Request) -> Reply:
    keep = kept_by(request.given.get("archive_filter", "NOT_ARCHIVED"))
    return Reply(200, query_page(request, list(world.products.values()), keep=keep, show=shown))


@route("POST /v1/contract-pricing/products/update", ProductUpdateParams, writes=True)
def update(world: World, request: Request) -> Reply:
    """What isn't given stays; null takes a conversion or a rounding away."""
    given = request.given
    product = found(world, given["product_id"])
    on_the_hour(given["starting_at"], "Product update effective at")
    if product["archived_at"]:
        raise ApiError(400, "Product is archived")
    clean = _checked(world, product["type"], given, state_at(product, given["starting_at"]))
    before = dict(product["current"])
    product["updates"].append({**clean, "created_at": world.stamp(), "created_by": request.token.name})
    if given["starting_at"] > world.stamp():
        agenda.plan(world, given["starting_at"], "product.update", product_id=product["id"])
    take_effect(world, product_id=product["id"])
    world.happened(
        request,
        resource=("product", product["id"]),
        action="update",
        before=before,
        after=product["updates"][-1],
    )
    return Reply(200, {"data": {"id": product["id"]}})


@due("product.update")
def take_effect(world: World, *, product_id: str) -> None:
    """Bring `current` up to the account's clock."""
    product = world.products[product_id]
    product["current"] = state_at(product, world.stamp())


@route("POST /v1/contract-pricing/products/archive", ProductArchiveParams, writes=True)
def archive(world: World, request: Request) -> Reply:
    """Final. Its rates stay where they are."""
    product = found(world, request.given["product_id"])
    if archived_already(world, product, "Product"):
        return Reply(200, {"data": {"id": product["id"]}})
    product["archived_at"] = world.stamp()
    world.happened(
        request,
        resource=("product", product["id"]),
        action="archive",
        before={"archived_at": None},
        after={"archived_at": product["archived_at"]},
    )
    return Reply(200, {"data": {"id": product["id"]}})
