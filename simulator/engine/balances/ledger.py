"""What commits and credits hold: their ledgers and their balances.

A record of `world.balances` keeps in `ledger` only what moved: deductions, manual entries, rollovers. What a
segment starts with and what expires unused follows from the access schedule, and is worked out when it is
asked for; so the entries always sum to the balance, whatever is edited or drawn late. What drafts are about
to deduct counts as if it were deducted, where it is handed over as `Waiting`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simulator.amounts import exact, plain
from simulator.world import Row, World

PREFIXES = {"PREPAID": "PREPAID_COMMIT", "POSTPAID": "POSTPAID_COMMIT", "CREDIT": "CREDIT"}
NO_CURRENCY = "00000000-0000-0000-0000-000000000000"  # of what is counted in units of usage
NEVER = "9999"  # later than any instant
WITHOUT_SEGMENT = ("MANUAL", "INITIAL_BALANCE", "TRUEUP")
Waiting = dict[str, list[Row]]  # by segment, the entries that draft invoices are going to write


def segments_of(row: Row) -> list[Row]:
    """The segments of its access schedule, oldest first."""
    return row["access_schedule"]["schedule_items"]


def entry_type(row: Row, name: str) -> str:
    """`MANUAL` → `PREPAID_COMMIT_MANUAL`, by the kind of commit or credit."""
    return f"{PREFIXES[row['type']]}_{name}"


def enter(row: Row, name: str, segment: Row, amount: Decimal, at: str, **members: Any) -> None:
    """Write one movement of a segment to the ledger."""
    row["ledger"].append(
        {
            "type": entry_type(row, name),
            "timestamp": at,
            "amount": plain(amount),
            "segment_id": segment["id"],
            **members,
        }
    )


def end_of(row: Row, segment: Row) -> str:
    """When a segment expires: its end, or when its contract ends or was archived with it."""
    return min(segment["ending_before"], row["expired_at"] or segment["ending_before"])


def movements(row: Row, segment: Row, at: str | None = None) -> list[Row]:
    """A segment's own entries, all or those up to an instant. Manual ones count from the first."""
    return [
        each
        for each in row["ledger"]
        if each["segment_id"] == segment["id"]
        and (at is None or each["timestamp"] <= at or each["type"].endswith("MANUAL"))
    ]


def left(row: Row, segment: Row, at: str | None = None, waiting: Waiting | None = None) -> Decimal:
    """What its entries leave of a segment's amount, below zero by manual entries only.

    Whether it has begun or expired makes no difference: an invoice draws on a segment after its end, for
    usage from before.
    """
    moved = [*movements(row, segment, at), *(waiting or {}).get(segment["id"], [])]
    return sum((exact(each["amount"]) for each in moved), exact(segment["amount"]))


def balance_of(world: World, row: Row, at: str | None = None, waiting: Waiting | None = None) -> int | float:
    """What can be used at an instant, by default now: upcoming and expired segments hold nothing."""
    at = at or world.stamp()
    if row["archived_at"] and not row["expired_at"]:
        return 0
    active = (each for each in segments_of(row) if each["starting_at"] <= at < end_of(row, each))
    rests = (left(row, each, at, waiting) for each in active)
    return plain(sum((max(each, Decimal(0)) for each in rests), Decimal(0)))


def entries(world: World, row: Row, at: str | None = None, waiting: Waiting | None = None) -> list[Row]:
    """The ledger up to an instant, in the API's shape and in order of time. It sums to the balance.

    Only a segment that manual entries took below zero sums to less: its balance is 0, and nothing expires.
    """
    at = at or world.stamp()
    ledger = [entry for segment in segments_of(row) for entry in entries_of(row, segment, at, waiting)]
    ledger.sort(key=lambda each: each["timestamp"])
    return [_shown(each) for each in ledger]


def entries_of(row: Row, segment: Row, at: str, waiting: Waiting | None = None) -> list[Row]:
    """One segment's entries up to an instant: its start, what moved, what drafts draw, and what expired."""
    if segment["starting_at"] > at or segment["starting_at"] >= (row["expired_at"] or NEVER):
        return []
    opening = "INITIAL_BALANCE" if row["type"] == "POSTPAID" else "SEGMENT_START"
    moved, about = movements(row, segment, at), {"segment_id": segment["id"]}
    start = {"type": entry_type(row, opening), "timestamp": segment["starting_at"], **about}
    ledger = [start | {"amount": plain(exact(segment["amount"]))}, *moved]
    ledger += (waiting or {}).get(segment["id"], [])
    if (end := end_of(row, segment)) <= at and (unused := left(row, segment, at, waiting)) > 0:
        gone = {"type": entry_type(row, "EXPIRATION"), "timestamp": end, "amount": plain(-unused)}
        ledger.append(gone | about)
    return ledger


def _shown(entry: Row) -> Row:
    if not entry["type"].endswith(WITHOUT_SEGMENT) and entry["type"] != "POSTPAID_COMMIT_EXPIRATION":
        return {name: value for name, value in entry.items() if name != "per_group_amounts"}
    return {name: value for name, value in entry.items() if name not in ("segment_id", "per_group_amounts")}


def give_back(world: World, customer_id: str, invoice_id: str) -> None:
    """Undo what a voided invoice drew or trued up.

    A prepaid commit or a credit gets an entry CANCELED; a postpaid commit knows no such entry, so it loses
    the one that was made.
    """
    for row in of_customer(world, customer_id):
        mine = [each for each in row["ledger"] if each.get("invoice_id") == invoice_id]
        if row["type"] == "POSTPAID":
            row["ledger"] = [each for each in row["ledger"] if each not in mine]
            continue
        segments = {each["id"]: each for each in segments_of(row)}
        for segment_id in dict.fromkeys(each["segment_id"] for each in mine):
            amount = sum(
                (exact(each["amount"]) for each in mine if each["segment_id"] == segment_id), Decimal(0)
            )
            if amount:
                about = {"invoice_id": invoice_id, "contract_id": mine[0]["contract_id"]}
                about |= _given_back([each for each in mine if each["segment_id"] == segment_id])
                enter(row, "CANCELED", segments[segment_id], -amount, world.stamp(), **about)


def _given_back(entries: list[Row]) -> Row:
    """How what is given back falls on seats."""
    sums: dict[str, Decimal] = {}
    for each in entries:
        for seat, amount in (each.get("per_group_amounts") or {}).items():
            sums[seat] = sums.get(seat, Decimal(0)) - exact(amount)
    return {"per_group_amounts": {seat: plain(each) for seat, each in sums.items()}} if sums else {}


def true_up(row: Row, at: str, invoice_id: str) -> Decimal:
    """Write what a postpaid commit was not used for to its ledger; the amount that its invoice bills."""
    (segment,) = segments_of(row)
    missing = max(left(row, segment), Decimal(0))
    if missing:
        members = {"contract_id": row["contract_id"] or row["invoice_contract_id"]}
        enter(row, "TRUEUP", segment, -missing, at, invoice_id=invoice_id, **members)
    return missing


def of_customer(world: World, customer_id: str) -> list[Row]:
    """The customer's commits and credits, in order of creation."""
    return [world.balances[each] for each in world.balances_of.get(customer_id, [])]
