"""A package's relative terms as the absolute ones of a contract that starts at some instant."""

from __future__ import annotations

from typing import Any

from simulator.agenda import later, months_later
from simulator.checks import uuid_of
from simulator.engine.contracts import cards
from simulator.http import ApiError
from simulator.world import Row, World

ALLOWED = {"customer_id", "starting_at", "package_id", "package_alias", "uniqueness_key", "transition"}
ALLOWED |= {"custom_fields"}
WHOLE = ("rate_card_id", "multiplier_override_prioritization", "net_payment_terms_days", "spend_trackers")
WHOLE += ("prepaid_balance_threshold_configuration", "spend_threshold_configuration")
WHOLE += ("scheduled_charges_on_usage_invoices", "rate_card_alias")
TEMPLATES = {
    "commit_template_ids": "commit_ids",
    "recurring_commit_template_ids": "recurring_commit_ids",
    "any_commit_or_credit_template_ids": "any_commit_or_credit_ids",
}
DROPPED = ("id", "duration", "starting_at_offset", "product", "override_tiers", "custom_credit_type_id")
DROPPED += ("fiat_credit_type_id", "custom_fields")


def package_of(world: World, given: Row) -> Row:
    """The unarchived package named by id, or by alias as of the contract's start.

    Raises ApiError 404 for an unknown one, 400 for anything given beside it.
    """
    if beside := given.keys() - ALLOWED:
        raise ApiError(400, f"{', '.join(sorted(beside))} can't be combined with a package")
    if "package_id" in given and "package_alias" in given:
        raise ApiError(400, "package_id and package_alias can't be combined")
    if "package_alias" in given:
        package = cards.holder(world.packages, given["package_alias"], given["starting_at"])
    else:
        package = world.packages.get(uuid_of(given["package_id"], "package_id"))
    if package is None:
        raise ApiError(404, "The specified package was not found", code="NotFound")
    if package.get("archived_at"):
        raise ApiError(400, "Package is archived")
    return package


def absolute(package: Row, given: Row) -> Row:
    """What contracts/create would be given for the same contract."""
    start = given["starting_at"]
    terms: Row = {**given, **{name: package[name] for name in WHOLE if package.get(name) is not None}}
    if package.get("contract_name") is not None:
        terms["name"] = package["contract_name"]
    if package.get("duration"):
        terms["ending_before"] = after(start, package["duration"])
    if schedule := package.get("usage_statement_schedule"):
        terms["usage_statement_schedule"] = {k: v for k, v in schedule.items() if k in ("frequency", "day")}
    if package.get("billing_provider"):
        wanted = ("billing_provider", "delivery_method")
        terms["billing_provider_configuration"] = {k: package[k] for k in wanted if package.get(k)}
    for name in ("commits", "credits"):
        terms[name] = [_balance(each, start) for each in package.get(name) or []]
    for name in ("recurring_commits", "recurring_credits", "subscriptions"):
        terms[name] = [_lasting(each, start) for each in package.get(name) or []]
    terms["overrides"] = [_override(each, start) for each in package.get("overrides") or []]
    terms["scheduled_charges"] = [
        _plain(each) | {"schedule": _schedule(each["schedule"], start)}
        for each in package.get("scheduled_charges") or []
    ]
    return terms


def after(start: str, offset: Row) -> str:
    """An instant so many days, weeks, months or years after the start."""
    value = int(offset["value"])
    if offset["unit"] in ("MONTHS", "YEARS"):
        return months_later(start, value * (12 if offset["unit"] == "YEARS" else 1))
    return later(start, days=value * (7 if offset["unit"] == "WEEKS" else 1))


def _plain(row: Row) -> Row:
    """A term's own members in the form of a request; its id becomes its temporary id."""
    given = {name: value for name, value in row.items() if name not in DROPPED and value is not None}
    given["temporary_id"] = row["id"]
    if row.get("product"):
        given["product_id"] = row["product"]["id"]
    return given


def _schedule(schedule: Row, start: str) -> Row:
    items = [
        {
            "timestamp": after(start, each["date_offset"]),
            "unit_price": each["unit_price"],
            "quantity": each["quantity"],
        }
        for each in schedule["schedule_items"]
    ]
    return {
        "credit_type_id": schedule["credit_type"]["id"],
        "do_not_invoice": schedule.get("do_not_invoice", False),
        "schedule_items": items,
    }


def _balance(row: Row, start: str) -> Row:
    given = _plain(row)
    if access := row.get("access_schedule"):
        items = []
        for each in access["schedule_items"]:
            since = after(start, each["starting_at_offset"])
            until = after(since, each["duration"])
            items.append({"amount": each["amount"], "starting_at": since, "ending_before": until})
        given["access_schedule"] = {"credit_type_id": access["credit_type"]["id"], "schedule_items": items}
        if access.get("access_type"):
            given["access_schedule"]["access_type"] = access["access_type"]
    if row.get("invoice_schedule"):
        given["invoice_schedule"] = _schedule(row["invoice_schedule"], start)
    return given


def _times(row: Row, start: str) -> Row:
    since = after(start, row["starting_at_offset"]) if row.get("starting_at_offset") else start
    return {"starting_at": since} | (
        {"ending_before": after(since, row["duration"])} if row.get("duration") else {}
    )


def _lasting(row: Row, start: str) -> Row:
    given = _plain(row) | _times(row, start)
    if config := row.get("subscription_config"):
        others = {k: v for k, v in config.items() if k != "subscription_template_id"}
        given["subscription_config"] = others | {"subscription_id": config["subscription_template_id"]}
    if rate := row.get("subscription_rate"):
        given["subscription_rate"] = {
            "billing_frequency": rate["billing_frequency"],
            "product_id": rate["product"]["id"],
        }
    if seats := row.get("seat_config"):
        given["seat_config"] = {"initial_seat_ids": [], **seats}
    return given


def _override(row: Row, start: str) -> Row:
    given = _plain(row) | _times(row, start)
    if row.get("override_tiers"):
        given["tiers"] = row["override_tiers"]
    if rate := row.get("overwrite_rate"):
        given["overwrite_rate"] = {k: v for k, v in rate.items() if k != "credit_type"}
        if rate.get("credit_type"):
            given["overwrite_rate"]["credit_type_id"] = rate["credit_type"]["id"]
    specifiers: list[Any] = row.get("override_specifiers") or []
    given.pop("override_specifiers", None)
    if specifiers:
        given["override_specifiers"] = [
            {TEMPLATES.get(name, name): value for name, value in each.items()} for each in specifiers
        ]
        given.pop("product_id", None)
        given.pop("applicable_product_tags", None)
    return given
