"""What may be agreed about a commit or a credit, at its creation and in edits; nothing is stored here."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from simulator import fields
from simulator.amounts import exact, plain, total
from simulator.checks import in_order, on_the_hour, uuid_of
from simulator.engine.balances.ledger import movements, segments_of
from simulator.engine.prices import schedules
from simulator.engine.prices.schedules import credit_type, point_in_time
from simulator.http import ApiError, Request
from simulator.world import Row, World

ENTITIES = {"commit": "commit", "credit": "contract_credit"}
TARGETS = ("applicable_product_ids", "applicable_product_tags", "specifiers")
PLAIN_TERMS = ("name", "description", "priority", "rate_type", "rollover_fraction", "netsuite_sales_order_id")
PLAIN_TERMS += ("hierarchy_configuration", "applicable_product_tags", "salesforce_opportunity_id")
PLAIN_TERMS += ("spend_tracker_attributes", "uniqueness_key")
MOST_SEGMENTS = 1_000


def blank(world: World, customer_id: str, kind: str, contract: Row | None) -> Row:
    """A commit or credit of which nothing is agreed; system-made ones name no creator."""
    return {
        "id": world.new_id(),
        "customer_id": customer_id,
        "kind": kind,
        "type": "CREDIT",
        "product": None,
        "contract_id": contract["id"] if contract else None,
        "invoice_contract_id": None,
        "access_schedule": None,
        "invoice_schedule": None,
        "applicable_contract_ids": None,
        "applicable_product_ids": None,
        "specifiers": None,
        **dict.fromkeys(PLAIN_TERMS),
        "rate_type": "LIST_RATE",
        "rolled_over_from": None,
        f"recurring_{kind}_id": None,
        "subscription_config": None,
        "custom_fields": {},
        "created_at": world.stamp(),
        "created_by": None,
        "archived_at": None,
        "expired_at": None,
        "ledger": [],
    }


def prepare(
    world: World,
    request: Request | None,
    customer_id: str,
    given: Row,
    kind: str,
    contract: Row | None = None,
) -> Row:
    """One given commit or credit as the row that `store` takes. Raises ApiError 400, or 409 for a used key.

    `contract` is the one it belongs to, which needn't be in the world yet; None is the customer itself.
    Without a request the system makes it: it names no creator.
    """
    row = blank(world, customer_id, kind, contract)
    row |= {name: given[name] for name in PLAIN_TERMS if given.get(name) is not None}
    row |= {"type": given.get("type", "CREDIT"), "created_by": request.token.name if request else None}
    row["product"] = _product(world, given["product_id"])
    row["custom_fields"] = given.get("custom_fields") or {}
    fields.check(world, ENTITIES[kind], row["custom_fields"])
    for name in ("applicable_contract_ids", "invoice_contract_id", "applicable_product_ids", "specifiers"):
        if given.get(name) is not None:
            row[name] = _REFERENCES[name](world, customer_id, given[name])
    if given.get("access_schedule") is None:
        raise ApiError(400, "access_schedule is required")
    row["access_schedule"] = _access(world, given["access_schedule"])
    if given.get("invoice_schedule") is not None:
        bounds = bounds_of(world, row, contract)
        row["invoice_schedule"] = point_in_time(world, given["invoice_schedule"], *bounds)
    _check(row)
    world.refuse_claimed("balance", row["uniqueness_key"])
    return row


def changed(world: World, row: Row, given: Row) -> Row:
    """The row with an edit's changes, as a copy. Raises ApiError 400."""
    if row["archived_at"]:
        raise ApiError(400, f"An archived {row['kind']} can't be edited")
    if row["rolled_over_from"]:
        raise ApiError(400, "Rollover commits can't be edited")
    new = copy.deepcopy(row)
    new |= {name: given[name] for name in PLAIN_TERMS if name in given}
    if "product_id" in given:
        new["product"] = _product(world, given["product_id"])
    if "applicable_contract_ids" in given and (row["contract_id"] or row["type"] == "POSTPAID"):
        raise ApiError(400, "applicable_contract_ids can't be edited for this commit")
    for name, of in _REFERENCES.items():
        if name in given:
            value = given[name]
            new[name] = None if value is None else of(world, row["customer_id"], value)
    if given.get("access_schedule") is not None:
        _edit_access(world, new, given["access_schedule"])
    if given.get("invoice_schedule") is not None:
        new["invoice_schedule"] = new["invoice_schedule"] or {
            "credit_type": new["access_schedule"]["credit_type"] or credit_type(world, None),
            "do_not_invoice": False,
            "schedule_items": [],
        }
        bounds = bounds_of(world, new)
        schedules.edit(world, row["customer_id"], new["invoice_schedule"], given["invoice_schedule"], bounds)
    _check(new)
    return new


def bounds_of(world: World, row: Row, contract: Row | None = None) -> tuple[str | None, str | None]:
    """The start and end of the contract that bills it; open where none does."""
    contract_id = row["contract_id"] or row["invoice_contract_id"]
    if contract is None and contract_id:
        contract = contract_of(world, row["customer_id"], contract_id)
    return (contract["starting_at"], contract.get("ending_before")) if contract else (None, None)


def contract_of(world: World, customer_id: str, contract_id: str) -> Row | None:
    """The customer's contract, archived or not."""
    rows = world.contracts_of.get(customer_id, [])
    return next((each for each in rows if each["id"] == contract_id), None)


def refuse_drawn(row: Row, segment: Row) -> None:
    """Raise ApiError 400 where a segment has entries of its own and can't vanish."""
    if movements(row, segment):
        raise ApiError(400, "An access schedule item with ledger entries can't be removed")


def _product(world: World, given: Any) -> Row:
    product = _known_product(world, given)
    if product["type"] != "FIXED":
        raise ApiError(400, "product_id must name a FIXED product")
    return {"id": product["id"], "name": product["current"]["name"]}


def _known_product(world: World, given: Any) -> Row:
    """Archived ones serve too: what recurs outlives its product."""
    product = world.products.get(uuid_of(given, "product id"))
    if product is None:
        raise ApiError(400, f"Product {given} was not found")
    return product


def _contract_id(world: World, customer_id: str, given: Any) -> str:
    contract_id = uuid_of(given, "contract id")
    contract = contract_of(world, customer_id, contract_id)
    if contract is None or contract.get("archived_at"):
        raise ApiError(400, f"Contract {contract_id} of the customer was not found")
    return contract_id


def _contract_ids(world: World, customer_id: str, given: Iterable[Any]) -> list[str]:
    return [_contract_id(world, customer_id, each) for each in given]


def _product_ids(world: World, _customer_id: str, given: Iterable[Any]) -> list[str]:
    return [_known_product(world, each)["id"] for each in given]


def _specifiers(world: World, _customer_id: str, given: Iterable[Row]) -> list[Row]:
    rows = [{name: value for name, value in each.items() if value is not None} for each in given]
    for each in rows:
        if not any(each.values()):
            raise ApiError(400, "a specifier requires at least one condition")
        if "product_id" in each:
            each["product_id"] = _known_product(world, each["product_id"])["id"]
    return rows


_REFERENCES = {
    "applicable_contract_ids": _contract_ids,
    "invoice_contract_id": _contract_id,
    "applicable_product_ids": _product_ids,
    "specifiers": _specifiers,
}


def _access(world: World, given: Row) -> Row:
    """Quantities have no currency: a given one is ignored."""
    access_type = given.get("access_type", "SPEND")
    unit = credit_type(world, given.get("credit_type_id")) if access_type == "SPEND" else None
    items = [segment(world, each) for each in given["schedule_items"]]
    items.sort(key=lambda each: each["starting_at"])
    return {"credit_type": unit, "access_type": access_type, "schedule_items": items}


def segment(world: World, given: Row) -> Row:
    """One item of an access schedule. Raises ApiError 400."""
    if given["amount"] < 0:
        raise ApiError(400, "access schedule amounts must not be negative")
    start, end = given["starting_at"], given["ending_before"]
    on_the_hour(start, "access_schedule starting_at")
    on_the_hour(end, "access_schedule ending_before")
    in_order(start, end)
    return {
        "id": given.get("id") or world.new_id(),
        "amount": plain(given["amount"]),
        "starting_at": start,
        "ending_before": end,
    }


def _edit_access(world: World, row: Row, given: Row) -> None:
    items = {each["id"]: each for each in segments_of(row)}

    def own(item_id: str) -> Row:
        if item_id.lower() not in items:
            raise ApiError(400, f"access schedule item {item_id} was not found")
        return items[item_id.lower()]

    for each in given.get("update_schedule_items", []):
        old = own(each["id"])
        new = segment(world, old | each | {"id": old["id"]})
        spent = -sum(
            exact(entry["amount"]) for entry in movements(row, old) if not entry["type"].endswith("MANUAL")
        )
        if exact(new["amount"]) < spent:
            raise ApiError(400, "An access schedule item can't be reduced below what has been drawn from it")
        items[old["id"]] = new
    for each in given.get("remove_schedule_items", []):
        refuse_drawn(row, own(each["id"]))
        del items[each["id"].lower()]
    for each in given.get("add_schedule_items", []):
        new = segment(world, each)
        items[new["id"]] = new
    row["access_schedule"]["schedule_items"] = sorted(items.values(), key=lambda each: each["starting_at"])


def _check(row: Row) -> None:
    """The rules that hold between its terms. Raises ApiError 400."""
    if not 1 <= len(segments_of(row)) <= MOST_SEGMENTS:
        raise ApiError(400, f"access_schedule must have 1 to {MOST_SEGMENTS} schedule items")
    if row["specifiers"] and (row["applicable_product_ids"] or row["applicable_product_tags"]):
        raise ApiError(
            400, "specifiers can't be combined with applicable_product_ids or applicable_product_tags"
        )
    if row["name"] == "":
        raise ApiError(400, "name must not be empty")
    fraction = row["rollover_fraction"]
    if fraction is not None and not 0 <= fraction <= 1:
        raise ApiError(400, "rollover_fraction must be between 0 and 1")
    billed = row["invoice_schedule"]
    if row["kind"] == "credit" or (billed is None and row["type"] == "PREPAID"):
        return
    items = billed["schedule_items"] if billed else []
    if row["type"] == "POSTPAID":
        if len(segments_of(row)) != 1 or len(items) != 1:
            raise ApiError(400, "POSTPAID commits require one access and one invoice schedule item")
        if total(each["amount"] for each in items) != segments_of(row)[0]["amount"]:
            raise ApiError(400, "POSTPAID commits require equal access and invoice schedule amounts")
    if any(each["amount"] < 0 for each in items):
        raise ApiError(400, "invoice schedule amounts must not be negative")
    needs_contract = row["type"] == "POSTPAID" or not billed["do_not_invoice"]
    if needs_contract and not (row["contract_id"] or row["invoice_contract_id"]):
        raise ApiError(400, "invoice_contract_id is required for a commit that is invoiced")
