"""Invoices hour by hour or day by day: what each window adds to what the ones before it came to."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, localcontext

from simulator.amounts import WIDE, exact, plain
from simulator.checks import moment_of, rfc3339
from simulator.engine.invoices.drawdown import settle
from simulator.engine.invoices.lines import KINDS, sums, usage_lines
from simulator.engine.invoices.statements import is_measured, shown
from simulator.engine.prices.usage import meter
from simulator.world import Row, World

SIZES = {"HOUR": timedelta(hours=1), "DAY": timedelta(days=1)}
OF_USAGE = ("usage", "subscription", "scheduled", "applied_commit_or_credit")


def windows(invoice: Row, start: str, end: str, size: str, now: str) -> list[tuple[str, str]]:
    """The whole hours or days between two instants that have a part in the invoice's period so far."""
    first, last = max(start, invoice["start_timestamp"]), min(end, invoice["end_timestamp"], now)
    begin = moment_of(first, "starting_on").replace(minute=0, second=0, microsecond=0)
    if size == "DAY":
        begin = begin.replace(hour=0)
    found = []
    while (at := rfc3339(begin)) < last:
        begin += SIZES[size]
        if at >= start and rfc3339(begin) <= end:
            found.append((at, rfc3339(begin)))
    return found


def breakdown(world: World, contract: Row | None, invoice: Row, window: tuple[str, str]) -> Row:
    """The invoice with what it comes to in one window, as balances pay for it as usage comes."""
    start = max(window[0], invoice["start_timestamp"])
    end = min(window[1], invoice["end_timestamp"])
    given = world.usage_of_invoice.get(invoice["id"])
    if contract is not None and (given or is_measured(world, contract, invoice)):
        known, caps = [], _drawn_by(shown(world, invoice))
        for at in (start, end):
            charged = (
                [_until(each, at) for each in given] if given else _measured(world, contract, invoice, at)
            )
            known.append(settle(world, contract, charged, at, only=caps)[0])
        lines = _difference(*known)
    else:
        lines = _shares(invoice, start, end)
    return {
        **invoice,
        "line_items": [{**line, "starting_at": start, "ending_before": end} for line in lines],
        **sums(lines, invoice["credit_type"]),
        "breakdown_start_timestamp": window[0],
        "breakdown_end_timestamp": window[1],
    }


def _measured(world: World, contract: Row, invoice: Row, at: str) -> list[Row]:
    """What usage comes to from the invoice's begin until an instant."""
    start = invoice["start_timestamp"]
    return usage_lines(world, contract, meter(world, invoice["customer_id"]), start, at) if at > start else []


def _until(given: Row, at: str) -> Row:
    """A given line with what of its quantities lies before an instant."""
    share = _portion(given["parts"], at)
    return given["line"] | {name: plain(exact(given["line"][name]) * share) for name in ("quantity", "total")}


def _drawn_by(invoice: Row) -> dict[str, Decimal]:
    """What each segment gives for the invoice's usage, in the balance's unit."""
    caps: dict[str, Decimal] = {}
    for line in invoice["line_items"]:
        if line["type"] == "applied_commit_or_credit" and line.get("product_type") != KINDS["SUBSCRIPTION"]:
            gave = exact(line.get("quantity_consumed", -line["total"]))
            caps[line["commit_segment_id"]] = caps.get(line["commit_segment_id"], Decimal(0)) + gave
    return caps


def _key(line: Row) -> str:
    groups = (line.get("pricing_group_values") or {}, line.get("presentation_group_values") or {})
    names = ("type", "product_id", "starting_at", "commit_segment_id", "unit_price")
    tier, unit = (line.get("tier") or {}).get("level"), line["credit_type"]["id"]
    told = [line.get(name) for name in names]
    return repr([*told, tier, unit, [sorted(each.items(), key=str) for each in groups]])


def _difference(before: list[Row], after: list[Row]) -> list[Row]:
    """What a window adds to each line; a line may lose what usage of another group moved to a higher tier."""
    earlier, later = ({_key(line): line for line in lines} for lines in (before, after))
    lines = []
    for key, line in {**earlier, **later}.items():
        known, held = (rows.get(key, {}) for rows in (earlier, later))
        more = {
            name: plain(exact(held.get(name, 0)) - exact(known.get(name, 0)))
            for name in ("quantity", "total", "quantity_consumed")
            if name in line
        }
        if any(more.values()) or "commit_id" not in line:
            lines.append({**line, **more})
    return lines


def _shares(invoice: Row, start: str, end: str) -> list[Row]:
    """Written lines spread evenly over the period. The parts of all windows add up to the whole."""
    period = {"starting_at": invoice["start_timestamp"], "ending_before": invoice["end_timestamp"]}
    lines = []
    with localcontext(WIDE):
        for line in invoice["line_items"]:
            if line["type"] in OF_USAGE:
                past, upto = (_portion([{**period, "quantity": 1}], at) for at in (start, end))
                members = {
                    name: plain(
                        exact(plain(exact(line[name]) * upto)) - exact(plain(exact(line[name]) * past))
                    )
                    for name in ("quantity", "total")
                    if name in line
                }
                lines.append({**line, **members})
    return lines


def _portion(parts: list[Row], at: str) -> Decimal:
    """How much of all their quantities lies before an instant."""
    whole = sum((exact(each["quantity"]) for each in parts), Decimal(0))
    before = Decimal(0)
    for each in parts:
        first, last = each["starting_at"], each["ending_before"]
        if at > first:
            before += exact(each["quantity"]) * _seconds(first, min(at, last)) / _seconds(first, last)
    return before / whole if whole else Decimal(0)


def _seconds(start: str, end: str) -> Decimal:
    return exact((moment_of(end, "end") - moment_of(start, "start")).total_seconds())
