"""Commits and credits: stored, edited, shortened, archived and shown.

What may be agreed is in `commit_terms`, what they hold in `ledger`, how they pay for usage in `drawdown`;
the names that other modules need are all here.
"""

from __future__ import annotations

from decimal import Decimal

from simulator import notices
from simulator.agenda import due, plan
from simulator.amounts import exact, plain
from simulator.checks import on_the_hour
from simulator.engine.balances.ledger import (
    Waiting,
    balance_of,
    entries,
    give_back,
    of_customer,
    segments_of,
    true_up,
)
from simulator.engine.contracts.commit_terms import changed, contract_of, prepare, refuse_drawn
from simulator.engine.invoices import invoicing
from simulator.engine.invoices.drawdown import draw, settle
from simulator.engine.invoices.statements import waiting
from simulator.http import ApiError
from simulator.world import Row, World

__all__ = [
    "archive",
    "balance_of",
    "changed",
    "draw",
    "edit",
    "foresee",
    "give_back",
    "is_archived",
    "of_customer",
    "prepare",
    "refuse_archive",
    "settle",
    "shorten",
    "show",
    "store",
    "true_up",
    "waiting",
]

INTERNAL = ("customer_id", "kind", "contract_id", "invoice_contract_id", "expired_at", "ledger", "recharges")


def store(world: World, row: Row) -> None:
    """Put a prepared row into the world: its notices, its segments' future and its invoices.

    Its contract must be in the world by now.
    """
    world.claim("balance", row["uniqueness_key"], row["id"])
    if row["contract_id"] and (contract := contract_of(world, row["customer_id"], row["contract_id"])):
        row["expired_at"] = contract.get("ending_before")
    world.balances[row["id"]] = row
    world.balances_of.setdefault(row["customer_id"], []).append(row["id"])
    notices.balance(world, "create", row)
    foresee(world, row, segments_of(row))
    _bill(world, row)


def edit(world: World, row: Row, given: Row) -> None:
    """Carry out an edit in the form of v2's edit of a commit or credit. Raises ApiError 400 unchanged.

    Who has several to carry out asks `changed` first whether each is possible.
    """
    new = changed(world, row, given)
    before = [(each["id"], each["starting_at"], each["ending_before"]) for each in segments_of(row)]
    row.update(new)
    moved = [
        each
        for each in segments_of(row)
        if (each["id"], each["starting_at"], each["ending_before"]) not in before
    ]
    foresee(world, row, moved)
    _bill(world, row)
    notices.balance(world, "edit", row)


def shorten(world: World, row: Row, access_end: str | None, invoices_end: str | None = None) -> None:
    """End its access, its invoices or both earlier; None leaves them. Raises ApiError 400 unchanged."""
    kept, items = list(segments_of(row)), (row["invoice_schedule"] or {}).get("schedule_items", [])
    if row["archived_at"]:
        raise ApiError(400, f"An archived {row['kind']} can't be edited")
    if access_end is not None:
        on_the_hour(access_end, "access_ending_before")
        if access_end > max(each["ending_before"] for each in kept):
            raise ApiError(400, "access_ending_before can't be after the current end")
        for each in kept:
            if each["starting_at"] >= access_end:
                refuse_drawn(row, each)
        kept = [each for each in kept if each["starting_at"] < access_end]
        if not kept:
            raise ApiError(400, "access_ending_before must be after the start of the access schedule")
    if invoices_end is not None:
        finalized = _finalized(world, row["customer_id"])
        gone = [each for each in items if each["timestamp"] >= invoices_end]
        if any(each.get("invoice_id") in finalized for each in gone):
            raise ApiError(400, "A schedule item with a finalized invoice can't be removed")
        items = [each for each in items if each["timestamp"] < invoices_end]
    last = access_end or max(each["ending_before"] for each in kept)
    cut = [each | {"ending_before": min(each["ending_before"], last)} for each in kept]
    row["access_schedule"] = {**row["access_schedule"], "schedule_items": cut}
    if row["invoice_schedule"]:
        row["invoice_schedule"] = {**row["invoice_schedule"], "schedule_items": items}
    foresee(world, row, [each for each in cut if each not in kept])
    notices.balance(world, "edit", row)


def archive(world: World, row: Row, *, with_contract: bool = False) -> None:
    """Archive it for good. Raises ApiError 400 where a finalized invoice has it applied or bills it.

    An archived one has no ledger and no balance. `with_contract` is for the archive of its contract: then
    finalized invoices may stay, and what is left expires.
    """
    if not with_contract:
        refuse_archive(world, row)
    row["archived_at"] = world.stamp()
    last = min(row["archived_at"], row["expired_at"] or row["archived_at"])
    row["expired_at"] = last if with_contract else None
    notices.balance(world, "archive", row)


def refuse_archive(world: World, row: Row) -> None:
    """Raise ApiError 400 where `archive` would."""
    if row["archived_at"]:
        raise ApiError(400, f"The {row['kind']} is already archived", executed=True)
    billed = (row["invoice_schedule"] or {}).get("schedule_items", [])
    touched = {each.get("invoice_id") for each in [*row["ledger"], *billed]}
    if touched & _finalized(world, row["customer_id"]):
        raise ApiError(400, f"The {row['kind']} can't be archived before its finalized invoices are voided")


def is_archived(world: World, row: Row) -> bool:
    """Whether it or its contract is archived."""
    if row["archived_at"] or not row["contract_id"]:
        return bool(row["archived_at"])
    contract = contract_of(world, row["customer_id"], row["contract_id"])
    return contract is not None and bool(contract.get("archived_at"))


def show(
    world: World, row: Row, balance: bool = False, ledger: bool = False, drafts: Waiting | None = None
) -> Row:
    """The API's form; `drafts` are what draft invoices are about to deduct, worked out here if left out."""
    if drafts is None and (balance or ledger):
        drafts = waiting(world, row["customer_id"])
    shown = {name: value for name, value in row.items() if name not in INTERNAL and value is not None}
    schedule = row["access_schedule"]
    shown["access_schedule"] = {name: value for name, value in schedule.items() if value is not None}
    for name in ("contract", "invoice_contract"):
        if row[f"{name}_id"]:
            shown[name] = {"id": row[f"{name}_id"]}
    if row["kind"] == "commit" and (ratio := _cost_basis(row)) is not None:
        shown["cost_basis"] = ratio
    if balance:
        shown["balance"] = balance_of(world, row, waiting=drafts)
    if ledger and (row["expired_at"] or not row["archived_at"]):
        shown["ledger"] = entries(world, row, waiting=drafts)
    return shown


def _cost_basis(row: Row) -> float | None:
    """What is paid for a commit by what it grants; None where it grants nothing."""
    granted = sum((exact(each["amount"]) for each in segments_of(row)), Decimal(0))
    items = (row["invoice_schedule"] or {}).get("schedule_items", [])
    paid = sum((exact(each["amount"]) for each in items), Decimal(0))
    return plain(paid / granted) if granted else None


def _finalized(world: World, customer_id: str) -> set[str]:
    return {each["id"] for each in world.invoices_of.get(customer_id, []) if each["status"] == "FINALIZED"}


def _bill(world: World, row: Row) -> None:
    contract_id = row["contract_id"] or row["invoice_contract_id"]
    if row["invoice_schedule"] and not row["invoice_schedule"]["do_not_invoice"] and contract_id:
        invoicing.schedule(world, contract_of(world, row["customer_id"], contract_id), row)


def foresee(world: World, row: Row, segments: list[Row], *, quietly: bool = False) -> None:
    """Tell of the segments' beginnings and ends: of a past beginning now, of the others in their time.

    `quietly` tells of the future alone.
    """
    now = world.stamp()
    for each in segments:
        about = {"commit_id": row["id"], "segment_id": each["id"]}
        if each["starting_at"] > now:
            plan(world, each["starting_at"], "commit.segment.start", **about)
        elif each["ending_before"] > now and not quietly:
            _tell(world, row, "segment.start", each)
        if each["ending_before"] > now:
            plan(world, each["ending_before"], "commit.segment.end", **about)


@due("commit.segment.start")
def _segment_starts(world: World, *, commit_id: str, segment_id: str) -> None:
    _tell_due(world, commit_id, segment_id, "segment.start", "starting_at")


@due("commit.segment.end")
def _segment_ends(world: World, *, commit_id: str, segment_id: str) -> None:
    _tell_due(world, commit_id, segment_id, "segment.end", "ending_before")


def _tell_due(world: World, commit_id: str, segment_id: str, event: str, edge: str) -> None:
    row = world.balances[commit_id]
    for each in segments_of(row):
        if each["id"] == segment_id and each[edge] == world.stamp() and not is_archived(world, row):
            _tell(world, row, event, each)


def _tell(world: World, row: Row, event: str, segment: Row) -> None:
    segments = segments_of(row)
    notices.balance(
        world,
        event,
        row,
        segment_id=segment["id"],
        segment_index=segments.index(segment),
        segment_count=len(segments),
    )
