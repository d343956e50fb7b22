"""What commits and credits hold: their ledgers, their balances, and how invoices draw them down.

A record of `world.commits` keeps in `ledger` only what moved: deductions, manual entries, rollovers. What a
segment starts with and what expires unused follows from the access schedule, and is worked out when it is
asked for; so the entries always sum to the balance, whatever is edited or drawn late.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from simulator.amounts import PLACES, exact, plain
from simulator.world import Row, World

PREFIXES = {"PREPAID": "PREPAID_COMMIT", "POSTPAID": "POSTPAID_COMMIT", "CREDIT": "CREDIT"}
WITHOUT_SEGMENT = ("MANUAL", "INITIAL_BALANCE", "TRUEUP")
UNDRAWABLE = ("commit_purchase", "applied_commit_or_credit", "cpu_conversion")


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
    """When a segment expires: its end, or when its contract was archived with it."""
    return min(segment["ending_before"], row["expired_at"] or segment["ending_before"])


def movements(row: Row, segment: Row, at: str | None = None) -> list[Row]:
    """A segment's own entries, all or those up to an instant. Manual ones count from the first."""
    return [
        each
        for each in row["ledger"]
        if each["segment_id"] == segment["id"]
        and (at is None or each["timestamp"] <= at or each["type"].endswith("MANUAL"))
    ]


def left(row: Row, segment: Row, at: str | None = None) -> Decimal:
    """What its entries leave of a segment's amount, below zero by manual entries only.

    Whether it has begun or expired makes no difference: an invoice draws on a segment after its end, for
    usage from before.
    """
    moved = (exact(each["amount"]) for each in movements(row, segment, at))
    return sum(moved, exact(segment["amount"]))


def balance_of(world: World, row: Row, at: str | None = None) -> int | float:
    """What can be used at an instant, by default now: upcoming and expired segments hold nothing."""
    at = at or world.stamp()
    if row["archived_at"] and not row["expired_at"]:
        return 0
    active = (each for each in segments_of(row) if each["starting_at"] <= at < end_of(row, each))
    return plain(sum((max(left(row, each, at), Decimal(0)) for each in active), Decimal(0)))


def entries(world: World, row: Row, at: str | None = None) -> list[Row]:
    """The ledger up to an instant, in the API's shape and in order of time. It sums to the balance.

    Only a segment that manual entries took below zero sums to less: its balance is 0, and nothing expires.
    """
    at = at or world.stamp()
    ledger: list[Row] = []
    opening = "INITIAL_BALANCE" if row["type"] == "POSTPAID" else "SEGMENT_START"
    for segment in segments_of(row):
        if segment["starting_at"] > at:
            continue
        about = {"segment_id": segment["id"]}
        start = {"type": entry_type(row, opening), "timestamp": segment["starting_at"], **about}
        ledger.append(start | {"amount": plain(exact(segment["amount"]))})
        ledger.extend(movements(row, segment, at))
        if (end := end_of(row, segment)) <= at and (unused := left(row, segment, at)) > 0:
            gone = {"type": entry_type(row, "EXPIRATION"), "timestamp": end, "amount": plain(-unused)}
            ledger.append(gone | about)
    ledger.sort(key=lambda each: each["timestamp"])
    return [_shown(each) for each in ledger]


def _shown(entry: Row) -> Row:
    bare = entry["type"].endswith(WITHOUT_SEGMENT) or entry["type"] == "POSTPAID_COMMIT_EXPIRATION"
    return {name: value for name, value in entry.items() if name != "segment_id" or not bare}


@dataclass(slots=True)
class Drawn:
    """What one segment gives to one invoice: in the balance's own unit, and in the invoice's currency."""

    row: Row
    segment: Row
    credit_type: Row
    deducted: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)


def draw(world: World, contract: Row, lines: list[Row], at: str, invoice_id: str) -> list[Row]:
    """Apply balances to an invoice's lines, and write the deductions dated `at`, its period's end.

    The result are the lines of type `applied_commit_or_credit` to add. A postpaid commit gives none: its
    usage is still billed, and only counted against the commitment.
    """
    drawn = list(_drawn(world, contract, lines, at))
    for each in drawn:
        enter(
            each.row,
            "AUTOMATED_INVOICE_DEDUCTION",
            each.segment,
            -each.deducted,
            at,
            invoice_id=invoice_id,
            contract_id=contract["id"],
        )
    return [_line(each) for each in drawn if each.row["type"] != "POSTPAID"]


def projected(world: World, contract: Row, lines: list[Row], at: str) -> list[Row]:
    """The lines that `draw` would add, without drawing."""
    drawn = _drawn(world, contract, lines, at)
    return [_line(each) for each in drawn if each.row["type"] != "POSTPAID"]


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
                enter(row, "CANCELED", segments[segment_id], -amount, world.stamp(), **about)


def true_up(row: Row, at: str, invoice_id: str) -> Decimal:
    """Write what a postpaid commit was not used for to its ledger; the amount that its invoice bills."""
    (segment,) = segments_of(row)
    missing = max(left(row, segment), Decimal(0))
    if missing:
        members = {"contract_id": row["contract_id"] or row["invoice_contract_id"]}
        enter(row, "TRUEUP", segment, -missing, at, invoice_id=invoice_id, **members)
    return missing


def pending(world: World, customer_id: str) -> dict[str, Decimal]:
    """What the customer's draft invoices are about to deduct, by commit or credit, in the balance's unit."""
    from simulator.engine import invoicing

    waiting: dict[str, Decimal] = {}
    for invoice in world.invoices.get(customer_id, []):
        if invoice["status"] != "DRAFT":
            continue
        for line in invoicing.shown(world, invoice)["line_items"]:
            if applied := line.get("applied_commit_or_credit"):
                unit = line.get("quantity_consumed", -line["total"])
                waiting[applied["id"]] = waiting.get(applied["id"], Decimal(0)) + exact(unit)
    return waiting


def of_customer(world: World, customer_id: str) -> list[Row]:
    """The customer's commits and credits, in order of creation."""
    return [world.commits[each] for each in world.commits_of.get(customer_id, [])]


def _drawn(world: World, contract: Row, lines: list[Row], at: str) -> Iterator[Drawn]:
    open_totals = [
        exact(each["total"]) if each.get("type") not in UNDRAWABLE else Decimal(0) for each in lines
    ]
    for row, segment in _sources(world, contract):
        available, drawn = left(row, segment), None
        for place, line in enumerate(lines):
            if available <= 0:
                break
            if open_totals[place] <= 0 or not (_within(segment, line, at) and _targets(row, line)):
                continue
            drawn = drawn or Drawn(row, segment, line["credit_type"])
            if line["credit_type"] != drawn.credit_type:
                continue
            take, money = _share(row, line, available, open_totals[place])
            drawn.deducted, drawn.paid = drawn.deducted + take, drawn.paid + money
            available -= take
            open_totals[place] -= money
        if drawn:
            yield drawn


def _share(row: Row, line: Row, available: Decimal, unpaid: Decimal) -> tuple[Decimal, Decimal]:
    """(what the balance loses, what the line is relieved of): units of usage for QUANTITY, else money."""
    if row["access_schedule"]["access_type"] == "SPEND":
        take = min(available, unpaid)
        return take, take
    units = exact(line["quantity"]) * unpaid / exact(line["total"])
    if available >= units:
        return units.quantize(PLACES), unpaid
    return available, min(unpaid, (unpaid * available / units).quantize(PLACES))


def _sources(world: World, contract: Row) -> list[tuple[Row, Row]]:
    """Every segment that the contract may draw on, in the documented order.

    Rollovers come first, prepaid commits and credits before postpaid commits, then the lower priority (none
    is the last), the contract's own, the earlier end, the older one.
    """
    rows = [
        row
        for row in of_customer(world, contract["customer_id"])
        if not row["archived_at"] and _serves(row, contract["id"])
    ]
    sources = [(row, segment) for row in rows for segment in segments_of(row)]

    def rank(source: tuple[Row, Row]) -> tuple[Any, ...]:
        row, segment = source
        priority = float("inf") if row["priority"] is None else row["priority"]
        return (
            row["rolled_over_from"] is None,
            row["type"] == "POSTPAID",
            priority,
            row["contract_id"] is None,
            segment["ending_before"],
        )

    return sorted(sources, key=rank)


def _serves(row: Row, contract_id: str) -> bool:
    if row["contract_id"]:
        return row["contract_id"] == contract_id
    return not row["applicable_contract_ids"] or contract_id in row["applicable_contract_ids"]


def _within(segment: Row, line: Row, at: str) -> bool:
    """Whether they share any time; a line without times lies at the end of its invoice's period."""
    end, begin = line.get("ending_before") or at, line.get("starting_at")
    last = segment["ending_before"]
    return segment["starting_at"] < end and (last > begin if begin else last >= end)


def _targets(row: Row, line: Row) -> bool:
    schedule, tags = row["access_schedule"], set(line.get("product_tags") or [])
    if schedule["access_type"] == "QUANTITY":
        if not line.get("quantity"):
            return False
    elif schedule["credit_type"]["id"] != line["credit_type"]["id"]:
        return False
    if row["specifiers"]:
        return any(_meets(each, line, tags) for each in row["specifiers"])
    products, wanted_tags = row["applicable_product_ids"] or [], row["applicable_product_tags"] or []
    if not products and not wanted_tags:
        return True
    return line.get("product_id") in products or bool(tags.intersection(wanted_tags))


def _meets(specifier: Row, line: Row, tags: set[str]) -> bool:
    """Every condition of one specifier."""
    return (
        specifier.get("product_id") in (None, line.get("product_id"))
        and tags.issuperset(specifier.get("product_tags") or [])
        and all(
            (specifier.get(groups) or {}).items() <= (line.get(groups) or {}).items()
            for groups in ("pricing_group_values", "presentation_group_values")
        )
    )


def _line(drawn: Drawn) -> Row:
    row, schedule = drawn.row, drawn.row["access_schedule"]
    line = {
        "type": "applied_commit_or_credit",
        "name": row["name"] or row["product"]["name"],
        "total": plain(-drawn.paid),
        "credit_type": drawn.credit_type,
        "product_id": row["product"]["id"],
        "product_type": "FixedProductListItem",
        "commit_segment_id": drawn.segment["id"],
        "commit_custom_fields": row["custom_fields"],
        "starting_at": drawn.segment["starting_at"],
        "ending_before": drawn.segment["ending_before"],
        "applied_commit_or_credit": {
            "id": row["id"],
            "type": row["type"],
            "access_type": schedule["access_type"],
        },
    }
    if row["kind"] == "commit":
        line |= {"commit_id": row["id"], "commit_type": "PrepaidCommit"}
    if schedule["access_type"] == "QUANTITY":
        line["quantity_consumed"] = plain(drawn.deducted)
    return line
