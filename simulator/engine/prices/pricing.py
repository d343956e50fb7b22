"""What something costs: the rates of a rate card, a contract's overrides, and a price for a quantity.

Rates are segments in time, one line of them for each product, group of values and billing frequency.
Where two overlap, the one that starts later is in force. Quantities and prices are exact decimals.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

from simulator.amounts import WIDE, exact, unrounded
from simulator.world import Row, World

ROUNDINGS = {"ROUND_UP": ROUND_UP, "ROUND_DOWN": ROUND_DOWN, "ROUND_HALF_UP": ROUND_HALF_UP}
PRICED = ("rate_type", "price", "tiers", "quantity", "is_prorated", "custom_rate", "credit_type")


def covers(row: Row, at: str) -> bool:
    """Whether an instant lies within `starting_at` and `ending_before`."""
    return row["starting_at"] <= at and (row.get("ending_before") is None or at < row["ending_before"])


def line_of(rate: Row) -> tuple[str, str, str]:
    """What a rate is the rate of; two of one line never hold at once."""
    values = sorted((rate.get("pricing_group_values") or {}).items())
    return rate["product_id"], repr(values), rate.get("billing_frequency") or ""


def segments(rates: Iterable[Row]) -> list[Row]:
    """The rates of a card without overlaps, by line and time: each ends where the next one takes over."""
    lines: dict[tuple[str, str, str], list[Row]] = {}
    for rate in rates:
        lines.setdefault(line_of(rate), []).append(rate)
    return [segment for line in lines.values() for segment in _line_segments(line)]


def _line_segments(line: list[Row]) -> list[Row]:
    """Begun rates lie on a stack, the one that started last on top; one that ended is dropped."""
    bounds = {each["starting_at"] for each in line} | {each.get("ending_before") for each in line}
    waiting, begun = sorted(line, key=_start, reverse=True), []
    cut: list[Row] = []
    for start, end in itertools.pairwise([*sorted(bounds - {None}), None]):
        while waiting and waiting[-1]["starting_at"] <= start:
            begun.append(waiting.pop())
        while begun and not covers(begun[-1], start):
            begun.pop()
        if begun:
            cut.append({**begun[-1], "starting_at": start, "ending_before": end})
    return cut


def _start(rate: Row) -> str:
    return rate["starting_at"]


def rates_on(world: World, rate_card_id: str, product_id: str, at: str) -> list[Row]:
    """The rates of a product in force at an instant, one for each group of values and billing frequency."""
    return _in_force(
        (each for each in world.rates_of.get(rate_card_id, []) if each["product_id"] == product_id), at
    )


def _in_force(rates: Iterable[Row], at: str) -> list[Row]:
    """Of one product's rates those in force, the newest of each line."""
    newest: dict[tuple[str, str, str], Row] = {}
    for rate in rates:
        if covers(rate, at):
            line = line_of(rate)
            newest[line] = max(newest.get(line, rate), rate, key=_start)
    return list(newest.values())


def list_rate(
    world: World,
    rate_card_id: str,
    product_id: str,
    at: str,
    group_values: dict[str, str] | None = None,
    billing_frequency: str | None = None,
) -> Row | None:
    """The rate in force for these group values; None where there is none, and then nothing is billed."""
    return _chosen(rates_on(world, rate_card_id, product_id, at), group_values, billing_frequency)


def _chosen(
    rates: list[Row], group_values: dict[str, str] | None, billing_frequency: str | None
) -> Row | None:
    """Of rates in force the one for the most of these group values."""
    fitting = [
        rate
        for rate in rates
        if (rate.get("pricing_group_values") or {}).items() <= (group_values or {}).items()
        and rate.get("billing_frequency") == billing_frequency
    ]
    return max(fitting, key=lambda rate: len(rate.get("pricing_group_values") or {}), default=None)


def contract_rate(
    world: World,
    contract: Row,
    product_id: str,
    at: str,
    group_values: dict[str, str] | None = None,
    billing_frequency: str | None = None,
) -> Row | None:
    """The list rate with the contract's overrides applied, but for those of single commits.

    The newest overwrite beats everything; else one multiplier or tiered override counts: the lowest
    multiplier, or by EXPLICIT prioritization the lowest priority.
    """
    card_id = contract.get("rate_card_id")
    rate = card_id and list_rate(world, card_id, product_id, at, group_values, billing_frequency)
    return applied(world, contract, rate, at, group_values) if rate else None


def contract_rate_of(
    world: World, contract: Row, rates: list[Row], at: str, group_values: dict[str, str]
) -> Row | None:
    """The same of rates that are known to be the product's own and in force."""
    rate = _chosen(rates, group_values, None)
    return applied(world, contract, rate, at, group_values) if rate else None


def applied(
    world: World, contract: Row, rate: Row, at: str, group_values: dict[str, str] | None = None
) -> Row:
    """A list rate with the contract's overrides of an instant applied."""
    tags = world.products[rate["product_id"]]["current"].get("tags", [])
    overrides = [
        each
        for each in contract.get("overrides") or []
        if not each.get("is_commit_specific")
        and covers(each, at)
        and means(each, rate, tags, group_values or {})
    ]
    return overridden(rate, overrides, contract.get("multiplier_override_prioritization"))


def overridden(rate: Row, overrides: list[Row], prioritization: str | None) -> Row:
    """A rate after the overrides that apply to it, oldest first."""
    result = dict(rate)
    for each in overrides:
        if each.get("entitled") is not None:
            result["entitled"] = each["entitled"]
    if overwrites := [each for each in overrides if each.get("overwrite_rate")]:
        kept = {name: value for name, value in result.items() if name not in PRICED}
        own = {name: value for name, value in overwrites[-1]["overwrite_rate"].items() if value is not None}
        if "credit_type" in rate and own["rate_type"] != "PERCENTAGE":
            own.setdefault("credit_type", rate["credit_type"])
        return {**kept, **own}
    scaling = [each for each in overrides if each.get("multiplier") is not None or each.get("override_tiers")]
    if not scaling:
        return result
    if prioritization == "EXPLICIT":
        chosen = min(scaling, key=lambda each: each.get("priority") or 0)
    else:
        chosen = min(scaling, key=lambda each: (each.get("multiplier") is None, each.get("multiplier") or 0))
    return _scaled(result, chosen)


def means(
    override: Row,
    rate: Row,
    tags: list[str],
    group_values: dict[str, str],
    also: Callable[[Row], bool] = lambda _specifier: True,
) -> bool:
    """Whether an override means this rate by a specifier for which something else holds, too.

    Without any specifier it means every rate.
    """
    if not may_mean(override, rate["product_id"], tags):
        return False
    specifiers = override.get("override_specifiers") or [{}]
    return any(_specifies(each, rate, tags, group_values) and also(each) for each in specifiers)


def may_mean(override: Row, product_id: str, tags: list[str]) -> bool:
    """Whether an override means some rate of a product with these tags.

    Of `applicable_product_tags` one is enough; a specifier's `product_tags` must all be there.
    """
    if (override.get("product") or {}).get("id", product_id) != product_id:
        return False
    if (wanted := override.get("applicable_product_tags")) and not set(wanted) & set(tags):
        return False
    return any(
        each.get("product_id") in (None, product_id) and set(each.get("product_tags") or []) <= set(tags)
        for each in override.get("override_specifiers") or [{}]
    )


def _specifies(specifier: Row, rate: Row, tags: list[str], group_values: dict[str, str]) -> bool:
    values = {**group_values, **(rate.get("pricing_group_values") or {})}
    wanted = {
        **(specifier.get("pricing_group_values") or {}),
        **(specifier.get("presentation_group_values") or {}),
    }
    frequency = specifier.get("billing_frequency")
    return (
        specifier.get("product_id") in (None, rate["product_id"])
        and set(specifier.get("product_tags") or []) <= set(tags)
        and all(values.get(name) == value for name, value in wanted.items())
        and frequency in (None, rate.get("billing_frequency"))
    )


def _scaled(rate: Row, override: Row) -> Row:
    """A multiplier on the price or on every tier; override tiers multiply by ranges of the quantity."""
    if override.get("multiplier") is not None:
        factor = exact(override["multiplier"])
        result = dict(rate)
        if "price" in rate:
            result["price"] = unrounded(exact(rate["price"]) * factor)
        if rate.get("tiers"):
            result["tiers"] = [
                {**tier, "price": unrounded(exact(tier["price"]) * factor)} for tier in rate["tiers"]
            ]
        return result
    if rate["rate_type"] in ("SUBSCRIPTION", "CUSTOM"):
        return rate
    kept = {name: value for name, value in rate.items() if name != "price"}
    kind = "TIERED_PERCENTAGE" if rate["rate_type"].endswith("PERCENTAGE") else "TIERED"
    prices = rate.get("tiers") or [{"price": rate["price"]}]
    return {**kept, "rate_type": kind, "tiers": _multiplied(prices, override["override_tiers"])}


def _multiplied(prices: list[Row], factors: list[Row]) -> list[Row]:
    """Tiers of prices times tiers of multipliers, cut wherever either begins anew.

    Beyond a last multiplier that has a size the price is as it was.
    """
    if factors[-1].get("size") is not None:
        factors = [*factors, {"multiplier": 1}]
    tiers: list[Row] = []
    begin, ends = Decimal(0), [_ends(prices), _ends(factors)]
    while True:
        places = [next(n for n, end in enumerate(each) if end is None or end > begin) for each in ends]
        price = unrounded(exact(prices[places[0]]["price"]) * exact(factors[places[1]]["multiplier"]))
        coming = [end for each, place in zip(ends, places, strict=True) if (end := each[place]) is not None]
        if not coming:
            return [*tiers, {"price": price}]
        tiers.append({"price": price, "size": unrounded(min(coming) - begin)})
        begin = min(coming)


def _ends(tiers: list[Row]) -> list[Decimal | None]:
    """Where each tier ends; the last one never does."""
    sizes = [tier.get("size") for tier in tiers[:-1]]
    until: list[Decimal | None] = []
    for size in sizes:
        until.append(None if size is None else exact(size) + (until[-1] if until and until[-1] else 0))
    return [*until, None]


def price(rate: Row, quantity: Decimal | int | float) -> Decimal:
    """What a quantity costs, in the unit of the rate's credit type; of a percentage it's an amount spent.

    Tiers are graduated: each part of the quantity costs its own tier's price. A CUSTOM rate costs nothing.
    """
    left = exact(quantity)
    if rate["rate_type"] == "CUSTOM":
        return Decimal(0)
    if not rate["rate_type"].startswith("TIERED"):
        return exact(rate["price"]) * left
    cost, last = Decimal(0), len(rate["tiers"]) - 1
    for number, tier in enumerate(rate["tiers"]):
        size = left if number == last or tier.get("size") is None else min(left, exact(tier["size"]))
        cost += exact(tier["price"]) * size
        left -= size
    return cost


def billed_quantity(product: Row, quantity: Decimal) -> Decimal:
    """A metric's quantity as the product is priced: converted, then rounded, as its current state says."""
    conversion = product["current"].get("quantity_conversion")
    if conversion:
        factor = exact(conversion["conversion_factor"])
        quantity = quantity * factor if conversion["operation"] == "MULTIPLY" else quantity / factor
    rounding = product["current"].get("quantity_rounding")
    if rounding:
        places = Decimal(1).scaleb(-int(rounding["decimal_places"]))
        quantity = quantity.quantize(places, ROUNDINGS[rounding["rounding_method"]], WIDE)
    return quantity


def price_of_unit(world: World, contract: Row, unit_id: str) -> Decimal:
    """What one of a custom unit costs in the rate card's currency; 1 of a currency itself."""
    card = world.rate_cards.get(contract.get("rate_card_id") or "", {})
    for each in card.get("credit_type_conversions") or []:
        if each["custom_credit_type"]["id"] == unit_id:
            return exact(each["fiat_per_custom_credit"])
    return Decimal(1)
