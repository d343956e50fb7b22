"""What single seats hold of the commits and credits that are allocated to them one by one.

How it is shared out is in simulator.engine.balances.seat_shares.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simulator.amounts import exact, plain
from simulator.engine.balances.ledger import NO_CURRENCY, end_of, entries_of, segments_of
from simulator.engine.balances.seat_shares import assigned, is_individual, part_of
from simulator.engine.contracts import commits
from simulator.world import Row, World


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
        and is_individual(row)
        and row["subscription_config"]["subscription_id"] == subscription_id
        and not commits.is_archived(world, row)
        for segment in segments_of(row)
        if (on is None or segment["starting_at"] <= on < end_of(row, segment))
        and segment["starting_at"] >= since
        and (before is None or segment["starting_at"] <= before)
    ]


def _shared(world: World, row: Row, segment: Row, seat_id: str, subscription: Row) -> list[Row]:
    """One seat's part of a segment's ledger."""
    first, ledger, left = assigned(subscription, segment["starting_at"]), [], Decimal(0)
    for each in entries_of(row, segment, world.stamp()):
        expires = each["type"].endswith("EXPIRATION")
        part = -max(left, Decimal(0)) if expires else part_of(each, seat_id, first)
        left += part
        ledger.append({"type": each["type"], "timestamp": each["timestamp"], "amount": plain(part)})
    return ledger
