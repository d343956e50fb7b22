"""Subscriptions of a contract: what is paid per period for a quantity or for seats, and how that changes.

A stored one has the v2 shape without `billing_periods`, which follow from the clock, and with
`seat_schedule`, [{starting_at, seat_ids, unassigned}], which the API shows only as a history.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from simulator import fields
from simulator.agenda import later
from simulator.amounts import USD
from simulator.checks import in_order, on_the_hour
from simulator.engine.contracts.terms import checked_rounding, kept, product_of
from simulator.engine.prices.periods import containing
from simulator.http import ApiError
from simulator.world import Row, World

MOST_SEATS = 10_000


def subscription(world: World, contract: Row, given: Row) -> Row:
    """One subscription from what create or edit was given. Raises ApiError 400."""
    fields.check(world, "subscription", given.get("custom_fields", {}))
    starting_at = given.get("starting_at", contract["starting_at"])
    ending_before = given.get("ending_before", contract.get("ending_before"))
    on_the_hour(starting_at, "subscription starting_at")
    on_the_hour(ending_before, "subscription ending_before")
    in_order(starting_at, ending_before, "subscription ending_before")
    if starting_at < contract["starting_at"]:
        raise ApiError(400, "subscription starting_at must not be before the contract")
    proration = given["proration"]
    behavior = proration.get("invoice_behavior", "BILL_ON_NEXT_COLLECTION_DATE")
    if behavior == "BILL_IMMEDIATELY" and given["collection_schedule"] != "ADVANCE":
        raise ApiError(400, "BILL_IMMEDIATELY requires collection_schedule ADVANCE")
    cycle = given.get("billing_cycle_config", {})
    return {
        "id": world.new_id(),
        "created_at": world.stamp(),
        **kept(given, "name", "description", "collection_schedule"),
        "custom_fields": given.get("custom_fields", {}),
        "starting_at": starting_at,
        "ending_before": ending_before,
        "proration": {
            "invoice_behavior": behavior,
            "is_prorated": proration.get("is_prorated", True),
            **checked_rounding(proration, "rounding"),
        },
        **_rate(world, contract, given["subscription_rate"], starting_at),
        "billing_cycle_config": {
            "anchor_date": cycle.get("anchor_date")
            or contract["usage_statement_schedule"]["billing_anchor_date"],
            "invoice_placement": cycle.get("invoice_placement", "ON_USAGE_INVOICE"),
        },
        **_begin(given, starting_at),
    }


def _rate(world: World, contract: Row, given: Row, at: str) -> Row:
    """Its rate, which must be on the contract's rate card, and the currency of that."""
    product = product_of(world, given["product_id"], "SUBSCRIPTION")
    for rate in world.rates_of.get(contract.get("rate_card_id") or "", []):
        if (rate["product_id"], rate.get("billing_frequency")) == (product["id"], given["billing_frequency"]):
            if rate.get("ending_before") and rate["ending_before"] <= at:
                continue
            unit = (rate.get("credit_type") or USD)["id"]
            fiat = world.pricing_units.get(unit, {}).get("is_currency", True)
            return {
                "subscription_rate": {"billing_frequency": given["billing_frequency"], "product": product},
                "fiat_credit_type_id" if fiat else "custom_credit_type_id": unit,
            }
    raise ApiError(400, "No such product in rate card")


def _begin(given: Row, at: str) -> Row:
    """The first entries of its schedules."""
    seats, quantity = given.get("seat_config"), given.get("initial_quantity")
    if given.get("quantity_management_mode", "QUANTITY_ONLY") == "QUANTITY_ONLY":
        if quantity is None or quantity < 0 or seats is not None:
            raise ApiError(400, "QUANTITY_ONLY requires initial_quantity, at least 0, and no seat_config")
        return {
            "quantity_management_mode": "QUANTITY_ONLY",
            "quantity_schedule": [{"quantity": quantity, "starting_at": at}],
        }
    if seats is None or quantity is not None:
        raise ApiError(400, "SEAT_BASED requires seat_config and no initial_quantity")
    entry = _entry(
        at, list(dict.fromkeys(seats["initial_seat_ids"])), seats.get("initial_unassigned_seats", 0)
    )
    return {
        "quantity_management_mode": "SEAT_BASED",
        "seat_config": {"seat_group_key": seats["seat_group_key"]},
        "seat_schedule": [entry],
        "quantity_schedule": _quantities([entry]),
    }


def _entry(at: str, seat_ids: list[str], unassigned: float) -> Row:
    if unassigned < 0 or unassigned != int(unassigned):
        raise ApiError(400, "unassigned seats must be a whole number of at least 0")
    if len(seat_ids) > MOST_SEATS:
        raise ApiError(400, f"a subscription may have at most {MOST_SEATS} assigned seats")
    return {"starting_at": at, "seat_ids": seat_ids, "unassigned": int(unassigned)}


def _quantities(seats: list[Row]) -> list[Row]:
    entries = [
        {"quantity": len(each["seat_ids"]) + each["unassigned"], "starting_at": each["starting_at"]}
        for each in seats
    ]
    return bounded(entries)


def bounded(entries: list[Row]) -> list[Row]:
    """Entries in time, each but the last ending where the next one starts."""
    entries = sorted(entries, key=lambda each: each["starting_at"])
    for each, onward in zip(entries, [*entries[1:], None], strict=True):
        each.pop("ending_before", None)
        if onward is not None:
            each["ending_before"] = onward["starting_at"]
    return entries


def updated(contract: Row, row: Row, given: Row) -> Row:
    """A copy with what edit's `update_subscriptions` says. Raises ApiError 400."""
    row = copy.deepcopy(row) | kept(given, "name")
    if "ending_before" in given:
        row["ending_before"] = given["ending_before"] or contract.get("ending_before")
        on_the_hour(row["ending_before"], "subscription ending_before")
        in_order(row["starting_at"], row["ending_before"], "subscription ending_before")
    if "proration_rounding" in given:
        row["proration"].pop("rounding", None)
        rounding = checked_rounding(given, "proration_rounding")
        row["proration"] |= {"rounding": rounding["proration_rounding"]} if rounding else {}
    if mode := given.get("quantity_management_mode_update"):
        _make_seat_based(row, mode["seat_config"]["seat_group_key"])
    if given.get("quantity_updates"):
        if row["quantity_management_mode"] != "QUANTITY_ONLY":
            raise ApiError(400, "quantity_updates requires a subscription of mode QUANTITY_ONLY")
        for each in given["quantity_updates"]:
            _change_quantity(row, each)
    if given.get("seat_updates"):
        if row["quantity_management_mode"] != "SEAT_BASED":
            raise ApiError(400, "seat_updates requires a subscription of mode SEAT_BASED")
        _change_seats(row, given["seat_updates"])
    return row


def _make_seat_based(row: Row, group_key: str) -> None:
    """From quantities to seats: what there is becomes unassigned seats."""
    if row["quantity_management_mode"] == "SEAT_BASED":
        raise ApiError(400, "the subscription is SEAT_BASED already")
    row["quantity_management_mode"] = "SEAT_BASED"
    row["seat_config"] = {"seat_group_key": group_key}
    row["seat_schedule"] = [
        _entry(each["starting_at"], [], each["quantity"]) for each in row["quantity_schedule"]
    ]


def _within(row: Row, at: str) -> None:
    on_the_hour(at, "subscription update starting_at")
    if at < row["starting_at"] or (row["ending_before"] and at >= row["ending_before"]):
        raise ApiError(400, "a subscription can only be updated while it lasts")


def _from(schedule: list[Row], at: str, change: Callable[[Row], None]) -> None:
    """Change every entry from an instant on; one that starts before is split there."""
    if all(each["starting_at"] != at for each in schedule):
        before = [each for each in schedule if each["starting_at"] < at]
        schedule.append(copy.deepcopy(before[-1]) | {"starting_at": at})
        schedule.sort(key=lambda each: each["starting_at"])
    for each in schedule:
        if each["starting_at"] >= at:
            change(each)


def _change_quantity(row: Row, given: Row) -> None:
    """A quantity replaces what is from then on; a delta is added to all that follows."""
    _within(row, given["starting_at"])
    if ("quantity" in given) == ("quantity_delta" in given) or given.get("quantity_delta") == 0:
        raise ApiError(400, "a quantity update requires either quantity, or quantity_delta other than 0")

    def change(entry: Row) -> None:
        entry["quantity"] = given.get("quantity", entry["quantity"] + given.get("quantity_delta", 0))
        if entry["quantity"] < 0:
            raise ApiError(400, "subscription quantity must not be negative")

    _from(row["quantity_schedule"], given["starting_at"], change)
    row["quantity_schedule"] = bounded(row["quantity_schedule"])


def _change_seats(row: Row, given: Row) -> None:
    """In order of time; at one instant as SEAT_CHANGES has them."""
    updates = [(each["starting_at"], name, each) for name in SEAT_CHANGES for each in given.get(name, [])]
    for at, name, update in sorted(updates, key=lambda each: each[0]):
        _within(row, at)
        if update.get("quantity", 1) <= 0:
            raise ApiError(400, "seat quantities must be greater than 0")
        change = SEAT_CHANGES[name]
        _from(row["seat_schedule"], at, lambda entry, c=change, u=update: entry.update(c(entry, u)))
    row["quantity_schedule"] = _quantities(row["seat_schedule"])


def _unassigned(old: Row, more: float) -> Row:
    return _entry(old["starting_at"], old["seat_ids"], max(0, old["unassigned"] + more))


def _assigned(old: Row, seat_ids: list[str]) -> Row:
    """New seats take unassigned ones first."""
    fresh = [each for each in dict.fromkeys(seat_ids) if each not in old["seat_ids"]]
    return _entry(old["starting_at"], old["seat_ids"] + fresh, max(0, old["unassigned"] - len(fresh)))


def _removed(old: Row, seat_ids: list[str]) -> Row:
    return _entry(old["starting_at"], [e for e in old["seat_ids"] if e not in seat_ids], old["unassigned"])


SEAT_CHANGES: dict[str, Callable[[Row, Row], Row]] = {
    "add_unassigned_seats": lambda old, new: _unassigned(old, new["quantity"]),
    "add_seat_ids": lambda old, new: _assigned(old, new["seat_ids"]),
    "remove_seat_ids": lambda old, new: _removed(old, new["seat_ids"]),
    "remove_unassigned_seats": lambda old, new: _unassigned(old, -new["quantity"]),
}


def shown(world: World, row: Row) -> Row:
    """The v2 shape, its billing periods by the account's clock."""
    visible = {name: value for name, value in row.items() if name != "seat_schedule" and value is not None}
    return visible | {"billing_periods": _periods(row, world.stamp())}


def _periods(row: Row, now: str) -> Row:
    anchor = row["billing_cycle_config"]["anchor_date"]
    frequency = row["subscription_rate"]["billing_frequency"]
    start, end = row["starting_at"], row["ending_before"]
    current = containing(anchor, frequency, now)
    around = {
        "previous": containing(anchor, frequency, later(current[0], seconds=-1)),
        "current": current,
        "next": containing(anchor, frequency, current[1]),
    }
    return {
        name: {"starting_at": max(since, start), "ending_before": min(until, end or until)}
        for name, (since, until) in around.items()
        if until > start and (end is None or since < end)
    }
