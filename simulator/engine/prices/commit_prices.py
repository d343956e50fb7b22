"""What usage costs while a commit or credit pays for it: commit rates and commit-specific overrides.

A commit of rate type COMMIT_RATE buys at the rate card's commit rate; where there is none, at the list rate.
An override that is specific to commits counts before every other one; one that isn't leaves commit rates
alone.
"""

from __future__ import annotations

from simulator.engine.prices.pricing import PRICED, covers, list_rate, means, overridden
from simulator.world import Row, World


def price_for(world: World, contract: Row, balance: Row, line: Row) -> Row | None:
    """The rate at which a balance pays for a line of usage; None where it is the line's own."""
    product = world.products.get(line.get("product_id") or "")
    card_id = contract.get("rate_card_id")
    if line["type"] != "usage" or product is None or product["type"] != "USAGE" or not card_id:
        return None
    specific = [each for each in contract.get("overrides") or [] if each.get("is_commit_specific")]
    if not specific and balance["rate_type"] != "COMMIT_RATE":
        return None
    at = line["starting_at"]
    given = {**(line.get("presentation_group_values") or {}), **(line.get("pricing_group_values") or {})}
    values = {key: value for key, value in given.items() if value is not None}
    rate = list_rate(world, card_id, product["id"], at, values)
    if rate is None:
        return None
    target = "LIST_RATE"
    if balance["rate_type"] == "COMMIT_RATE" and rate.get("commit_rate"):
        target, kept = "COMMIT_RATE", {name: value for name, value in rate.items() if name not in PRICED}
        rate = {**kept, "credit_type": line["credit_type"], **rate["commit_rate"]}
    tags = product["current"].get("tags") or []
    overrides = [
        each
        for each in specific
        if each.get("target", "LIST_RATE") == target
        and (each.get("overwrite_rate") or each.get("multiplier") is not None or each.get("override_tiers"))
        and covers(each, at)
        and means(each, rate, tags, values, lambda specifier: _names(specifier, balance))
    ]
    if target == "LIST_RATE" and not overrides:
        return None
    own = overridden(rate, overrides, contract.get("multiplier_override_prioritization"))
    return own if own.get("credit_type", line["credit_type"])["id"] == line["credit_type"]["id"] else None


def _names(specifier: Row, balance: Row) -> bool:
    """Whether a specifier means this balance; one that names none means every one."""
    made_by = {balance.get("recurring_commit_id"), balance.get("recurring_credit_id")} - {None}
    named = [
        {balance["id"]} & set(specifier.get("commit_ids") or []),
        made_by & set(specifier.get("recurring_commit_ids") or []),
        {balance["id"], *made_by} & set(specifier.get("any_commit_or_credit_ids") or []),
    ]
    lists = ("commit_ids", "recurring_commit_ids", "any_commit_or_credit_ids")
    return any(named) or not any(specifier.get(each) for each in lists)
