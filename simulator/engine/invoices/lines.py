"""What an invoice says line by line: usage, conversions, and what their sum is."""

from __future__ import annotations

from decimal import Decimal, localcontext
from itertools import groupby, pairwise
from typing import Any

from simulator.amounts import USD, WIDE, exact, plain, total, unrounded
from simulator.engine.balances.sources import bounds
from simulator.engine.prices.pricing import (
    applied,
    billed_quantity,
    contract_rate,
    contract_rate_of,
    covers,
    may_mean,
    price,
    segments,
)
from simulator.engine.prices.pricing import line_of as rate_line
from simulator.engine.prices.usage import Group, Meter, grows_no_sums
from simulator.world import Row, World

PRICED = ("rate_type", "price", "tiers", "credit_type", "entitled", "custom_rate", "commit_rate")
KINDS = {
    "USAGE": "UsageProductListItem",
    "SUBSCRIPTION": "SubscriptionProductListItem",
    "COMPOSITE": "CompositeProductListItem",
    "FIXED": "FixedProductListItem",
    "PRO_SERVICE": "ProfessionalServiceProductListItem",
}
Piece = tuple[str, str]


def currency_of(world: World, contract: Row) -> Row:
    """The currency that a contract's usage is invoiced in."""
    card = world.rate_cards.get(contract.get("rate_card_id") or "", {})
    return dict(card.get("fiat_credit_type") or USD)


def of_product(world: World, product_id: str, name: str = "") -> Row:
    """The members of a line that tell its product."""
    product = world.products.get(product_id)
    if product is None:
        return {"name": name, "product_id": product_id}
    members = {
        "name": name or product["current"]["name"],
        "product_id": product_id,
        "product_type": KINDS[product["type"]],
        "product_tags": product["current"].get("tags") or [],
    }
    return members | (
        {"product_custom_fields": product["custom_fields"]} if product.get("custom_fields") else {}
    )


def usage_lines(world: World, contract: Row, usage: Meter, start: str, end: str) -> list[Row]:
    """The lines of USAGE and COMPOSITE products on the rate card, in its order of products."""
    rates: dict[str, list[Row]] = {}
    for each in world.rates_of.get(contract.get("rate_card_id") or "", []):
        rates.setdefault(each["product_id"], []).append(each)
    products = [world.products[each] for each in rates]
    lines: list[Row] = []
    with localcontext(WIDE):
        for product in products:
            if product["type"] == "USAGE":
                own, counted = segments(rates[product["id"]]), {}
                for piece in _pieces(world, contract, product["id"], own, (start, end)):
                    in_force = [each for each in own if covers(each, piece[0])]
                    lines += _measured(world, contract, product, usage, piece, in_force, start, counted)
        for product in products:
            if product["type"] == "COMPOSITE":
                lines += _composite(world, contract, product, lines, (start, end))
    return lines


def _pieces(world: World, contract: Row, product_id: str, rates: list[Row], period: Piece) -> list[Piece]:
    """The period, cut where a price, an override of this product, a usage filter or the time of a balance
    that may pay for it begins or ends.

    `rates` are the product's segments, line by line.
    """
    product = world.products[product_id]
    tags = product["current"].get("tags") or []
    units = {(each.get("credit_type") or currency_of(world, contract))["id"] for each in rates}
    overrides = [each for each in contract.get("overrides") or [] if may_mean(each, product_id, tags)]
    spans = [*overrides, *(contract.get("usage_filter") or [])]
    cuts = _within({each.get(edge) for each in spans for edge in ("starting_at", "ending_before")}, period)
    cuts |= _within(bounds(world, contract, product, units), period)

    def priced(rate: Row, at: str) -> list[Any]:
        result = applied(world, contract, rate, at, rate.get("pricing_group_values"))
        return [result.get(name) for name in PRICED]

    for _line, segments_of_line in groupby(rates, rate_line):
        line = list(segments_of_line)
        for rate, onward in zip(line, [*line[1:], None], strict=True):
            start, end = rate["starting_at"], rate["ending_before"]
            if rate is line[0]:
                cuts |= _within({start}, period)
            if onward is None or end != onward["starting_at"]:
                cuts |= _within({end, onward and onward["starting_at"]}, period)
            elif _within({end}, period) - cuts and priced(rate, end) != priced(onward, end):
                cuts.add(end)
    return list(pairwise([period[0], *sorted(cuts), period[1]]))


def _within(times: set[str | None], period: Piece) -> set[str]:
    return {at for at in times if at and period[0] < at < period[1]}


def _filter_at(contract: Row, at: str) -> Row:
    """Which values of which property the contract counts at an instant, all without a usage filter."""
    for each in contract.get("usage_filter") or []:
        if each["starting_at"] <= at and not (each.get("ending_before") and each["ending_before"] <= at):
            return {each["group_key"]: each["group_values"]}
    return {}


def _since(contract: Row, start: str, at: str) -> str:
    """From when on a period that began at `start` counts by the usage filter of an instant."""
    filters = contract.get("usage_filter") or []
    edges = {each.get(edge) for each in filters for edge in ("starting_at", "ending_before")}
    return max([start, *(each for each in edges if each and start < each <= at)])


def _measured(
    world: World,
    contract: Row,
    product: Row,
    usage: Meter,
    piece: Piece,
    rates: list[Row],
    start: str,
    counted: dict[Group, Decimal],
) -> list[Row]:
    """One line for each group of values; tiers make several of it. A group without a rate bills nothing.

    `start` is the invoice's, `counted` what its earlier pieces had: each group goes on in its own tiers.
    """
    state, only = product["current"], _filter_at(contract, piece[0])
    metric = world.billable_metrics.get(state.get("billable_metric_id"), {})
    pricing, presentation = state.get("pricing_group_key") or [], state.get("presentation_group_key") or []
    keys, since = [*pricing, *presentation], _since(contract, start, piece[0])
    lines: list[Row] = []
    for group, quantity in _quantities(
        usage, contract.get("id", ""), product, metric, piece, since, keys, only
    ).items():
        values = dict(zip(keys, group, strict=True))
        known = {key: value for key, value in values.items() if value is not None}
        by_price = {key: known[key] for key in pricing if key in known}
        rate = contract_rate_of(world, contract, rates, piece[0], known)
        if rate is None or not rate.get("entitled", True) or len(by_price) < len(pricing):
            continue
        line = {**of_product(world, product["id"]), "type": "usage"}
        line |= {"pricing_group_values": by_price} if pricing else {}
        line |= {"presentation_group_values": {k: values[k] for k in presentation}} if presentation else {}
        line |= {"starting_at": piece[0], "ending_before": piece[1]}
        line["credit_type"] = dict(rate.get("credit_type") or currency_of(world, contract))
        lines += _priced(line, rate, quantity, counted.get(group, Decimal(0)))
        counted[group] = counted.get(group, Decimal(0)) + quantity
    return lines


def _quantities(
    usage: Meter,
    contract_id: str,
    product: Row,
    metric: Row,
    piece: Piece,
    since: str,
    keys: list[str],
    only: Row,
) -> dict[Group, Decimal]:
    """What a piece of the period bills, by group of values.

    What makes no sums, or is rounded, is measured from `since` on: a piece bills what its end has more than
    its begin, or less. What was loaded adds to it.
    """
    found = _measured_anew(usage, product, metric, piece, since, keys, only)
    loaded = usage.loaded(product["id"], contract_id, piece, keys, only)
    if not loaded:
        return found
    whole = {group: found.get(group, Decimal(0)) + loaded.get(group, Decimal(0)) for group in found | loaded}
    return {group: whole[group] for group in sorted(whole, key=lambda group: [each or "" for each in group])}


def _measured_anew(
    usage: Meter, product: Row, metric: Row, piece: Piece, since: str, keys: list[str], only: Row
) -> dict[Group, Decimal]:
    """The same of events and seeded amounts alone."""

    def billed(begin: str, end: str) -> dict[Group, Decimal]:
        if not keys:
            groups: dict[Group, Decimal] = {(): usage.value(metric, begin, end, only) or Decimal(0)}
        else:
            groups = usage.groups(metric, begin, end, keys, only)
        return {group: billed_quantity(product, measured) for group, measured in groups.items()}

    adds_up = not (grows_no_sums(metric) or product["current"].get("quantity_rounding"))
    if since == piece[0] or adds_up:
        return billed(*piece)
    before, after = billed(since, piece[0]), billed(since, piece[1])
    more = {group: value - before.get(group, Decimal(0)) for group, value in after.items()}
    return {group: value for group, value in more.items() if value or not keys or group not in before}


def _priced(line: Row, rate: Row, quantity: Decimal, counted: Decimal = Decimal(0)) -> list[Row]:
    """The line with its quantity and cost, once for each tier that is reached.

    `counted` is what fills the tiers before this quantity does; one below zero empties them again.
    """
    if not rate["rate_type"].startswith("TIERED"):
        unit_price = {} if rate["rate_type"] == "CUSTOM" else {"unit_price": rate["price"]}
        return [{**line, "quantity": plain(quantity), **unit_price, "total": plain(price(rate, quantity))}]
    lines, begin, last = [], Decimal(0), len(rate["tiers"]) - 1
    lowest, highest = sorted((counted, counted + quantity))
    for level, tier in enumerate(rate["tiers"]):
        size = None if level == last or tier.get("size") is None else exact(tier["size"])
        lower = begin if level else Decimal("-Infinity")
        upper = Decimal("Infinity") if size is None else begin + size
        part = min(highest, upper) - max(lowest, lower)
        if part > 0 or (not quantity and lower <= counted < upper):
            part = part.copy_sign(quantity)
            told = {"level": level + 1, "starting_at": str(plain(begin))}
            told |= {"size": str(plain(size))} if size is not None else {}
            cost = plain(exact(tier["price"]) * part)
            lines.append(
                {**line, "quantity": plain(part), "unit_price": tier["price"], "total": cost, "tier": told}
            )
        begin += size or 0
    return lines


def _composite(world: World, contract: Row, product: Row, lines: list[Row], piece: Piece) -> list[Row]:
    """A percentage of what other products cost, each currency by itself."""
    state = product["current"]
    ids, tags = set(state.get("composite_product_ids") or []), set(state.get("composite_tags") or [])
    rate = contract_rate(world, contract, product["id"], piece[0])
    if rate is None or not rate.get("entitled", True):
        return []
    spent: dict[str, list[Row]] = {}
    for line in lines:
        counted = line["product_id"] in ids or tags & set(line.get("product_tags") or [])
        if counted and (line["total"] or not state.get("exclude_free_usage")):
            spent.setdefault(line["credit_type"]["id"], []).append(line)
    answer = []
    for rows in spent.values():
        line = {**of_product(world, product["id"]), "type": "usage", "credit_type": rows[0]["credit_type"]}
        line |= {"starting_at": piece[0], "ending_before": piece[1]}
        answer += _priced(line, rate, exact(total(row["total"] for row in rows)))
    return answer


def conversion_lines(world: World, contract: Row, lines: list[Row]) -> list[Row]:
    """What is left in custom pricing units, as money at the rate card's conversion."""
    card = world.rate_cards.get(contract.get("rate_card_id") or "", {})
    answer, owed = [], [line for line in lines if not is_only_counted(line)]
    for each in card.get("credit_type_conversions") or []:
        unit = each["custom_credit_type"]
        with localcontext(WIDE):
            left = exact(total(row["total"] for row in owed if row["credit_type"]["id"] == unit["id"]))
            factor = exact(each["fiat_per_custom_credit"])
            if left:
                answer.append(
                    {
                        "name": f"{unit['name']} conversion",
                        "type": "cpu_conversion",
                        "credit_type": currency_of(world, contract),
                        "quantity": plain(left),
                        "unit_price": unrounded(factor),
                        "total": plain(left * factor),
                    }
                )
    return answer


def sums(lines: list[Row], credit_type: Row) -> Row:
    """`subtotal` before balances and `total` after them, of the lines in the invoice's own currency."""
    own = [line for line in lines if line["credit_type"]["id"] == credit_type["id"]]
    charged = [line["total"] for line in own if line["type"] != "applied_commit_or_credit"]
    return {
        "subtotal": total(charged),
        "total": total(line["total"] for line in own if not is_only_counted(line)),
    }


def is_only_counted(line: Row) -> bool:
    """Whether a line only tells what counts against a postpaid commit, and lowers no total."""
    return line["type"] == "applied_commit_or_credit" and line["commit_type"] == "PostpaidCommit"
