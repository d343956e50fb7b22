"""How invoices draw balances down: which commit or credit pays for which line, in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from math import inf
from typing import Any

from simulator.amounts import PLACES, WIDE, exact, plain
from simulator.engine.ledger import enter, left, of_customer, segments_of
from simulator.engine.lines import conversion_lines, share_of
from simulator.engine.usage import Meter
from simulator.world import Row, World

Share = Callable[[Row, Row], Decimal]
PAID_FOR = ("usage", "subscription", "cpu_conversion")


@dataclass(slots=True)
class Drawn:
    """What one segment gives to one invoice: in the balance's own unit, and in the invoice's currency."""

    row: Row
    segment: Row
    credit_type: Row = field(default_factory=dict)
    deducted: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)


def draw(world: World, contract: Row, lines: list[Row], at: str, invoice_id: str) -> list[Row]:
    """Apply balances to an invoice's lines, and write the deductions.

    They are dated `at`, its period's end, or now where that is still to come: what is paid in advance is
    gone at once.

    The result are the lines of type `applied_commit_or_credit` to add. Those of a postpaid commit lower no
    total: its usage is still billed, and only counted against the commitment.
    """
    drawn = _drawn(world, contract, lines, at, None)
    for each in drawn:
        enter(
            each.row,
            "AUTOMATED_INVOICE_DEDUCTION",
            each.segment,
            -each.deducted,
            min(at, world.stamp()),
            invoice_id=invoice_id,
            contract_id=contract["id"],
        )
    return [_line(each) for each in drawn]


def projected(
    world: World, contract: Row, lines: list[Row], at: str, usage: Meter | None = None
) -> list[Row]:
    """The lines that `draw` would add, without drawing; `usage` is what the lines are of, if not today's."""
    drawn = _drawn(world, contract, lines, at, usage)
    return [_line(each) for each in drawn]


def _drawn(world: World, contract: Row, lines: list[Row], at: str, usage: Meter | None) -> list[Drawn]:
    """What each segment gives. What is left in custom units is converted, and the conversion paid for too."""
    sources = [Drawn(row, segment) for row, segment in _sources(world, contract)]
    if _in_advance(contract, lines):
        sources = [each for each in sources if each.segment["starting_at"] <= world.stamp()]

    def share(line: Row, segment: Row) -> Decimal:
        return share_of(world, contract, usage, line, segment["starting_at"], segment["ending_before"])

    with localcontext(WIDE):
        _pay(sources, lines, at, share)
        paid = [_line(each) for each in sources if each.paid]
        _pay(sources, conversion_lines(world, contract, lines + paid), at, share)
    return [each for each in sources if each.paid]


def _in_advance(contract: Row, lines: list[Row]) -> bool:
    """Whether the lines are of time to come: no segment that begins within it can pay for them yet."""
    subscriptions = contract.get("subscriptions") or []
    own = {each["id"] for each in subscriptions if each["collection_schedule"] == "ADVANCE"}
    return any(line.get("subscription_id") in own for line in lines)


def _pay(sources: list[Drawn], lines: list[Row], at: str, share: Share) -> None:
    """Let one segment after the other pay what those before it left of each line."""
    unpaid = [exact(each["total"]) if each.get("type") in PAID_FOR else Decimal(0) for each in lines]
    for drawn in sources:
        _take(drawn, lines, unpaid, at, share)


def _take(drawn: Drawn, lines: list[Row], unpaid: list[Decimal], at: str, share: Share) -> None:
    """What one segment gives; `unpaid` is what is left of each line, and gets less.

    Of usage it pays for what was used in its own time, at the line's average price.
    """
    row, segment = drawn.row, drawn.segment
    available = left(row, segment) - drawn.deducted
    for place in sorted(range(len(lines)), key=lambda place: _turn(lines[place])):
        if available <= 0:
            break
        line = lines[place]
        if unpaid[place] <= 0 or not (_within(segment, line, at) and _targets(row, line)):
            continue
        if drawn.paid and line["credit_type"]["id"] != drawn.credit_type["id"]:
            continue
        owed = min(unpaid[place], (exact(line["total"]) * share(line, segment)).quantize(PLACES))
        if owed <= 0:
            continue
        take, money = _share(row, line, available, owed)
        drawn.credit_type = line["credit_type"]
        drawn.deducted, drawn.paid = drawn.deducted + take, drawn.paid + money
        available -= take
        unpaid[place] -= money


def _turn(line: Row) -> tuple[Any, ...]:
    """Which lines are paid for first: usage, subscriptions, composites; the earlier start, the higher unit
    price, the name."""
    is_composite = line.get("product_type") == "CompositeProductListItem"
    kind = PAID_FOR.index(line["type"]) if line["type"] in PAID_FOR else len(PAID_FOR)
    return (
        is_composite,
        kind,
        line.get("starting_at") or "",
        -exact(line.get("unit_price") or 0),
        line["name"],
    )


def _share(row: Row, line: Row, available: Decimal, unpaid: Decimal) -> tuple[Decimal, Decimal]:
    """(what the balance loses, what the line is relieved of): units of usage for QUANTITY, else money."""
    if row["access_schedule"]["access_type"] == "SPEND":
        take = min(available, unpaid)
        return take, take
    units = exact(line["quantity"]) * unpaid / exact(line["total"])
    if available >= units:
        return min(available, units.quantize(PLACES)), unpaid
    return available, min(unpaid, (unpaid * available / units).quantize(PLACES))


def _sources(world: World, contract: Row) -> list[tuple[Row, Row]]:
    """Every segment that the contract may draw on, in the documented order.

    Rollovers come first, postpaid ones before others; else prepaid commits and credits before postpaid
    commits. Then the lower priority (none is the last), what cost nothing, what fewer products may draw on,
    what has fewer specifiers of group values alone, the earlier end, the earlier start, what serves fewer
    contracts, the older one.
    """
    rows = [
        row
        for row in of_customer(world, contract["customer_id"])
        if not row["archived_at"] and _serves(row, contract["id"])
    ]
    sources = [(row, segment) for row in rows for segment in segments_of(row)]

    def rank(source: tuple[Row, Row]) -> tuple[Any, ...]:
        row, segment = source
        is_rollover, contracts = row["rolled_over_from"] is not None, row["applicable_contract_ids"]
        return (
            not is_rollover,
            (row["type"] == "POSTPAID") != is_rollover,
            inf if row["priority"] is None else row["priority"],
            not is_rollover and _cost_something(row),
            _products(world, row),
            _usages(row),
            segment["ending_before"],
            segment["starting_at"],
            1 if row["contract_id"] else len(contracts) if contracts else inf,
        )

    return sorted(sources, key=rank)


def _cost_something(row: Row) -> bool:
    return any(each["amount"] for each in (row["invoice_schedule"] or {}).get("schedule_items", []))


def _products(world: World, row: Row) -> float:
    """How many products its limits name; infinitely many without a limit."""
    limits = row["specifiers"] or [
        *({"product_id": each} for each in row["applicable_product_ids"] or []),
        *({"product_tags": [each]} for each in row["applicable_product_tags"] or []),
    ]
    found: set[str] = set()
    for each in limits:
        if each.get("product_id"):
            found.add(each["product_id"])
        elif tags := set(each.get("product_tags") or []):
            found |= {
                product_id
                for product_id, product in world.products.items()
                if tags <= set(product["current"].get("tags") or [])
            }
    return len(found) if limits else inf


def _usages(row: Row) -> int:
    """How many of its specifiers speak of group values alone."""
    return sum(
        not each.get("product_id") and not each.get("product_tags") for each in row["specifiers"] or []
    )


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
        if not line.get("quantity") or line["type"] == "cpu_conversion":
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
        "commit_id": row["id"],
        "commit_type": "PostpaidCommit" if row["type"] == "POSTPAID" else "PrepaidCommit",
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
    if schedule["access_type"] == "QUANTITY":
        line["quantity_consumed"] = plain(drawn.deducted)
    return line
