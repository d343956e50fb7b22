"""Records of invoices: what is final stays as written, drafts keep their ids and are worked out anew."""

from __future__ import annotations

from simulator.agenda import later
from simulator.engine.invoices import invoicing
from simulator.engine.invoices.dated import still_to_bill
from simulator.engine.invoices.statements import GRACE_HOURS, contract_of, planned_drafts
from simulator.engine.invoices.subscription_lines import (
    billed,
    collected,
    goes_with_usage,
    is_in_advance,
    subscription_periods,
)
from simulator.engine.prices.periods import of_contract
from simulator.records.report import Report, require
from simulator.world import Row, World

COMPUTED = ("line_items", "subtotal", "total", "issued_at", "customer_custom_fields")
COMPUTED += ("contract_custom_fields",)
SOURCES = ("scheduled_charge_id", "discount_id", "commit_id")


def put(world: World, row: Row, report: Report) -> None:
    """One invoice."""
    require(world.customers, row["customer_id"], "customer")
    own = world.invoices_of.setdefault(row["customer_id"], [])
    row = {name: value for name, value in row.items() if value is not None or name == "external_invoice"}
    row["line_items"] = row.get("line_items") or []
    contract = contract_of(world, row)
    if row["status"] != "DRAFT":
        world.as_loaded[row["id"]] = world.stamp()
        own.append(row)
        return
    blank = {name: value for name, value in row.items() if name not in COMPUTED}
    blank = {"billable_status": "billable", "external_invoice": None, **blank}
    if contract is not None and not contract["archived_at"]:
        if row["type"] == "USAGE" and _is_of_period(world, contract, row):
            usual = later(row["end_timestamp"], hours=GRACE_HOURS)
            if row.get("issued_at", usual) != usual:
                world.issue_date_of[row["id"]] = row["issued_at"]
            own.append(blank)
            return
        if row["type"] == "SCHEDULED" and (due := _planned(world, contract, row)):
            if row.get("issued_at", due) != due:
                world.issue_date_of[row["id"]] = row["issued_at"]
            own.append({**blank, "issued_at": due})
            return
    _as_written(world, row, report)


def _as_written(world: World, row: Row, report: Report) -> None:
    """A draft that follows from no terms: its lines stay, and it is final on its day."""
    world.as_loaded[row["id"]] = world.stamp()
    world.invoices_of[row["customer_id"]].append(row)
    issued_at, end = row.get("issued_at"), row.get("end_timestamp")
    if issued_at or end:
        invoicing.finalize_later(world, row, issued_at or later(end, hours=GRACE_HOURS))
    else:
        report.leave_out("invoices", row, "a draft that follows from no terms and has no date stays a draft")


def _is_of_period(world: World, contract: Row, row: Row) -> bool:
    """Whether it ends with a period of the contract; one may begin late, where an invoice was cut before."""
    if contract.get("rate_card_id") not in world.rate_cards:
        return False
    start, end = row.get("start_timestamp"), row.get("end_timestamp")
    return bool(start and end) and of_contract(contract, start)[1] == end


def _planned(world: World, contract: Row, row: Row) -> str | None:
    """When what a draft bills is due; None where nothing is still to bill that it could be of."""
    planned = still_to_bill(world, contract)
    unit = row["credit_type"]["id"]
    if (row.get("issued_at"), unit) in planned:
        return row["issued_at"]
    sources = {line.get(name) for line in row["line_items"] for name in SOURCES} - {None}
    for (due, unit_id), parts in sorted(planned.items(), key=lambda pair: pair[0]):
        if unit_id == unit and sources & {each.source["id"] for each in parts}:
            return due
    return None


def pass_over(world: World, contract: Row, report: Report) -> None:
    """What was due before now and is on no invoice of the records is not billed here."""
    now = world.stamp()
    if contract["archived_at"]:
        return
    overdue = [rows for (due, _unit), rows in still_to_bill(world, contract).items() if due <= now]
    for each in (each for rows in overdue for each in rows):
        if not _is_draft_of(world, contract, each.due_at):
            world.as_loaded[each.item["id"]] = now
            report.leave_out("invoices", each.source, f"what was due on {each.due_at} is on no invoice")
    if contract.get("rate_card_id") not in world.rate_cards:
        return
    own = [
        invoice
        for invoice in world.invoices_of.get(contract["customer_id"], [])
        if invoice.get("contract_id") == contract["id"] and invoice["type"] == "USAGE"
    ]
    drafts = [each["start_timestamp"] for each in own if each["status"] == "DRAFT"]
    if contract["starting_at"] <= now:
        world.as_loaded[contract["id"]] = min([*drafts, of_contract(contract, now)[0]])
    for subscription in contract["subscriptions"]:
        for start in _due(world, contract, subscription, now):
            world.as_loaded[f"{subscription['id']}/{start}"] = now


def _is_draft_of(world: World, contract: Row, due: str) -> bool:
    """Whether a draft of the records is going to bill what is due, later than usual."""
    return any(each["issued_at"] == due for each in planned_drafts(world, contract).values())


def _due(world: World, contract: Row, subscription: Row, now: str) -> list[str]:
    """The starts of lines that should be on invoices that are final, and aren't."""
    if goes_with_usage(subscription) and not is_in_advance(subscription):
        return []
    known, found = billed(world, contract, subscription), []
    for period in subscription_periods(contract, subscription, subscription["starting_at"], now):
        for at, _period, part in collected(world, contract, subscription, period):
            start = part[0]["starting_at"]
            goes_along = goes_with_usage(subscription) and _has_draft(world, contract, at)
            if at <= now and start not in known and not goes_along:
                found.append(start)
    return found


def _has_draft(world: World, contract: Row, end: str) -> bool:
    return any(
        (invoice.get("contract_id"), invoice.get("end_timestamp"), invoice["status"])
        == (contract["id"], end, "DRAFT")
        for invoice in world.invoices_of.get(contract["customer_id"], [])
    )
