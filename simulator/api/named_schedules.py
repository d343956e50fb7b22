"""Named schedules of rate cards, customers and contracts: values in time under a name of one's own.

The service lets few accounts use them; here everybody may, with any name and any JSON value. A contract's
schedule is told apart by its properties too.
"""

from __future__ import annotations

import json

from metronome.types.v1.contracts import named_schedule_retrieve_params as of_card
from metronome.types.v1.contracts import named_schedule_update_params as to_card
from metronome.types.v1.contracts.rate_cards import named_schedule_list_params as listing
from metronome.types.v1.contracts.rate_cards import named_schedule_retrieve_params as of_contract
from metronome.types.v1.contracts.rate_cards import named_schedule_update_params as to_contract
from metronome.types.v1.customers import named_schedule_retrieve_params as of_customer
from metronome.types.v1.customers import named_schedule_update_params as to_customer

from simulator.api import customers, rate_cards
from simulator.checks import in_order, uuid_of
from simulator.engine.prices.pricing import covers
from simulator.http import ApiError, Reply, Request
from simulator.paging import body_page
from simulator.routing import route
from simulator.world import Row, World

MOST_SEGMENTS = 1_000


def _contract_id(world: World, given: Row) -> str:
    """The id of a customer's contract. Raises ApiError 404."""
    customer_id = customers.found(world, given["customer_id"])["id"]
    wanted = uuid_of(given["contract_id"], "contract_id")
    if world.customer_of_contract.get(wanted) != customer_id:
        raise ApiError(404, "The specified contract was not found", code="NotFound")
    return wanted


def key_of(kind: str, owner_id: str, given: Row) -> str:
    """Where `world.named_schedules` keeps the one that has this name, and these properties if any."""
    properties = json.dumps(given.get("properties", {}), sort_keys=True)
    return f"{kind}/{owner_id}/{given['schedule_name']}/{properties}"


def _read(world: World, kind: str, owner_id: str, given: Row) -> Reply:
    """A name that nobody has set has no segments."""
    schedule = world.named_schedules.get(key_of(kind, owner_id, given), {"segments": []})
    return Reply(200, {"data": _segments(schedule, given.get("covering_date"))})


def _segments(schedule: Row, covering: str | None) -> list[Row]:
    return [each for each in schedule["segments"] if covering is None or covers(each, covering)]


def _write(world: World, request: Request, kind: str, owner_id: str) -> Reply:
    """Set the value from `starting_at` until `ending_before`, for good where that is left out."""
    given = request.given
    if not given["schedule_name"]:
        raise ApiError(400, "schedule_name must not be empty")
    in_order(given["starting_at"], given.get("ending_before"))
    key = key_of(kind, owner_id, given)
    before = world.named_schedules.get(key, {"segments": []})["segments"]
    after = _laid_over(before, given)
    if len(after) > MOST_SEGMENTS:
        raise ApiError(400, f"a named schedule may have at most {MOST_SEGMENTS} segments")
    world.named_schedules[key] = {
        "kind": kind,
        "owner_id": owner_id,
        "schedule_name": given["schedule_name"],
        "properties": given.get("properties", {}),
        "segments": after,
    }
    world.happened(
        request, resource=(kind, owner_id), action="update_named_schedule", before=before, after=after
    )
    return Reply(200)


def _laid_over(segments: list[Row], given: Row) -> list[Row]:
    """The segments with a new one, cut where it covers them."""
    start, end = given["starting_at"], given.get("ending_before")
    kept = []
    for each in segments:
        until = each.get("ending_before")
        if each["starting_at"] < start:
            kept.append({**each, "ending_before": start} if until is None or until > start else each)
        if end is not None and (until is None or until > end):
            kept.append({**each, "starting_at": max(each["starting_at"], end)})
    new = {name: given[name] for name in ("starting_at", "ending_before", "value") if name in given}
    return sorted([*kept, new], key=lambda each: each["starting_at"])


@route("POST /v1/contract-pricing/rate-cards/getNamedSchedule", of_card.NamedScheduleRetrieveParams)
def read_of_rate_card(world: World, request: Request) -> Reply:
    card = rate_cards.found(world, request.given["rate_card_id"])
    return _read(world, "rate_card", card["id"], request.given)


@route(
    "POST /v1/contract-pricing/rate-cards/updateNamedSchedule", to_card.NamedScheduleUpdateParams, writes=True
)
def write_to_rate_card(world: World, request: Request) -> Reply:
    card = rate_cards.changeable(world, request.given["rate_card_id"])
    return _write(world, request, "rate_card", card["id"])


@route("POST /v1/customers/getNamedSchedule", of_customer.NamedScheduleRetrieveParams)
def read_of_customer(world: World, request: Request) -> Reply:
    customer = customers.found(world, request.given["customer_id"])
    return _read(world, "customer", customer["id"], request.given)


@route("POST /v1/customers/updateNamedSchedule", to_customer.NamedScheduleUpdateParams, writes=True)
def write_to_customer(world: World, request: Request) -> Reply:
    customer = customers.found(world, request.given["customer_id"])
    return _write(world, request, "customer", customer["id"])


@route("POST /v1/contracts/getNamedSchedule", of_contract.NamedScheduleRetrieveParams)
def read_of_contract(world: World, request: Request) -> Reply:
    return _read(world, "contract", _contract_id(world, request.given), request.given)


@route("POST /v1/contracts/updateNamedSchedule", to_contract.NamedScheduleUpdateParams, writes=True)
def write_to_contract(world: World, request: Request) -> Reply:
    return _write(world, request, "contract", _contract_id(world, request.given))


@route("POST /v1/contracts/listNamedSchedules", listing.NamedScheduleListParams)
def list_of_contracts(world: World, request: Request) -> Reply:
    """Those of one customer's contracts; with `covering_date` only those that have a value then."""
    given = request.given
    customer_id, covering = customers.found(world, given["customer_id"])["id"], given.get("covering_date")
    only = _contract_id(world, given) if "contract_id" in given else None

    def keep(row: Row) -> bool:
        return (
            row["kind"] == "contract"
            and world.customer_of_contract.get(row["owner_id"]) == customer_id
            and only in (None, row["owner_id"])
            and given.get("schedule_name", row["schedule_name"]) == row["schedule_name"]
            and given.get("properties", {}).items() <= row["properties"].items()
            and bool(_segments(row, covering))
        )

    def show(row: Row) -> Row:
        shown = {"contract_id": row["owner_id"], "schedule_name": row["schedule_name"]}
        shown |= {"properties": row["properties"]} if row["properties"] else {}
        return shown | {"segments": _segments(row, covering)}

    rows = list(world.named_schedules.values())
    return Reply(200, body_page(request, rows, cursor="next_page", most=100, keep=keep, show=show))
