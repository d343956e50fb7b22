"""What single seats hold of the commits and credits that are allocated to them one by one.

A balance is shared out evenly over the seats that its segment began with; a manual entry may say otherwise.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simulator.amounts import exact, plain
from simulator.engine.balances.ledger import NO_CURRENCY, end_of, entries_of, segments_of
from simulator.engine.contracts import commits
from simulator.world import Row, World


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
