"""What single seats hold of a segment whose balance is allocated to them one by one.

The seats that a segment began with share its amount evenly; who joins later has an entry of its own. An entry
that names seats says how it falls on them.
"""

from __future__ import annotations

from decimal import Decimal

from simulator.amounts import exact
from simulator.engine.balances.ledger import movements
from simulator.world import Row


def is_individual(row: Row) -> bool:
    """Whether only the seat that has a part of it may use that."""
    return (row["subscription_config"] or {}).get("allocation") == "INDIVIDUAL"


def assigned(subscription: Row, at: str) -> list[str]:
    """The seats of a subscription at an instant."""
    begun = [each for each in subscription.get("seat_schedule") or [] if each["starting_at"] <= at]
    return begun[-1]["seat_ids"] if begun else []


def part_of(entry: Row, seat_id: str, first: list[str]) -> Decimal:
    """One seat's part of an entry; `first` are the seats that the segment began with."""
    single = entry.get("per_group_amounts")
    if single is not None:
        return exact(single.get(seat_id, 0))
    return exact(entry["amount"]) / len(first) if seat_id in first else Decimal(0)


def shares(row: Row, segment: Row, subscription: Row) -> dict[str, Decimal]:
    """What each seat has left of a segment."""
    first = assigned(subscription, segment["starting_at"])
    moved = movements(row, segment)
    later = [seat for each in moved for seat in each.get("per_group_amounts") or {}]
    opening = {"amount": segment["amount"]}
    return {
        seat: sum((part_of(each, seat, first) for each in (opening, *moved)), Decimal(0))
        for seat in dict.fromkeys([*first, *later])
    }
