"""What a contract bills on dates: scheduled charges, discounts, and what commits cost."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from simulator.agenda import later
from simulator.amounts import exact, plain
from simulator.engine.balances import ledger
from simulator.engine.invoices.lines import of_product
from simulator.engine.prices.periods import of_contract
from simulator.world import Row, World

GRACE_HOURS = 24


class Dated(NamedTuple):
    """One item of an invoice schedule, and whose it is."""

    kind: str
    source: Row
    item: Row

    @property
    def schedule(self) -> Row:
        return self.source["invoice_schedule" if self.kind == "commit" else "schedule"]

    @property
    def due_at(self) -> str:
        """What a postpaid commit was not used for is known after the grace of the last usage invoice."""
        at = self.item["timestamp"]
        return later(at, hours=GRACE_HOURS) if self.source.get("type") == "POSTPAID" else at


def dated(world: World, contract: Row) -> Iterator[Dated]:
    """Everything of a contract that is billed on dates, whether it was or not."""
    for name, kind in (("scheduled_charges", "scheduled_charge"), ("discounts", "discount")):
        for source in contract.get(name) or []:
            yield from _items(kind, source, source["schedule"])
    for commit_id in world.balances_of.get(contract["customer_id"], []):
        source = world.balances[commit_id]
        if (source["contract_id"] or source["invoice_contract_id"]) == contract["id"]:
            yield from _items("commit", source, source["invoice_schedule"] or {})


def still_to_bill(world: World, contract: Row) -> dict[tuple[str, str], list[Dated]]:
    """(when, id of the currency) → what isn't billed yet and gets an invoice of its own."""
    found: dict[tuple[str, str], list[Dated]] = {}
    for each in dated(world, contract):
        if each.item["id"] in world.as_loaded:
            continue
        if not each.item.get("invoice_id") and not goes_along(world, contract, each):
            found.setdefault((each.due_at, each.schedule["credit_type"]["id"]), []).append(each)
    return found


def _items(kind: str, source: Row, schedule: Row) -> Iterator[Dated]:
    if not source.get("archived_at") and not schedule.get("do_not_invoice"):
        for item in schedule.get("schedule_items") or []:
            yield Dated(kind, source, item)


def goes_along(world: World, contract: Row, each: Dated) -> bool:
    """Whether it is billed on the usage invoice whose period ends at its date, and on none of its own.

    It needs a contract that says so and has usage invoices, of which this one isn't final yet.
    """
    if contract.get("scheduled_charges_on_usage_invoices") != "ALL" or each.kind == "discount":
        return False
    return each.source.get("type") != "POSTPAID" and ends_usage(world, contract, each.item["timestamp"])


def first_billed(world: World, contract: Row) -> str:
    """From when on usage is invoiced here."""
    since = contract.get("invoice_generation_starting_at") or ""
    return max(contract["starting_at"], since, world.as_loaded.get(contract["id"], ""))


def ends_usage(world: World, contract: Row, at: str) -> bool:
    """Whether a usage invoice of the contract ends at an instant, and isn't final yet."""
    if contract.get("rate_card_id") not in world.rate_cards:
        return False
    if at <= first_billed(world, contract) or of_contract(contract, later(at, seconds=-1))[1] != at:
        return False
    return not any(
        (invoice.get("contract_id"), invoice["type"], invoice.get("end_timestamp"))
        == (contract["id"], "USAGE", at)
        and invoice["status"] != "DRAFT"
        for invoice in world.invoices_of.get(contract["customer_id"], [])
    )


def line_of(world: World, each: Dated) -> Row:
    """What one date costs; a discount counts against the invoice."""
    source, item = each.source, each.item
    sign = -1 if each.kind == "discount" else 1
    line = of_product(world, source["product"]["id"], source.get("name") or source["product"]["name"])
    line |= {
        "type": "commit_purchase" if each.kind == "commit" else "scheduled",
        "credit_type": dict(each.schedule["credit_type"]),
        "quantity": item["quantity"],
        "unit_price": plain(exact(item["unit_price"]) * sign),
        "total": plain(exact(item["amount"]) * sign),
    }
    line |= {f"{each.kind}_id": source["id"], f"{each.kind}_custom_fields": source.get("custom_fields") or {}}
    if each.kind != "commit":
        return line
    if source["type"] == "POSTPAID":
        return line | {"commit_type": "PostpaidCommit", "postpaid_commit": {"id": source["id"]}}
    return line | {"commit_type": "PrepaidCommit"}


def true_up(world: World, lines: list[Row], invoice_id: str) -> None:
    """Lines for postpaid commits bill what these were not used for, and the ledgers tell."""
    for line in lines:
        if "postpaid_commit" in line:
            missing = ledger.true_up(world.balances[line["commit_id"]], world.stamp(), invoice_id)
            _bill_missing(line, missing)


def foresee_true_up(world: World, lines: list[Row], waiting: ledger.Waiting) -> None:
    """The same of what is missing by now, once drafts have drawn; no ledger tells."""
    for line in lines:
        if "postpaid_commit" in line:
            row = world.balances[line["commit_id"]]
            (segment,) = ledger.segments_of(row)
            _bill_missing(line, max(ledger.left(row, segment, waiting=waiting), Decimal(0)))


def _bill_missing(line: Row, missing: Decimal) -> None:
    line |= {"quantity": 1, "unit_price": plain(missing), "total": plain(missing)}
