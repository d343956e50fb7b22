"""A package's given terms as the rows that it keeps and shows: times are offsets from a contract's start.

Only shapes are made here, and names resolved; that the terms can make a contract is for
simulator.api.packages to try. Every function raises ApiError 400 for what it can't resolve.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator import fields
from simulator.engine.contracts.recurring import NO_UNIT
from simulator.engine.contracts.terms import kept, named, product_of, without_nulls
from simulator.engine.prices.schedules import credit_type
from simulator.http import ApiError
from simulator.world import Row, World

Names = dict[str, str]
LONGEST = {"DAYS": 36_500, "WEEKS": 5_200, "MONTHS": 1_200, "YEARS": 100}
APPLICABLE = ("applicable_product_ids", "applicable_product_tags", "specifiers")
TEMPLATE_IDS = {
    "commit_ids": "commit_template_ids",
    "recurring_commit_ids": "recurring_commit_template_ids",
    "any_commit_or_credit_ids": "any_commit_or_credit_template_ids",
}


def offset(given: Row, where: str, *, least: int) -> Row:
    """A number of days, weeks, months or years, at most a hundred years."""
    if not least <= given["value"] <= LONGEST[given["unit"]]:
        raise ApiError(400, f"{where}.value must be {least} to {LONGEST[given['unit']]} {given['unit']}")
    return {"value": given["value"], "unit": given["unit"]}


def _offsets(given: Row) -> Row:
    """The start and the length of a term, where they are given."""
    shown = {}
    if "starting_at_offset" in given:
        shown["starting_at_offset"] = offset(given["starting_at_offset"], "starting_at_offset", least=0)
    if "duration" in given:
        shown["duration"] = offset(given["duration"], "duration", least=1)
    return shown


def _custom(world: World, given: Row, entity: str) -> Row:
    custom = given.get("custom_fields", {})
    fields.check(world, entity, custom)
    return {"custom_fields": custom}


def _invoiced(world: World, given: Row) -> Row:
    """When something is charged, and how much."""
    items = [
        {
            "id": world.new_id(),
            "date_offset": offset(each["date_offset"], "date_offset", least=0),
            **kept(each, "unit_price", "quantity"),
        }
        for each in given["schedule_items"]
    ]
    return {"credit_type": credit_type(world, given.get("credit_type_id")), "schedule_items": items}


def _access(world: World, given: Row) -> Row:
    """What may be drawn, when; quantities are in no unit."""
    items = [
        {"id": world.new_id(), "amount": each["amount"], **_offsets(each)} for each in given["schedule_items"]
    ]
    by_quantity = given.get("access_type") == "QUANTITY"
    unit = {"id": NO_UNIT, "name": ""} if by_quantity else credit_type(world, given.get("credit_type_id"))
    return {"credit_type": unit, "schedule_items": items, **kept(given, "access_type")}


def commit(world: World, given: Row, names: Names) -> Row:
    """A commit or, without a type, a credit."""
    kind = "commit" if "type" in given else "credit"
    row = {
        "id": world.new_id(),
        "product": product_of(world, given["product_id"]),
        "access_schedule": _access(world, given["access_schedule"]),
        "rate_type": given.get("rate_type", "LIST_RATE"),
        **kept(given, "type", "name", "description", "priority", "rollover_fraction", *APPLICABLE),
        **_custom(world, given, f"package_{kind}"),
    }
    if "invoice_schedule" in given:
        silent = given["invoice_schedule"].get("do_not_invoice", False)
        row["invoice_schedule"] = {
            **_invoiced(world, given["invoice_schedule"]),
            "do_not_invoice": silent,
        }
    return _keep_name(given, row, names)


def recurring(world: World, given: Row, names: Names) -> Row:
    """A recurring commit or credit; it may hang on a subscription of the same package."""
    amount = given["access_amount"]
    by_quantity = amount.get("access_type") == "QUANTITY"
    unit = NO_UNIT if by_quantity else credit_type(world, amount.get("credit_type_id"))["id"]
    row = {
        "id": world.new_id(),
        "product": product_of(world, given["product_id"]),
        "access_amount": {**kept(amount, "unit_price", "quantity", "access_type"), "credit_type_id": unit},
        "commit_duration": {"unit": "PERIODS", **given["commit_duration"]},
        "rate_type": given.get("rate_type", "COMMIT_RATE"),
        **_offsets(given),
        **kept(given, "name", "description", "priority", "rollover_fraction", "proration", *APPLICABLE),
        **kept(given, "recurrence_frequency", "proration_rounding"),
    }
    if "invoice_amount" in given:
        unit = credit_type(world, given["invoice_amount"]["credit_type_id"])["id"]
        row["invoice_amount"] = {**given["invoice_amount"], "credit_type_id": unit}
    if "subscription_config" in given:
        config = given["subscription_config"]
        row["subscription_config"] = {
            "allocation": config.get("allocation", "POOLED"),
            "apply_seat_increase_config": config["apply_seat_increase_config"],
            "subscription_template_id": named(names, config["subscription_id"], "subscription"),
        }
    return _keep_name(given, row, names)


def subscription(world: World, given: Row, names: Names) -> Row:
    """A subscription, its proration whole."""
    rate, proration = given["subscription_rate"], given["proration"]
    row = {
        "id": world.new_id(),
        "subscription_rate": {
            "billing_frequency": rate["billing_frequency"],
            "product": product_of(world, rate["product_id"]),
        },
        "proration": {
            "invoice_behavior": proration.get("invoice_behavior", "BILL_ON_NEXT_COLLECTION_DATE"),
            "is_prorated": proration.get("is_prorated", True),
            **kept(proration, "rounding"),
        },
        "quantity_management_mode": given.get("quantity_management_mode", "QUANTITY_ONLY"),
        **_offsets(given),
        **kept(given, "name", "description", "collection_schedule", "billing_cycle_config", "seat_config"),
        **kept(given, "initial_quantity"),
        **_custom(world, given, "package_subscription"),
    }
    return _keep_name(given, row, names)


def scheduled_charge(world: World, given: Row, _names: Names) -> Row:
    """A charge at fixed offsets."""
    return {
        "id": world.new_id(),
        "product": product_of(world, given["product_id"]),
        "schedule": _invoiced(world, given["schedule"]),
        **kept(given, "name"),
        **_custom(world, given, "package_scheduled_charge"),
    }


def override(world: World, given: Row, names: Names) -> Row:
    """An override, which may speak of the package's own commits."""
    row = {
        "id": world.new_id(),
        "override_specifiers": [_specifier(world, each, names) for each in given["override_specifiers"]],
        **_offsets(given),
        **kept(given, "entitled", "is_commit_specific", "multiplier", "priority", "target", "type"),
    }
    if "tiers" in given:
        row["override_tiers"] = given["tiers"]
    if "overwrite_rate" in given:
        rate = given["overwrite_rate"]
        row["overwrite_rate"] = {name: value for name, value in rate.items() if name != "credit_type_id"}
        if "PERCENTAGE" not in rate["rate_type"]:
            row["overwrite_rate"]["credit_type"] = credit_type(world, rate.get("credit_type_id"))
    return row


def _specifier(world: World, given: Row, names: Names) -> Row:
    row = {name: value for name, value in given.items() if name not in TEMPLATE_IDS}
    if "product_id" in given:
        row["product_id"] = product_of(world, given["product_id"])["id"]
    for name, shown in TEMPLATE_IDS.items():
        if name in given:
            row[shown] = [named(names, each, "commit") for each in given[name]]
    return row


def _keep_name(given: Row, row: Row, names: Names) -> Row:
    if "temporary_id" in given:
        names[given["temporary_id"]] = row["id"]
    return row


BUILDERS: dict[str, Callable[[World, Row, Names], Row]] = {
    "subscriptions": subscription,
    "commits": commit,
    "credits": commit,
    "recurring_commits": recurring,
    "recurring_credits": recurring,
    "scheduled_charges": scheduled_charge,
    "overrides": override,
}


def lists(world: World, given: Row) -> dict[str, list[Any]]:
    """Every list of terms, in the API's form; what may be named comes before what names it."""
    names: Names = {}
    rows = {
        name: [build(world, each, names) for each in given.get(name, [])] for name, build in BUILDERS.items()
    }
    for name in ("commits", "credits", "scheduled_charges", "subscriptions"):
        fields.check_together(world, f"package_{name.removesuffix('s')}", rows[name])
    rows["spend_trackers"] = [
        {**each, "credit_type_id": credit_type(world, each["credit_type_id"])["id"]}
        for each in given.get("spend_trackers", [])
    ]
    return rows


def thresholds(given: Row) -> Row:
    """Threshold billing, where it is given."""
    names = ("spend_threshold_configuration", "prepaid_balance_threshold_configuration")
    return {name: without_nulls(given[name]) for name in names if name in given}
