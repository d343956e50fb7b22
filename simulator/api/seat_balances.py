"""Balances of single seats: reference §3.6."""

from __future__ import annotations

from metronome.types.v1.contract_list_seat_balances_params import ContractListSeatBalancesParams

from simulator.api import customers
from simulator.checks import uuid_of
from simulator.engine.balances.seat_shares import assigned
from simulator.engine.contracts.commit_terms import contract_of
from simulator.engine.contracts.seats import seat_of
from simulator.http import ApiError, Reply, Request
from simulator.paging import decode, encode, limit_of
from simulator.routing import route
from simulator.world import Row, World

MOST_BALANCES = 100


@route("POST /v1/contracts/seatBalances/list", ContractListSeatBalancesParams)
def list_seat_balances(world: World, request: Request) -> Reply:
    given = request.given
    customer = customers.found(world, given["customer_id"])
    contract = contract_of(world, customer["id"], uuid_of(given["contract_id"], "contract_id"))
    if contract is None:
        raise ApiError(404, "The specified contract was not found", code="NotFound")
    if "covering_date" in given and ("starting_at" in given or "effective_before" in given):
        raise ApiError(400, "covering_date can't be combined with starting_at or effective_before")
    seats = _seats(world, contract, given)
    filters = {name: value for name, value in given.items() if name not in ("limit", "cursor")}
    start = min(decode(given.get("cursor"), filters), len(seats))
    limit = limit_of(given.get("limit"), most=100, default=25)
    shown: list[Row] = []
    held = 0
    for seat_id, subscription in seats[start : start + limit]:
        if held >= MOST_BALANCES:
            break
        row = seat_of(world, contract, seat_id, subscription, given)
        if given.get("include_credits_and_commits"):
            held += len(row["commits"]) + len(row["credits"])
        shown.append(row)
    after = start + len(shown)
    pagination = {
        "seats_included": len(shown),
        "seats_available_for_next_page": len(seats) - after,
        "next_page": encode(after, filters) if after < len(seats) else None,
    }
    return Reply(200, {"data": shown, "pagination": pagination})


def _seats(world: World, contract: Row, given: Row) -> list[tuple[str, Row]]:
    """(seat, subscription) of every seat that is asked for, as they are assigned now or on the date."""
    based = {
        each["id"]: each
        for each in contract.get("subscriptions") or []
        if each.get("quantity_management_mode") == "SEAT_BASED"
    }
    wanted = [uuid_of(each, "subscription_ids") for each in given.get("subscription_ids", based)]
    if any(each not in based for each in wanted):
        raise ApiError(400, "subscription_ids must name SEAT_BASED subscriptions of the contract")
    at = given.get("covering_date") or world.stamp()
    seats = [(seat, based[each]) for each in wanted for seat in assigned(based[each], at)]
    asked = given.get("seat_ids")
    if asked is None:
        return seats
    if set(asked) - {seat for seat, _row in seats} and not given.get("skip_missing_seat_ids"):
        raise ApiError(400, "seat_ids must name seats of the contract's subscriptions")
    return [each for each in seats if each[0] in asked]
