"""Which balances may pay for what: whom they serve, what they are limited to, and which is drawn on first."""

from __future__ import annotations

from math import inf
from typing import Any

from simulator.engine.balances.ledger import end_of, of_customer, segments_of
from simulator.world import Row, World


def sources(world: World, contract: Row) -> list[tuple[Row, Row]]:
    """Every segment that the contract may draw on, in the documented order; of equal ones the older first."""
    found = [(row, segment) for row in serving(world, contract) for segment in segments_of(row)]
    return sorted(found, key=lambda source: rank(world, *source))


def rank(world: World, row: Row, segment: Row) -> tuple[Any, ...]:
    """Where a segment stands in the documented order; what sorts lower pays first.

    Rollovers come first, postpaid ones before others; else prepaid commits and credits before postpaid
    commits. Then the lower priority (none is the last), what cost nothing, what fewer products may draw on,
    what has fewer specifiers of group values alone, the earlier end, the earlier start, what serves fewer
    contracts.
    """
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


def bounds(world: World, contract: Row, product: Row, units: set[str]) -> set[str]:
    """Where segments begin or end that may pay for usage of a product priced in these units.

    An invoice's lines are cut there: a segment pays only for usage of its own time.
    """
    tags = set(product["current"].get("tags") or [])
    found: set[str] = set()
    for row in serving(world, contract):
        schedule = row["access_schedule"]
        fits = schedule["access_type"] == "QUANTITY" or schedule["credit_type"]["id"] in units
        if fits and _may_pay_for(row, product["id"], tags):
            for segment in segments_of(row):
                found |= {segment["starting_at"], end_of(row, segment)}
    return found


def targets(row: Row, line: Row) -> bool:
    """Whether a balance may pay for a line, by its unit, its products and its specifiers."""
    schedule, tags = row["access_schedule"], set(line.get("product_tags") or [])
    if schedule["access_type"] == "QUANTITY":
        if not line.get("quantity") or line["type"] == "cpu_conversion":
            return False
    elif schedule["credit_type"]["id"] != line["credit_type"]["id"]:
        return False
    if row["specifiers"]:
        return any(_meets(each, line, tags) for each in row["specifiers"])
    return _may_pay_for(row, line.get("product_id"), tags)


def serving(world: World, contract: Row) -> list[Row]:
    """The balances that a contract may draw on."""
    return [
        row
        for row in of_customer(world, contract["customer_id"])
        if not row["archived_at"] and _serves(row, contract["id"])
    ]


def _serves(row: Row, contract_id: str) -> bool:
    if row["contract_id"]:
        return row["contract_id"] == contract_id
    return not row["applicable_contract_ids"] or contract_id in row["applicable_contract_ids"]


def _may_pay_for(row: Row, product_id: str | None, tags: set[str]) -> bool:
    if row["specifiers"]:
        return any(
            each.get("product_id") in (None, product_id) and tags.issuperset(each.get("product_tags") or [])
            for each in row["specifiers"]
        )
    products, wanted_tags = row["applicable_product_ids"] or [], row["applicable_product_tags"] or []
    if not products and not wanted_tags:
        return True
    return product_id in products or bool(tags.intersection(wanted_tags))


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
