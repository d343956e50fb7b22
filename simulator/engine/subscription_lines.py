"""What a contract's subscriptions cost, billing period by billing period."""

from __future__ import annotations

from decimal import Decimal, localcontext

from simulator.amounts import WIDE, exact, plain, rounded
from simulator.checks import moment_of
from simulator.engine.lines import Piece, currency_of, of_product
from simulator.engine.periods import containing
from simulator.engine.pricing import contract_rate
from simulator.world import Row, World


def goes_with_usage(subscription: Row) -> bool:
    """Whether it is billed on usage invoices; what is paid in advance never is."""
    placement = subscription["billing_cycle_config"]["invoice_placement"]
    return subscription["collection_schedule"] == "ARREARS" and placement == "ON_USAGE_INVOICE"


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
