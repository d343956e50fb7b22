"""Pricing units, which the paths call credit types: reference §3.5."""

from __future__ import annotations

from metronome.types.v1.pricing_unit_archive_params import PricingUnitArchiveParams
from metronome.types.v1.pricing_unit_create_params import PricingUnitCreateParams
from metronome.types.v1.pricing_unit_list_params import PricingUnitListParams

from simulator.archiving import archived_already
from simulator.checks import uuid_of
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.world import Row, World


def _shown(unit: Row) -> Row:
    return {name: unit[name] for name in ("id", "name", "is_currency")}


@route("GET /v1/credit-types/list", PricingUnitListParams)
def list_units(world: World, request: Request) -> Reply:
    """Currencies and custom units; archived ones are left out."""
    rows = list(world.pricing_units.values())
    return Reply(200, query_page(request, rows, keep=lambda row: not row.get("archived_at"), show=_shown))


@route("POST /v1/credit-types/create", PricingUnitCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    """A custom unit; two may have the same name."""
    if not request.given["name"]:
        raise ApiError(400, "name must not be empty")
    unit = {"id": world.new_id(), "name": request.given["name"], "is_currency": False}
    world.pricing_units[unit["id"]] = unit
    world.happened(request, resource=("credit_type", unit["id"]), action="create", after=unit)
    return Reply(200, {"data": {"id": unit["id"]}})


@route("POST /v1/credit-types/archive", PricingUnitArchiveParams, writes=True)
def archive(world: World, request: Request) -> Reply:
    """Final, and only for custom units. What is priced in it stays so."""
    unit = world.pricing_units.get(uuid_of(request.given["id"], "id"))
    if unit is None:
        raise ApiError(404, "The specified pricing unit was not found", code="NotFound")
    if unit["is_currency"]:
        raise ApiError(400, "A currency can't be archived")
    if archived_already(world, unit, "Pricing unit"):
        return Reply(200, {"data": {"id": unit["id"]}})
    unit["archived_at"] = world.stamp()
    world.happened(
        request,
        resource=("credit_type", unit["id"]),
        action="archive",
        after={"archived_at": unit["archived_at"]},
    )
    return Reply(200, {"data": {"id": unit["id"]}})
