"""Which chosen rules, that no document of the vendor tells, a line of a draft has used.

What is chosen as a whole is in the README; here are those that change what a line says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from simulator.engine.balances.sources import rank
from simulator.engine.invoices.statements import contract_of, shown
from simulator.engine.prices.pricing import contract_rate_of, covers, may_mean, rates_on
from simulator.engine.prices.usage import grows_no_sums
from simulator.world import Row, World

Test = Callable[[World, Row, Row, Row], bool]
RULES: dict[str, tuple[str, Test]] = {}


def rule(name: str, says: str) -> Callable[[Test], Test]:
    """Register whether a line (with its world, contract and invoice) has used a rule."""

    def register(test: Test) -> Test:
        RULES[name] = (says, test)
        return test

    return register


def used(world: World) -> list[Row]:
    """Each rule that a line of a draft used: {rule, says, invoices: ids, lines: their number}."""
    found: dict[str, list[str]] = {}
    for contract, invoice in _drafts(world):
        for line in invoice["line_items"]:
            for name, (_says, test) in RULES.items():
                if test(world, contract, invoice, line):
                    found.setdefault(name, []).append(invoice["id"])
    return [
        {"rule": name, "says": RULES[name][0], "invoices": list(dict.fromkeys(ids)), "lines": len(ids)}
        for name, ids in sorted(found.items())
    ]


def _drafts(world: World) -> Iterator[tuple[Row, Row]]:
    for own in world.invoices_of.values():
        for each in own:
            contract = contract_of(world, each)
            is_computed = each["status"] == "DRAFT" and "line_items" not in each
            if contract is not None and is_computed:
                yield contract, shown(world, each)


def _is_usage(line: Row) -> bool:
    return line["type"] == "usage" and line.get("product_type") == "UsageProductListItem"


def _overrides(world: World, contract: Row, line: Row, *members: str) -> int:
    """How many overrides of these kinds may mean the line."""
    if "starting_at" not in line or line.get("product_id") not in world.products:
        return 0
    tags = world.products[line["product_id"]]["current"].get("tags") or []
    return sum(
        any(each.get(member) for member in members)
        and not each.get("is_commit_specific")
        and covers(each, line["starting_at"])
        and may_mean(each, line["product_id"], tags)
        for each in contract.get("overrides") or []
    )


@rule("tiers", "Tiers are graduated, and go on within the period for each value of the group keys.")
def _tiers(_world: World, _contract: Row, _invoice: Row, line: Row) -> bool:
    return "tier" in line


@rule("custom_rate", "A CUSTOM rate costs 0.")
def _custom(world: World, contract: Row, _invoice: Row, line: Row) -> bool:
    if not _is_usage(line) or "unit_price" in line:
        return False
    rates = rates_on(world, contract["rate_card_id"], line["product_id"], line["starting_at"])
    rate = contract_rate_of(
        world, contract, rates, line["starting_at"], line.get("pricing_group_values") or {}
    )
    return rate is not None and rate["rate_type"] == "CUSTOM"


@rule("newest_overwrite", "Of several overwrites the newest counts, and beats every multiplier.")
def _overwrites(world: World, contract: Row, _invoice: Row, line: Row) -> bool:
    both = _overrides(world, contract, line, "overwrite_rate", "multiplier", "override_tiers")
    return _overrides(world, contract, line, "overwrite_rate") > 0 and both > 1


@rule("one_multiplier", "Of several multipliers one counts: the lowest, or by priority under EXPLICIT.")
def _multipliers(world: World, contract: Row, _invoice: Row, line: Row) -> bool:
    is_overwritten = _overrides(world, contract, line, "overwrite_rate")
    return not is_overwritten and _overrides(world, contract, line, "multiplier", "override_tiers") > 1


@rule("growth", "Of a metric that makes no sums a new price counts for what usage grows by from then on.")
def _growth(world: World, _contract: Row, invoice: Row, line: Row) -> bool:
    if not _is_usage(line) or line["starting_at"] == invoice.get("start_timestamp"):
        return False
    metric_id = world.products[line["product_id"]]["current"].get("billable_metric_id")
    return grows_no_sums(world.billable_metrics.get(metric_id, {}))


@rule("composite", "A composite takes the percentage of the period's begin.")
def _composite(_world: World, _contract: Row, _invoice: Row, line: Row) -> bool:
    return line.get("product_type") == "CompositeProductListItem"


@rule("advance", "In advance the quantity at the period's begin is billed whole; less is not given back.")
def _advance(_world: World, contract: Row, _invoice: Row, line: Row) -> bool:
    own = [each for each in contract.get("subscriptions") or [] if each["id"] == line.get("subscription_id")]
    return any(
        each["collection_schedule"] == "ADVANCE"
        and any(
            after["quantity"] < before["quantity"] for before, after in pairwise(each["quantity_schedule"])
        )
        for each in own
    )


@rule("older_first", "Among balances that are equal in every documented way the older pays first.")
def _older(world: World, _contract: Row, invoice: Row, line: Row) -> bool:
    if line["type"] != "applied_commit_or_credit":
        return False
    drawn = {
        (each["commit_id"], each["commit_segment_id"])
        for each in invoice["line_items"]
        if each["type"] == "applied_commit_or_credit"
    }
    ranks = {source: _rank(world, *source) for source in drawn}
    own = (line["commit_id"], line["commit_segment_id"])
    return any(ranks[source] == ranks[own] and source != own for source in drawn)


def _rank(world: World, balance_id: str, segment_id: str) -> object:
    row = world.balances[balance_id]
    segments = row["access_schedule"]["schedule_items"]
    return rank(world, row, next(each for each in segments if each["id"] == segment_id))


@rule("evenly", "A loaded piece of usage counts evenly over its time.")
def _evenly(world: World, contract: Row, _invoice: Row, line: Row) -> bool:
    if not _is_usage(line):
        return False
    start, end = line["starting_at"], min(line["ending_before"], world.stamp())
    pieces = world.loaded_usage.get(contract["customer_id"], {}).get(line["product_id"], [])
    return any(
        each["contract_id"] in (None, contract["id"])
        and each["starting_at"] < end
        and each["ending_before"] > start
        and (each["starting_at"] < start or each["ending_before"] > end)
        for each in pieces
    )
