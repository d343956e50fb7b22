"""Balances of single seats: what each holds of the commits and credits that are allocated to them one by one.

A balance is shared out evenly over the seats that its segment began with; a manual entry may say otherwise.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from metronome.types.v1.contract_list_seat_balances_params import ContractListSeatBalancesParams

from simulator.amounts import exact, plain
from simulator.api import customers
from simulator.api.balances import NO_CURRENCY
from simulator.checks import uuid_of
from simulator.engine import commits
from simulator.engine.commit_terms import contract_of
from simulator.engine.ledger import end_of, entries_of, segments_of
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


def assigned(subscription: Row, at: str) -> list[str]:
    """The seats of a subscription at an instant."""
    begun = [each for each in subscription["seat_schedule"] if each["starting_at"] <= at]
    return begun[-1]["seat_ids"] if begun else []


def seat_of(world: World, contract: Row, seat_id: str, subscription: Row, given: Row) -> Row:
    """A seat and what it holds, as the API shows it; `given` says of which time and how much of it."""
    sums: dict[tuple[str, str], list[Decimal]] = {}
    shown: dict[str, list[Row]] = {"commit": [], "credit": []}
    for row, segment in _allocated(world, contract, subscription["id"], given):
        schedule = row["access_schedule"]
        unit = schedule["credit_type"]["id"] if schedule["credit_type"] else NO_CURRENCY
        ledger = _shared(world, row, segment, seat_id, subscription)
        balance = sum((exact(each["amount"]) for each in ledger), Decimal(0))
        both = sums.setdefault((unit, schedule["access_type"]), [Decimal(0), Decimal(0)])
        both[0] += max(balance, Decimal(0))
        both[1] += exact(ledger[0]["amount"]) if ledger else 0
        one: dict[str, Any] = {
            "id": row["id"],
            "balance": plain(max(balance, Decimal(0))),
            "start_date": segment["starting_at"],
            "end_date": segment["ending_before"],
            "access_type": schedule["access_type"],
            "credit_type_id": unit,
        }
        if given.get("include_ledgers"):
            one["ledger_entries"] = ledger
        shown[row["kind"]].append(one)
    balances = [
        {
            "credit_type_id": unit,
            "access_type": access_type,
            "balance": plain(now),
            "starting_balance": plain(start),
        }
        for (unit, access_type), (now, start) in sums.items()
    ]
    seat: Row = {"seat_id": seat_id, "balances": balances}
    if given.get("include_credits_and_commits"):
        seat |= {"commits": shown["commit"], "credits": shown["credit"]}
    return seat


def _allocated(world: World, contract: Row, subscription_id: str, given: Row) -> list[tuple[Row, Row]]:
    """(balance, segment) of what is allocated to the subscription's seats, in the time that is asked for."""
    on = given.get("covering_date")
    since, before = given.get("starting_at", ""), given.get("effective_before")
    return [
        (row, segment)
        for row in commits.of_customer(world, contract["customer_id"])
        if row["contract_id"] == contract["id"]
        and (row["subscription_config"] or {}).get("allocation") == "INDIVIDUAL"
        and row["subscription_config"]["subscription_id"] == subscription_id
        and not commits.is_archived(world, row)
        for segment in segments_of(row)
        if (on is None or segment["starting_at"] <= on < end_of(row, segment))
        and segment["starting_at"] >= since
        and (before is None or segment["starting_at"] <= before)
    ]


def _shared(world: World, row: Row, segment: Row, seat_id: str, subscription: Row) -> list[Row]:
    """One seat's part of a segment's ledger."""
    begun = [
        each["quantity"]
        for each in subscription["quantity_schedule"]
        if each["starting_at"] <= segment["starting_at"]
    ]
    seats = exact(begun[-1]) if begun and begun[-1] else Decimal(1)
    ledger = []
    for each in entries_of(row, segment, world.stamp()):
        single = each.get("per_group_amounts")
        part = plain(single.get(seat_id, 0) if single is not None else exact(each["amount"]) / seats)
        ledger.append({"type": each["type"], "timestamp": each["timestamp"], "amount": part})
    return ledger
