"""What an invoice says at an instant: its lines, those of a draft computed anew each time it is shown."""

from __future__ import annotations

import uuid
from decimal import Decimal

from simulator.agenda import later
from simulator.amounts import exact, plain
from simulator.engine.balances.ledger import Waiting, entry_type, of_customer
from simulator.engine.invoices import lines as said
from simulator.engine.invoices.dated import (
    GRACE_HOURS,
    Dated,
    dated,
    foresee_true_up,
    goes_along,
    line_of,
    still_to_bill,
)
from simulator.engine.invoices.drawdown import settle
from simulator.engine.invoices.subscription_lines import due_with, goes_with_usage
from simulator.engine.prices.periods import of_contract
from simulator.engine.prices.usage import Meter, meter
from simulator.world import Row, World


def contract_of(world: World, invoice: Row) -> Row | None:
    """The contract that an invoice is of, None for a plan's."""
    rows = world.contracts_of.get(invoice["customer_id"], [])
    return next((each for each in rows if each["id"] == invoice.get("contract_id")), None)


def invoices_of(world: World, contract: Row, *kinds: str) -> list[Row]:
    rows = world.invoices_of.get(contract["customer_id"], [])
    return [
        each
        for each in rows
        if each.get("contract_id") == contract["id"] and (not kinds or each["type"] in kinds)
    ]


def is_measured(world: World, contract: Row, invoice: Row) -> bool:
    """Whether usage and prices tell what it came to; not one made by hand, nor a seeded one."""
    is_priced = contract.get("rate_card_id") in world.rate_cards and invoice["type"] == "USAGE"
    if invoice["id"] in world.usage_of_invoice or invoice["id"] in world.as_loaded:
        return False
    usage = (line for line in invoice.get("line_items", []) if line["type"] == "usage")
    return is_priced and all("product_id" in line for line in usage)


def shown(world: World, invoice: Row, usage: Meter | None = None) -> Row:
    """The API's form. A draft is computed from the usage so far, or from `usage`."""
    if "line_items" in invoice:
        return invoice
    contract = contract_of(world, invoice)
    if contract is None:
        return {**invoice, "line_items": [], "subtotal": 0, "total": 0}
    planned = {"issued_at": world.issue_date_of.get(invoice["id"], issued_at(invoice))}
    if invoice["type"] == "SCHEDULED":
        key = (invoice["issued_at"], invoice["credit_type"]["id"])
        lines = [line_of(world, each) for each in still_to_bill(world, contract).get(key, [])]
        foresee_true_up(world, lines, waiting(world, invoice["customer_id"]))
        return with_lines(world, contract, invoice | planned, lines)
    lines = charges(world, contract, invoice, usage or meter(world, invoice["customer_id"]))
    earlier = _amounts(waiting(world, invoice["customer_id"], invoice))
    settled, _drawn = settle(world, contract, lines, invoice["end_timestamp"], earlier)
    return with_lines(world, contract, invoice | planned, settled)


def issued_at(invoice: Row) -> str:
    """When a draft is usually issued: on its date, or after the grace of its period."""
    return invoice.get("issued_at") or later(invoice["end_timestamp"], hours=GRACE_HOURS)


def planned_drafts(world: World, contract: Row) -> dict[tuple[str, str], Row]:
    """(when, id of the currency) → the contract's draft for it, whose lines follow from its terms."""
    return {
        (each["issued_at"], each["credit_type"]["id"]): each
        for each in invoices_of(world, contract, "SCHEDULED")
        if each["status"] == "DRAFT" and "line_items" not in each
    }


def waiting(world: World, customer_id: str, before: Row | None = None) -> Waiting:
    """What the customer's drafts are about to write to its ledgers, by segment, in the balance's unit.

    All of them, or those that are going to be final `before` one: of drafts that end together the older one.
    """
    entries: Waiting = {}
    drafts = _drafts(world, customer_id, before) if of_customer(world, customer_id) else []
    usage = meter(world, customer_id) if drafts else None
    for each in drafts:
        contract = contract_of(world, each)
        due, end = charges(world, contract, each, usage), each["end_timestamp"]
        about = {"timestamp": end, "invoice_id": each["id"], "contract_id": contract["id"]}
        for drawn in settle(world, contract, due, end, _amounts(entries))[1]:
            segment_id = drawn.segment["id"]
            kind = entry_type(drawn.row, "AUTOMATED_INVOICE_DEDUCTION")
            entry = {"type": kind, "amount": plain(-drawn.deducted), "segment_id": segment_id, **about}
            entry |= drawn.told()
            entries.setdefault(segment_id, []).append(entry)
    return entries


def _amounts(entries: Waiting) -> dict[str, Decimal]:
    """What they take from each segment."""
    return {
        segment_id: -sum((exact(each["amount"]) for each in rows), Decimal(0))
        for segment_id, rows in entries.items()
    }


def _drafts(world: World, customer_id: str, before: Row | None) -> list[Row]:
    """The customer's drafts whose lines are computed, in the order in which they are going to be final."""
    drafts = [
        each
        for each in world.invoices_of.get(customer_id, [])
        if each["status"] == "DRAFT" and each["type"] == "USAGE" and "line_items" not in each
        if contract_of(world, each)
    ]
    if before is not None:
        ids, end = [each["id"] for each in drafts], before["end_timestamp"]
        own = ids.index(before["id"]) if before["id"] in ids else 0
        drafts = [
            each
            for place, each in enumerate(drafts)
            if each["end_timestamp"] < end or (each["end_timestamp"] == end and place < own)
        ]
    return sorted(drafts, key=lambda each: each["end_timestamp"])


def preview(world: World, contract: Row, usage: Meter) -> Row:
    """The usage invoice of the contract's current period as this usage would make it."""
    start, end = of_contract(contract, world.stamp())
    own_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{contract['id']} {start}"))
    for invoice in invoices_of(world, contract, "USAGE"):
        if invoice["status"] == "DRAFT" and invoice["start_timestamp"] == start:
            own_id = invoice["id"]
    draft = draft_of(world, contract, "USAGE", id=own_id, start_timestamp=start, end_timestamp=end)
    return shown(world, draft, usage)


def charges(world: World, contract: Row, invoice: Row, usage: Meter) -> list[Row]:
    """A usage invoice's lines before balances: usage, and what is billed along with it."""
    start, end = invoice["start_timestamp"], invoice["end_timestamp"]
    lines = said.usage_lines(world, contract, usage, start, end)
    for each in contract.get("subscriptions") or []:
        if goes_with_usage(each):
            lines += due_with(world, contract, each, invoice)
    return lines + [line_of(world, each) for each in along(world, contract, invoice)]


def along(world: World, contract: Row, invoice: Row) -> list[Dated]:
    """Scheduled charges and commits that this usage invoice bills."""
    return [
        each
        for each in dated(world, contract)
        if each.item["timestamp"] == invoice["end_timestamp"]
        and each.item.get("invoice_id", invoice["id"]) == invoice["id"]
        and ("invoice_id" in each.item or goes_along(world, contract, each))
    ]


def with_lines(world: World, contract: Row, invoice: Row, lines: list[Row]) -> Row:
    """A copy with these lines, as balances pay for them, and the sums."""
    return {
        **invoice,
        "customer_custom_fields": dict(world.customers[invoice["customer_id"]]["custom_fields"]),
        "contract_custom_fields": dict(contract.get("custom_fields") or {}),
        "line_items": lines,
        **said.sums(lines, invoice["credit_type"]),
    }


def draft_of(world: World, contract: Row, kind: str, *, id: str, **members: object) -> Row:
    """A draft that has no lines yet and isn't in the world."""
    invoice = {
        "id": id,
        "customer_id": contract["customer_id"],
        "contract_id": contract["id"],
        "status": "DRAFT",
        "type": kind,
        "credit_type": said.currency_of(world, contract),
        "billable_status": "billable",
        "external_invoice": None,
        **members,
    }
    if contract.get("net_payment_terms_days") is not None:
        invoice["net_payment_terms_days"] = contract["net_payment_terms_days"]
    return invoice
