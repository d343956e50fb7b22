"""A contract's given terms as the rows that it keeps: v2 shapes, checked, nothing stored yet.

`contract` is the row that the terms are for, not yet in the world when it is being created. Every function
raises ApiError 400 for what can't be.
"""

from __future__ import annotations

from typing import Any

from simulator import fields
from simulator.amounts import USD, exact
from simulator.checks import in_order, on_the_hour, uuid_of
from simulator.engine.prices.pricing import price_of_unit
from simulator.engine.prices.schedules import credit_type, point_in_time
from simulator.http import ApiError
from simulator.world import Row, World

Names = dict[str, str]
LEAST_THRESHOLD, LEAST_RECHARGE = 500, 1000  # in cents
PRICED = {"FLAT", "PERCENTAGE", "SUBSCRIPTION"}
TIERED = {"TIERED", "TIERED_PERCENTAGE"}
COMMIT_LISTS = ("commit_ids", "recurring_commit_ids", "any_commit_or_credit_ids")
TARGETS = ("product_id", "product_tags", "pricing_group_values", "presentation_group_values")


def product_of(world: World, given_id: Any, *kinds: str) -> Row:
    """{id, name} of an active product of one of these kinds, of any kind if none is named."""
    product = world.products.get(uuid_of(given_id, "product_id"))
    if product is None or product.get("archived_at"):
        raise ApiError(400, "product_id holds an unknown or archived product")
    if kinds and product["type"] not in kinds:
        raise ApiError(400, f"product_id must name a {' or '.join(kinds)} product")
    return {"id": product["id"], "name": product["current"]["name"]}


def kept(given: Row, *names: str) -> Row:
    """These members of it, where they are given."""
    return {name: given[name] for name in names if given.get(name) is not None}


def checked_rounding(given: Row, name: str) -> Row:
    """A rounding rule, where it is given: whole places, -9 to 9."""
    rule = given.get(name)
    if rule and (abs(rule["decimal_places"]) > 9 or rule["decimal_places"] % 1):
        raise ApiError(400, "decimal_places must be a whole number from -9 to 9")
    return kept(given, name)


def span(given: Row, where: str) -> Row:
    """Its start and its end, on the hour and in order; an end that is left out stays out."""
    on_the_hour(given["starting_at"], f"{where} starting_at")
    on_the_hour(given.get("ending_before"), f"{where} ending_before")
    in_order(given["starting_at"], given.get("ending_before"), f"{where} ending_before")
    return kept(given, "starting_at", "ending_before")


def named(names: Names, wanted: str, what: str) -> str:
    """The id behind a temporary id of the same request, or an id that the contract has."""
    found = names.get(wanted) or names.get(wanted.lower())
    if found is None:
        raise ApiError(400, f"{what} {wanted} was not found on the contract")
    return found


def refuse_terms_days(days: float | None) -> None:
    """Raise ApiError 400 for net payment terms below zero days."""
    if days is not None and days < 0:
        raise ApiError(400, "net_payment_terms_days must not be negative")


def override(world: World, contract: Row, given: Row, names: Names) -> Row:
    """One override. `names` are the commits, credits and recurring ones that it may speak of."""
    kind = given.get("type") or _kind_of(given)
    if kind is None and given.get("entitled") is None:
        raise ApiError(400, "an override requires a rate, a multiplier, tiers or entitled")
    specifiers = given.get("override_specifiers")
    if specifiers is not None and ("product_id" in given or "applicable_product_tags" in given):
        raise ApiError(400, "override_specifiers can't be combined with product_id or product tags")
    if kind == "OVERWRITE" and any(
        each.get("product_tags") or each.get("applicable_product_tags")
        for each in [given, *(specifiers or [])]
    ):
        raise ApiError(400, "an override of type OVERWRITE can't be targeted by product tags")
    specific = given.get("is_commit_specific", False)
    if "target" in given and not specific:
        raise ApiError(400, "target requires is_commit_specific")
    row = {"id": world.new_id(), "created_at": world.stamp(), **span(given, "override")}
    row |= kept(given, "applicable_product_tags", "entitled", "is_commit_specific", "priority")
    row |= _effect(world, contract, given, kind)
    if "product_id" in given:
        row["product"] = product_of(world, given["product_id"])
        _refuse_tiers(world, kind, row["product"]["id"])
    if specific:
        row["target"] = given.get("target", "LIST_RATE")
    if specifiers is not None:
        row["override_specifiers"] = [_specifier(world, each, specific, names) for each in specifiers]
        for each in row["override_specifiers"]:
            _refuse_tiers(world, kind, each.get("product_id"))
    return row


def _refuse_tiers(world: World, kind: str | None, product_id: str | None) -> None:
    """Raise ApiError 400 for tiers on what has no metered quantity."""
    if kind == "TIERED" and product_id and world.products[product_id]["type"] == "SUBSCRIPTION":
        raise ApiError(400, "an override of type TIERED can't be of a SUBSCRIPTION product")


def _kind_of(given: Row) -> str | None:
    for member, kind in (("overwrite_rate", "OVERWRITE"), ("multiplier", "MULTIPLIER"), ("tiers", "TIERED")):
        if member in given:
            return kind
    return None


def _effect(world: World, contract: Row, given: Row, kind: str | None) -> Row:
    """What an override does to a rate, in the members of its kind."""
    explicit = contract.get("multiplier_override_prioritization") == "EXPLICIT"
    if given.get("priority", 1) <= 0:
        raise ApiError(400, "override priority must be greater than 0")
    if "priority" not in given and (kind == "TIERED" or (kind == "MULTIPLIER" and explicit)):
        raise ApiError(400, "priority is required for this override")
    if kind is None:
        return {}
    member = {"OVERWRITE": "overwrite_rate", "MULTIPLIER": "multiplier", "TIERED": "tiers"}[kind]
    if not given.get(member) and given.get(member) != 0:
        raise ApiError(400, f"{member} is required for an override of type {kind}")
    if kind == "OVERWRITE":
        return {"type": kind, "overwrite_rate": rate(world, given["overwrite_rate"])}
    if kind == "MULTIPLIER":
        if given["multiplier"] < 0:
            raise ApiError(400, "multiplier must not be negative")
        return {"type": kind, "multiplier": given["multiplier"]}
    if not explicit:
        raise ApiError(400, "an override of type TIERED requires multiplier_override_prioritization EXPLICIT")
    if any(tier["multiplier"] < 0 or tier.get("size", 1) <= 0 for tier in given["tiers"]):
        raise ApiError(400, "tiers must have a multiplier of at least 0 and a size above 0")
    return {"type": kind, "override_tiers": given["tiers"]}


def rate(world: World, given: Row) -> Row:
    """A rate that overwrites another."""
    kind = given["rate_type"]
    needed = "price" if kind in PRICED else "tiers" if kind in TIERED else "custom_rate"
    if given.get(needed) in (None, []):
        raise ApiError(400, f"{needed} is required for a rate of type {kind}")
    if given.get("price", 0) < 0 or any(tier["price"] < 0 for tier in given.get("tiers", [])):
        raise ApiError(400, "price must not be negative")
    row = {"rate_type": kind} | kept(given, "price", "quantity", "is_prorated", "tiers", "custom_rate")
    if kind not in ("PERCENTAGE", "TIERED_PERCENTAGE"):
        row["credit_type"] = credit_type(world, given.get("credit_type_id"))
    return row


def _specifier(world: World, given: Row, specific: bool, names: Names) -> Row:
    lists = [name for name in COMMIT_LISTS if name in given]
    if lists and not specific:
        raise ApiError(400, f"{lists[0]} requires is_commit_specific")
    if lists and not any(name in given for name in TARGETS):
        raise ApiError(400, f"{lists[0]} requires one of {', '.join(TARGETS)}")
    if "any_commit_or_credit_ids" in lists and len(lists) > 1:
        raise ApiError(400, "any_commit_or_credit_ids can't be combined with other ids")
    row = kept(given, "billing_frequency", *TARGETS[1:])
    if "product_id" in given:
        row["product_id"] = product_of(world, given["product_id"])["id"]
    for name in lists:
        row[name] = [named(names, each, "commit") for each in given[name]]
    return row


def scheduled_charge(world: World, contract: Row, given: Row) -> Row:
    """A charge at fixed times."""
    return _scheduled(world, contract, given, "scheduled_charge")


def discount(world: World, contract: Row, given: Row) -> Row:
    """A discount at fixed times."""
    return _scheduled(world, contract, given, "discount")


def _scheduled(world: World, contract: Row, given: Row, entity: str) -> Row:
    fields.check(world, entity, given.get("custom_fields", {}))
    return {
        "id": world.new_id(),
        "product": product_of(world, given["product_id"], "FIXED"),
        "schedule": point_in_time(
            world, given["schedule"], contract["starting_at"], contract.get("ending_before")
        ),
        **kept(given, "name", "netsuite_sales_order_id"),
        "custom_fields": given.get("custom_fields", {}),
    }


def professional_service(world: World, _contract: Row, given: Row) -> Row:
    """Services that are invoiced by hand, up to a maximum."""
    custom = given.get("custom_fields", {})
    fields.check(world, "professional_service", custom)
    if min(given["max_amount"], given["quantity"], given["unit_price"]) < 0:
        raise ApiError(400, "professional services must not have negative amounts")
    return {
        "id": world.new_id(),
        "product_id": product_of(world, given["product_id"], "PRO_SERVICE")["id"],
        **kept(given, "max_amount", "quantity", "unit_price", "description", "netsuite_sales_order_id"),
        "custom_fields": custom,
    }


def royalty(_world: World, contract: Row, given: Row) -> Row:
    """One segment of a reseller's royalty, flat as v1 shows it."""
    if not 0 <= given.get("fraction", 0) <= 1:
        raise ApiError(400, "fraction must be between 0 and 1")
    row = {
        "fraction": 0,
        "netsuite_reseller_id": "",
        **kept(given, "fraction", "netsuite_reseller_id", "reseller_type", "reseller_contract_value"),
        **kept(given, "applicable_product_ids", "applicable_product_tags"),
        **given.get("aws_options", {}),
        **given.get("gcp_options", {}),
    }
    return row | span({"starting_at": contract["starting_at"], **given}, "reseller royalty")


def by_reseller(segments: list[Row]) -> list[Row]:
    """Royalty segments as v2 shows them: together by the reseller's type."""
    kinds = dict.fromkeys(each["reseller_type"] for each in segments)
    return [
        {"reseller_type": kind, "segments": [each for each in segments if each["reseller_type"] == kind]}
        for kind in kinds
    ]


def spend_trackers(world: World, given: list[Row], taken: list[Row]) -> list[Row]:
    """Trackers whose aliases are unique on the contract, those that it has already included."""
    aliases = [each["alias"] for each in [*taken, *given]]
    if len(set(aliases)) < len(aliases):
        raise ApiError(400, "spend tracker aliases must be unique within a contract")
    return [each | {"credit_type_id": credit_type(world, each["credit_type_id"])["id"]} for each in given]


def threshold(world: World, contract: Row, given: Row) -> Row:
    """A spend or prepaid balance threshold."""
    if given["is_enabled"] and contract["starting_at"] > world.stamp():
        raise ApiError(400, "Threshold billing cannot be configured on a contract that has not started yet")
    if given["threshold_amount"] < 0:
        raise ApiError(400, "threshold_amount must not be negative")
    if "recharge_to_amount" in given:
        price = price_of_unit(world, contract, given.get("custom_credit_type_id") or USD["id"])
        least, more = (exact(each) for each in (given["threshold_amount"], given["recharge_to_amount"]))
        if least * price < LEAST_THRESHOLD or (more - least) * price < LEAST_RECHARGE:
            raise ApiError(
                400, "threshold_amount must be at least 5 USD, recharge_to_amount at least 10 USD higher"
            )
    product_of(world, given["commit"]["product_id"], "FIXED")
    if given.get("custom_credit_type_id") is not None:
        credit_type(world, given["custom_credit_type_id"])
    discounted = given.get("discount_configuration") or {"payment_fraction": 1}
    fraction = discounted.get("payment_fraction")
    if fraction is None or not 0 <= fraction <= 1:
        raise ApiError(400, "payment_fraction must be between 0 and 1")
    cap = discounted.get("cap")
    known = {each["alias"] for each in contract.get("spend_trackers", [])}
    if cap and cap["spend_tracker_alias"] not in known:
        raise ApiError(400, "spend_tracker_alias names no spend tracker of the contract")
    return without_nulls(given)


def without_nulls(given: Row) -> Row:
    """The same without members that are null, at every depth."""
    return {
        name: without_nulls(value) if isinstance(value, dict) else value
        for name, value in given.items()
        if value is not None
    }


def usage_filters(contract: Row, given: Row) -> list[Row]:
    """The contract's filters with one more: it ends the one before it and replaces later ones."""
    starting_at = given.get("starting_at") or contract["starting_at"]
    on_the_hour(starting_at, "starting_at")
    if not given["group_values"]:
        raise ApiError(400, "group_values must not be empty")
    if starting_at < contract["starting_at"]:
        raise ApiError(400, "usage filter starting_at must not be before the contract")
    in_order(starting_at, contract.get("ending_before"), "contract ending_before")
    earlier = [dict(each) for each in contract["usage_filter"] if each["starting_at"] < starting_at]
    if earlier:
        earlier[-1]["ending_before"] = starting_at
    return [*earlier, {**kept(given, "group_key", "group_values"), "starting_at": starting_at}]


def statement_schedule(given: Row | None, starting_at: str) -> Row:
    """How often usage is billed, and the date that this is counted from; monthly on the first by default."""
    given = given or {"frequency": "MONTHLY"}
    anchor = given.get("billing_anchor_date")
    day = given.get("day", "FIRST_OF_MONTH" if anchor is None else "CUSTOM_DATE")
    if (day == "CUSTOM_DATE") != (anchor is not None):
        raise ApiError(400, "billing_anchor_date goes together with day CUSTOM_DATE")
    if day == "FIRST_OF_MONTH":
        anchor = f"{starting_at[:8]}01T00:00:00.000Z"
    elif day == "CONTRACT_START":
        anchor = starting_at
    on_the_hour(anchor, "billing_anchor_date")
    return {"frequency": given["frequency"], "billing_anchor_date": anchor}
