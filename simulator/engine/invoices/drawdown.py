"""How invoices draw balances down: every line is cut into what one balance after the other pays for.

A part that is paid for names its balance, and is followed by a line that takes its amount away again. What
nothing pays for comes last, in the line's own words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Any

from simulator.amounts import PLACES, WIDE, exact, plain, unrounded
from simulator.engine.balances.ledger import enter, left
from simulator.engine.balances.seat_shares import is_individual, shares
from simulator.engine.balances.sources import sources, targets
from simulator.engine.invoices.lines import conversion_lines
from simulator.engine.prices.commit_prices import price_for
from simulator.world import Row, World

PAID_FOR = ("usage", "subscription", "cpu_conversion")
FINE = Decimal("1e-12")  # a quantity that money bought is told this exactly
TOLD = ("name", "product_id", "product_type", "product_tags", "product_custom_fields")
TOLD += ("pricing_group_values", "presentation_group_values", "starting_at", "ending_before")


@dataclass(slots=True)
class Drawn:
    """What one segment gives to one invoice, in the balance's own unit."""

    row: Row
    segment: Row
    available: Decimal
    deducted: Decimal = Decimal(0)
    credit_type: Row | None = None  # of the first line that it paid for
    seats: dict[str, Decimal] | None = None  # what each seat has left, where it is for single seats
    seat_key: str = ""  # which group of a line tells its seat
    by_seat: dict[str, Decimal] = field(default_factory=dict)

    def room(self, line: Row) -> Decimal:
        """What it can still give for a line."""
        left = self.available - self.deducted
        return left if self.seats is None else min(left, self.seats.get(self._seat(line), Decimal(0)))

    def give(self, line: Row, take: Decimal) -> None:
        """Note what it gives for a line."""
        self.deducted += take
        if self.seats is not None:
            seat = self._seat(line)
            self.seats[seat] -= take
            self.by_seat[seat] = self.by_seat.get(seat, Decimal(0)) + take

    def told(self) -> Row:
        """How what it gives falls on seats, as an entry has it."""
        return (
            {"per_group_amounts": {seat: plain(-each) for seat, each in self.by_seat.items()}}
            if self.by_seat
            else {}
        )

    def _seat(self, line: Row) -> str:
        groups = {**(line.get("pricing_group_values") or {}), **(line.get("presentation_group_values") or {})}
        return groups.get(self.seat_key) or ""


@dataclass(slots=True)
class Unpaid:
    """What of one line nothing pays for yet, and the lines that it has become."""

    line: Row
    counted: Decimal  # the units of its group that came before, and fill tiers
    total: Decimal
    quantity: Decimal
    lines: list[Row] = field(default_factory=list)

    def rest(self) -> list[Row]:
        """The lines that it became, with what is left."""
        if not self.lines:
            return [self.line]
        if not self.total and not self.quantity:
            return self.lines
        own = {"quantity": unrounded(self.quantity)} if "quantity" in self.line else {}
        return [*self.lines, {**self.line, **own, "total": plain(self.total)}]


def settle(
    world: World,
    contract: Row,
    lines: Sequence[Row],
    at: str,
    taken: dict[str, Decimal] | None = None,
    only: dict[str, Decimal] | None = None,
) -> tuple[list[Row], list[Drawn]]:
    """An invoice's lines as balances pay for them, and what each segment gives; nothing is written.

    `at` is the end of its period, `taken` what is gone by segment before; `only` are the segments that may
    give, and how much. What is left in custom units is converted, and the conversion paid for too. The line
    that takes away what a postpaid commit covers lowers no total: it is still billed.
    """
    drawn = []
    for row, segment in sources(world, contract):
        available = left(row, segment) - (taken or {}).get(segment["id"], Decimal(0))
        if only is not None:
            available = only.get(segment["id"], Decimal(0))
        drawn.append(_seated(contract, Drawn(row, segment, available), is_capped=only is None))
    with localcontext(WIDE):
        settled = _pay(world, contract, drawn, lines, at)
        settled += _pay(world, contract, drawn, conversion_lines(world, contract, settled), at)
    return settled, [each for each in drawn if each.deducted]


def _seated(contract: Row, drawn: Drawn, *, is_capped: bool) -> Drawn:
    """A source with what its seats may take of it; all of it where the caller caps it otherwise."""
    if is_individual(drawn.row):
        wanted = drawn.row["subscription_config"]["subscription_id"]
        own = [each for each in contract.get("subscriptions") or [] if each["id"] == wanted]
        drawn.seats = {}
        for subscription in own:
            held = shares(drawn.row, drawn.segment, subscription)
            drawn.seats = held if is_capped else dict.fromkeys(held, drawn.available)
            drawn.seat_key = (subscription.get("seat_config") or {}).get("seat_group_key", "")
    return drawn


def draw(world: World, contract: Row, lines: Sequence[Row], at: str, invoice_id: str) -> list[Row]:
    """`settle`, and write the deductions to the ledgers.

    They are dated `at`, its period's end, or now where that is still to come: what is paid in advance is
    gone at once.
    """
    settled, drawn = settle(world, contract, lines, at)
    write(drawn, min(at, world.stamp()), invoice_id, contract["id"])
    return settled


def write(drawn: list[Drawn], at: str, invoice_id: str, contract_id: str) -> None:
    """Write what segments give to an invoice to their ledgers."""
    about = {"invoice_id": invoice_id, "contract_id": contract_id}
    for each in drawn:
        told = {**about, **each.told()}
        enter(each.row, "AUTOMATED_INVOICE_DEDUCTION", each.segment, -each.deducted, at, **told)


def _in_advance(contract: Row) -> set[str]:
    """The subscriptions whose lines are of time to come."""
    subscriptions = contract.get("subscriptions") or []
    return {each["id"] for each in subscriptions if each["collection_schedule"] == "ADVANCE"}


def _pay(world: World, contract: Row, drawn: list[Drawn], lines: Sequence[Row], at: str) -> list[Row]:
    """Let one segment after the other pay what those before it left of each line."""
    owed = _unpaid(lines)
    payable = [each for each in owed if each.line.get("type") in PAID_FOR]
    in_advance, now = _in_advance(contract), world.stamp()
    for source in drawn:
        mine = [each for each in payable if _may_pay(source, each.line, at)] if source.available > 0 else []
        begun = source.segment["starting_at"]
        mine = [
            each
            for each in mine
            if each.line.get("subscription_id") not in in_advance
            or (begun <= now and (begun < each.line["starting_at"] or each.line["starting_at"] < at))
        ]
        priced = [(each, price_for(world, contract, source.row, each.line)) for each in mine]
        for each, own in sorted(priced, key=_turn):
            is_other = source.credit_type and source.credit_type["id"] != each.line["credit_type"]["id"]
            if source.room(each.line) > 0 and not is_other:
                _take(source, each, own)
    return [line for each in owed for line in each.rest()]


def _unpaid(lines: Sequence[Row]) -> list[Unpaid]:
    counted: dict[str, Decimal] = {}
    owed = []
    for line in lines:
        groups = (line.get("pricing_group_values"), line.get("presentation_group_values"))
        key = repr((line.get("product_id"), [sorted((each or {}).items(), key=str) for each in groups]))
        quantity, before = exact(line.get("quantity") or 0), counted.get(key, Decimal(0))
        owed.append(Unpaid(line, before, exact(line["total"]), quantity))
        counted[key] = before + quantity
    return owed


def _turn(priced: tuple[Unpaid, Row | None]) -> tuple[Any, ...]:
    """Which lines are paid for first: usage, subscriptions, composites; the earlier start, the higher unit
    price, the name. What a segment buys at its own price it buys in the order of its use.
    """
    line, own = priced[0].line, priced[1]
    return (
        line.get("product_type") == "CompositeProductListItem",
        PAID_FOR.index(line["type"]),
        line.get("starting_at") or "",
        0 if own is not None else -exact(line.get("unit_price") or 0),
        line["name"],
    )


def _may_pay(source: Drawn, line: Row, at: str) -> bool:
    """Whether a segment shares any time with a line that its balance is for.

    A line without times lies at the end of its invoice's period.
    """
    segment, end, begin = source.segment, line.get("ending_before") or at, line.get("starting_at")
    last = segment["ending_before"]
    in_time = segment["starting_at"] < end and (last > begin if begin else last >= end)
    return in_time and targets(source.row, line)


def _take(source: Drawn, owed: Unpaid, own: Row | None) -> None:
    """What one segment gives for one line, at the line's price or at the segment's own."""
    by_units = source.row["access_schedule"]["access_type"] == "QUANTITY"
    if own is not None:
        _take_at(source, owed, own, by_units)
        return
    if owed.total <= 0:
        return
    available = source.room(owed.line)
    if by_units:
        units = take = min(available, owed.quantity.quantize(PLACES))
        money = owed.total
        if available < owed.quantity:
            money = min(money, (money * available / owed.quantity).quantize(PLACES))
    else:
        take = money = min(available, owed.total)
        units = (owed.quantity * money / owed.total).quantize(FINE) if money < owed.total else owed.quantity
    if money == owed.total:
        units = owed.quantity
    _give(source, owed, units, money, take, {})


def _take_at(source: Drawn, owed: Unpaid, own: Row, by_units: bool) -> None:
    """The same at a rate of its own: each tier by itself, until the line or the segment is at its end."""
    last = len(own.get("tiers") or []) - 1
    begin = Decimal(0)
    for level, tier in enumerate(own.get("tiers") or [own]):
        size = None if level >= last or tier.get("size") is None else exact(tier["size"])
        if size is not None and owed.counted >= begin + size:
            begin += size
            continue
        price, available = exact(tier.get("price") or 0), source.room(owed.line)
        units = owed.quantity if size is None else min(owed.quantity, begin + size - owed.counted)
        affordable = available if by_units else available / price if price else units
        if affordable < units:
            units = affordable.quantize(FINE, ROUND_DOWN)
        if units <= 0:
            return
        money = (units * price).quantize(PLACES)
        money = money if by_units else min(money, available)
        members: Row = {"unit_price": unrounded(price)}
        if own.get("tiers"):
            members["tier"] = {"level": level + 1, "starting_at": str(plain(begin))}
            members["tier"] |= {"size": str(plain(size))} if size is not None else {}
        _give(source, owed, units, money, units.quantize(PLACES) if by_units else money, members)
        begin += size or 0


def _give(source: Drawn, owed: Unpaid, units: Decimal, money: Decimal, take: Decimal, own: Row) -> None:
    """Write down that a segment pays this much for so many units; `own` tells of a price of its own."""
    line, left_units = owed.line, owed.quantity - units
    about = _about(source)
    part = {**line, **own, "total": plain(money), **about}
    if "quantity" in line:
        part["quantity"] = unrounded(units)
    if own and "tier" not in own:
        part.pop("tier", None)
    owed.lines += [part, _applied(source, line, money, take, about)]
    if own:
        owed.total = (owed.total * left_units / owed.quantity).quantize(PLACES)
    else:
        owed.total -= money
    owed.quantity, owed.counted = left_units, owed.counted + units
    source.give(line, take)
    source.credit_type = source.credit_type or line["credit_type"]


def _about(source: Drawn) -> Row:
    row = source.row
    return {
        "commit_id": row["id"],
        "commit_type": "PostpaidCommit" if row["type"] == "POSTPAID" else "PrepaidCommit",
        "commit_segment_id": source.segment["id"],
        "commit_custom_fields": row["custom_fields"],
    }


def _applied(source: Drawn, line: Row, money: Decimal, take: Decimal, about: Row) -> Row:
    """The line that takes the amount of a paid part away, in the part's own product and time."""
    row, schedule = source.row, source.row["access_schedule"]
    applied = {name: line[name] for name in TOLD if name in line} | {
        "type": "applied_commit_or_credit",
        "name": f"{row['name'] or row['product']['name']} applied",
        "total": plain(-money),
        "credit_type": line["credit_type"],
        **about,
        "applied_commit_or_credit": {
            "id": row["id"],
            "type": row["type"],
            "access_type": schedule["access_type"],
        },
    }
    if schedule["access_type"] == "QUANTITY":
        applied["quantity_consumed"] = plain(take)
    return applied
