"""What is true of an account's books whatever happened to it, worked out anew from the numbers themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal
from typing import Any

import orjson

from simulator.amounts import exact, plain
from simulator.engine.balances import grants
from simulator.engine.balances.ledger import segments_of
from simulator.engine.contracts import commits
from simulator.engine.invoices.drawdown import PAID_FOR
from simulator.engine.invoices.invoicing import shown
from simulator.world import Row, World

FINAL = ("archived_at", "voided_at")
HISTORICAL = ("effects", "audit_log", "answers", "edits_of", "agenda", "outbox", "alert_states")


def state(world: World, *without: str) -> bytes:
    """Everything of a world, or all but some of it, as bytes to compare."""
    names = [each.name for each in fields(World) if each.name not in without]
    whole = {name: getattr(world, name) for name in names}
    if "random" not in without:
        whole["random"] = repr(world.random.getstate())
    return orjson.dumps(whole)


def finals(world: World) -> dict[str, Any]:
    """What has come to its end for good, and how: by id."""
    found: dict[str, Any] = {}
    for each in fields(World):
        if each.name not in HISTORICAL:
            for row in _objects(getattr(world, each.name)):
                ends = [row.get(name) for name in FINAL]
                if row.get("status") == "VOID":
                    ends += ["VOID", row["total"]]
                if any(ends):
                    found[f"{each.name} {row['id']}"] = ends
    return found


def _objects(value: Any) -> Iterator[Row]:
    """Every object with an id, however deep."""
    if isinstance(value, dict):
        if "id" in value:
            yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def invoices(world: World) -> list[Row]:
    """Every invoice as it is shown."""
    return [shown(world, each) for rows in world.invoices_of.values() for each in rows]


def wrong_invoices(world: World) -> Iterator[str]:
    """Invoices that aren't the sum of their lines, or whose balances pay for more than there is."""
    for invoice in invoices(world):
        own = [
            each
            for each in invoice["line_items"]
            if each["credit_type"]["id"] == invoice["credit_type"]["id"]
        ]
        applied = [each for each in own if each["type"] == "applied_commit_or_credit"]
        charged = [each for each in own if each not in applied]
        owed = _sum(each for each in own if each not in applied or each["commit_type"] == "PrepaidCommit")
        if exact(invoice["total"]) != exact(plain(owed)):
            yield f"invoice {invoice['id']} is {invoice['total']}, its lines sum to {owed}"
        if exact(invoice["subtotal"]) != exact(plain(_sum(charged))):
            yield f"invoice {invoice['id']} has subtotal {invoice['subtotal']}, not {_sum(charged)}"
        units: dict[str, list[Row]] = {}
        for each in invoice["line_items"]:
            units.setdefault(each["credit_type"]["id"], []).append(each)
        for lines in units.values():
            due = _sum(each for each in lines if each["type"] in PAID_FOR and each["total"] > 0)
            paid = -_sum(each for each in lines if each["type"] == "applied_commit_or_credit")
            if not 0 <= paid <= due:
                yield f"invoice {invoice['id']} has lines for {due}, and balances pay {paid}"
        for line in invoice["line_items"]:
            if "unit_price" in line and "quantity" in line:
                cost = plain(exact(line["unit_price"]) * exact(line["quantity"]))
                if abs(exact(cost) - exact(line["total"])) > Decimal("0.01"):
                    yield f"a line of invoice {invoice['id']} says {line}"


def _sum(lines: Any) -> Decimal:
    return sum((exact(each["total"]) for each in lines), Decimal(0))


def wrong_balances(world: World) -> Iterator[str]:
    """Ledgers that don't sum to their balance, and segments that gave more than they had."""
    drafts = {customer_id: commits.waiting(world, customer_id) for customer_id in world.balances_of}
    for row in world.balances.values():
        told = commits.show(world, row, balance=True, ledger=True, drafts=drafts[row["customer_id"]])
        if "ledger" in told:
            left = sum((exact(each["amount"]) for each in told["ledger"]), Decimal(0))
            overdrawn = sum(
                (min(_left(row, each), Decimal(0)) for each in segments_of(row)), Decimal(0)
            )  # by manual entries only, which is looked at below
            started = sum(
                (
                    min(_left(row, each), Decimal(0))
                    for each in segments_of(row)
                    if each["starting_at"] <= world.stamp()
                    and each["starting_at"] < (row["expired_at"] or "9")
                ),
                Decimal(0),
            )
            if exact(told["balance"]) != exact(plain(left - started)):
                yield f"{row['id']} has {told['balance']}, its ledger sums to {left} ({overdrawn} overdrawn)"
        if told["balance"] < 0:
            yield f"{row['id']} has {told['balance']}"
        yield from _overdrawn(row)
        if orphans := [each for each in row["ledger"] if each["segment_id"] not in _ids(segments_of(row))]:
            yield f"{row['id']} has entries of no segment: {orphans}"


def _ids(rows: list[Row]) -> set[str]:
    return {each["id"] for each in rows}


def _left(row: Row, segment: Row) -> Decimal:
    moved = (exact(each["amount"]) for each in row["ledger"] if each["segment_id"] == segment["id"])
    return sum(moved, exact(segment["amount"]))


def _overdrawn(row: Row) -> Iterator[str]:
    """Segments from which something else than manual entries took more than there was."""
    for segment in segments_of(row):
        by_hand = (
            min(exact(each["amount"]), Decimal(0))
            for each in row["ledger"]
            if each["segment_id"] == segment["id"] and each["type"].endswith("MANUAL")
        )
        if (left := _left(row, segment)) < sum(by_hand, Decimal(0)):
            yield f"{row['id']} is at {left}: {row['ledger']}"


def wrong_payments(world: World) -> Iterator[str]:
    """Invoices that don't say of a balance what its ledger says of them: paid once, given back once."""
    told: dict[tuple[str, str], Decimal] = {}
    for invoice in (each for rows in world.invoices_of.values() for each in rows):
        if invoice["status"] != "FINALIZED":
            continue
        for line in invoice["line_items"]:
            if line["type"] == "applied_commit_or_credit":
                pair = (invoice["id"], line["applied_commit_or_credit"]["id"])
                told[pair] = told.get(pair, Decimal(0)) + exact(line.get("quantity_consumed", -line["total"]))
    entered: dict[tuple[str, str], Decimal] = {}
    for row in world.balances.values():
        for entry in row["ledger"]:
            if "invoice_id" in entry and not entry["type"].endswith("TRUEUP"):
                pair = (entry["invoice_id"], row["id"])
                entered[pair] = entered.get(pair, Decimal(0)) - exact(entry["amount"])
    for pair in told.keys() | entered.keys():
        if told.get(pair, 0) != entered.get(pair, 0):
            yield f"invoice and balance {pair}: {told.get(pair)} on the one, {entered.get(pair)} in the other"


def wrong_rollovers(world: World) -> Iterator[str]:
    """Balances that didn't get exactly what another gave them."""
    for row in world.balances.values():
        if row["rolled_over_from"]:
            old = world.balances[row["rolled_over_from"][f"{row['kind']}_id"]]
            given = [each for each in old["ledger"] if each.get("new_contract_id") == row["contract_id"]]
            gave = -sum((exact(each["amount"]) for each in given), Decimal(0))
            if gave != exact(segments_of(row)[0]["amount"]):
                yield f"{row['id']} began with {segments_of(row)[0]['amount']}, {old['id']} gave {gave}"


def wrong_grants(world: World) -> Iterator[str]:
    """Credit grants whose entries don't sum to what is left of them."""
    now = world.stamp()
    for grant in world.credit_grants.values():
        if grant["effective_at"] <= now:
            moved = sum((exact(each["amount"]) for each in grants.history(grant, now)), Decimal(0))
            left = Decimal(0) if grant["expires_at"] <= now else grants.left(grant)
            if moved != left or left < 0:
                yield f"grant {grant['id']} has {left}, its entries sum to {moved}"


def wrong(world: World) -> list[str]:
    """Everything that is wrong."""
    checks = (wrong_invoices, wrong_balances, wrong_payments, wrong_rollovers, wrong_grants)
    return [complaint for check in checks for complaint in check(world)]
