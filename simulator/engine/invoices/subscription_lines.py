"""What a contract's subscriptions cost, billing period by billing period."""

from __future__ import annotations

from decimal import Decimal, localcontext

from simulator.amounts import WIDE, exact, plain, rounded
from simulator.checks import moment_of
from simulator.engine.invoices.lines import Piece, currency_of, of_product
from simulator.engine.prices.periods import containing
from simulator.engine.prices.pricing import contract_rate
from simulator.world import Row, World

Collected = tuple[str, Piece, list[Row]]


def goes_with_usage(subscription: Row) -> bool:
    """Whether it is billed on the usage invoices that end when it is due, where there is one."""
    return subscription["billing_cycle_config"]["invoice_placement"] == "ON_USAGE_INVOICE"


def is_in_advance(subscription: Row) -> bool:
    """Whether a period is billed when it begins."""
    return subscription["collection_schedule"] == "ADVANCE"


def collected(world: World, contract: Row, subscription: Row, period: Piece) -> list[Collected]:
    """When the lines of one period are billed, by invoices of which time.

    In arrears they are all billed when it ends; in advance when it begins, and increases as they come.
    """
    lines = subscription_lines(world, contract, subscription, period)
    if not is_in_advance(subscription):
        return [(lines[-1]["ending_before"], period, lines)] if lines else []
    at_once = subscription["proration"]["invoice_behavior"] == "BILL_IMMEDIATELY"
    answer: list[Collected] = []
    for line in lines:
        start, end = line["starting_at"], line["ending_before"]
        if start == max(period[0], subscription["starting_at"]):
            answer.append((start, period, [line]))
        else:
            answer.append((start if at_once else end, (start, end), [line]))
    return answer


def due_with(world: World, contract: Row, subscription: Row, invoice: Row) -> list[Row]:
    """The lines of a subscription that a usage invoice bills: what is due when its period ends.

    In arrears a period that ends within the invoice's is due, too.
    """
    start, end = invoice["start_timestamp"], invoice["end_timestamp"]
    others = [each for each in _invoices(world, contract) if each["id"] != invoice["id"]]
    known, lines = _starts(subscription, [each for each in others if each["status"] != "VOID"]), []
    known |= _passed(world, subscription)
    for period in subscription_periods(contract, subscription, start, end):
        for at, _period, part in collected(world, contract, subscription, period):
            is_due = at == end if is_in_advance(subscription) else start < at <= end
            if is_due and part[0]["starting_at"] not in known:
                lines += part
    return lines


def billed(world: World, contract: Row, subscription: Row) -> set[str]:
    """The starts of its lines on the contract's invoices, void ones too."""
    return _starts(subscription, _invoices(world, contract)) | _passed(world, subscription)


def _passed(world: World, subscription: Row) -> set[str]:
    """The starts of lines that were due before the account was loaded."""
    if not world.as_loaded:
        return set()
    mark = f"{subscription['id']}/"
    return {each.removeprefix(mark) for each in world.as_loaded if each.startswith(mark)}


def _invoices(world: World, contract: Row) -> list[Row]:
    rows = world.invoices_of.get(contract["customer_id"], [])
    return [each for each in rows if each.get("contract_id") == contract["id"]]


def _starts(subscription: Row, invoices: list[Row]) -> set[str]:
    lines = (line for each in invoices for line in each.get("line_items", []))
    return {line["starting_at"] for line in lines if line.get("subscription_id") == subscription["id"]}


def last_of(contract: Row, subscription: Row) -> str | None:
    """When a subscription ends: with its contract, if not before."""
    ends = [each["ending_before"] for each in (contract, subscription) if each.get("ending_before")]
    return min(ends, default=None)


def subscription_periods(contract: Row, subscription: Row, since: str, until: str) -> list[Piece]:
    """Its billing periods from the one that holds `since`, those that begin before or at `until`."""
    anchor = subscription["billing_cycle_config"]["anchor_date"]
    frequency = subscription["subscription_rate"]["billing_frequency"]
    last, periods = last_of(contract, subscription), []
    start, end = containing(anchor, frequency, max(since, subscription["starting_at"]))
    while start <= until and not (last and start >= last):
        periods.append((start, end))
        start, end = containing(anchor, frequency, end)
    return periods


def subscription_lines(world: World, contract: Row, subscription: Row, period: Piece) -> list[Row]:
    """What one billing period of a subscription costs: a line from its begin on, and one for each change."""
    rate_of = subscription["subscription_rate"]
    frequency, product = rate_of["billing_frequency"], rate_of["product"]
    first, last = subscription["starting_at"], last_of(contract, subscription)
    begin, stop = max(period[0], first), min(period[1], last or period[1])
    rate = contract_rate(world, contract, product["id"], begin, None, frequency)
    if rate is None or not rate.get("entitled", True) or "price" not in rate:
        return []
    proration, lines = subscription["proration"], []
    for start, end, quantity in _quantities(subscription, begin, stop):
        with localcontext(WIDE):
            share = _seconds(start, end) / _seconds(*period) if proration["is_prorated"] else Decimal(1)
            whole = exact(rate["price"]) * share
            unit_price = plain(whole if share == 1 else rounded(whole, proration.get("rounding")))
            cost = plain(exact(unit_price) * exact(quantity))
        line = {
            **of_product(world, product["id"], subscription.get("name", "")),
            "type": "subscription",
            "subscription_id": subscription["id"],
            "credit_type": dict(rate.get("credit_type") or currency_of(world, contract)),
            "quantity": quantity,
            "unit_price": unit_price,
            "total": cost,
            "is_prorated": share != 1,
            "starting_at": start,
            "ending_before": end,
        }
        custom = subscription.get("custom_fields")
        lines.append(line | ({"subscription_custom_fields": custom} if custom else {}))
    return lines


def _quantities(subscription: Row, begin: str, stop: str) -> list[tuple[str, str, float]]:
    """From when until when which quantity is billed.

    Prorated in arrears each has its own time. Else what there is at the beginning is billed to the end, and
    so is each increase; less is not given back.
    """
    entries = []
    for each in subscription["quantity_schedule"]:
        start, end = max(begin, each["starting_at"]), min(stop, each.get("ending_before") or stop)
        if start < end:
            entries.append((start, end, each["quantity"]))
    if subscription["collection_schedule"] == "ARREARS" and subscription["proration"]["is_prorated"]:
        return entries
    billed, most = [], None
    for start, _end, quantity in entries:
        if most is None or quantity > most:
            billed.append((start, stop, plain(exact(quantity) - exact(most or 0))))
            most = quantity
    return billed


def _seconds(start: str, end: str) -> Decimal:
    return exact(int((moment_of(end, "end") - moment_of(start, "start")).total_seconds()))
