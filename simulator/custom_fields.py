"""Custom field keys and values: reference §3.8. Values are kept for customers; keys for every entity."""

from __future__ import annotations

from typing import Any

from simulator.checks import rfc3339, text_of, texts_of, uuid_of
from simulator.customers import brief, check_custom_fields, found
from simulator.http import ApiError, Reply, Request
from simulator.world import World

ENTITIES = frozenset(
    {
        "alert",
        "billable_metric",
        "charge",
        "commit",
        "contract_credit",
        "contract_product",
        "contract",
        "credit_grant",
        "customer_plan",
        "customer",
        "discount",
        "invoice",
        "plan",
        "professional_service",
        "product",
        "rate_card",
        "scheduled_charge",
        "subscription",
        "package_commit",
        "package_credit",
        "package_subscription",
        "package_scheduled_charge",
    }
)


def _entity(value: Any) -> str:
    if value not in ENTITIES:
        raise ApiError(400, "entity is not supported")
    return value


def list_keys(world: World, request: Request) -> Reply:
    """POST /v1/customFields/listKeys"""
    entities = (request.body or {}).get("entities") if isinstance(request.body, dict | None) else None
    if entities is not None and not isinstance(entities, list):
        raise ApiError(400, "entities must be an array")
    wanted = {_entity(each) for each in entities} if entities else ENTITIES
    rows = [row for row in world.custom_field_keys if row["entity"] in wanted]
    return Reply(200, {"data": rows, "next_page": None})


def add_key(world: World, request: Request) -> Reply:
    """POST /v1/customFields/addKey"""
    fields = request.fields()
    row = {"entity": _entity(fields.get("entity")), "key": text_of(fields, "key")}
    if not isinstance(fields.get("enforce_uniqueness"), bool):
        raise ApiError(400, "enforce_uniqueness must be a boolean")
    if any(
        known["entity"] == row["entity"] and known["key"] == row["key"] for known in world.custom_field_keys
    ):
        raise ApiError(400, "Duplicate custom field key")
    row["enforce_uniqueness"] = fields["enforce_uniqueness"]
    world.custom_field_keys.append(row)
    _happened(world, request, "addKey", ("custom_field_key", row["key"]), None, row)
    return Reply(200)


def remove_key(world: World, request: Request) -> Reply:
    """POST /v1/customFields/removeKey"""
    fields = request.fields()
    entity, key = _entity(fields.get("entity")), text_of(fields, "key")
    for row in world.custom_field_keys:
        if row["entity"] == entity and row["key"] == key:
            world.custom_field_keys.remove(row)
            _happened(world, request, "removeKey", ("custom_field_key", key), row, None)
            return Reply(200)
    raise ApiError(404, "Custom field key not found")


def _customer(world: World, fields: dict[str, Any]) -> dict[str, Any]:
    if _entity(fields.get("entity")) != "customer":
        raise ApiError(404, "The specified entity was not found")
    return found(world, uuid_of(fields.get("entity_id"), "entity_id"))


def set_values(world: World, request: Request) -> Reply:
    """POST /v1/customFields/setValues: merges by key, all or nothing."""
    fields = request.fields()
    customer, given = _customer(world, fields), texts_of(fields, "custom_fields")
    check_custom_fields(world, "customer", given)
    before = brief(customer)
    customer["custom_fields"] = {**customer["custom_fields"], **given}
    customer["updated_at"] = rfc3339(world.now())
    _happened(world, request, "setValues", ("customer", customer["id"]), before, brief(customer))
    return Reply(200)


def delete_values(world: World, request: Request) -> Reply:
    """POST /v1/customFields/deleteValues"""
    fields = request.fields()
    customer, keys = _customer(world, fields), fields.get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ApiError(400, "keys must be an array of strings")
    before = brief(customer)
    customer["custom_fields"] = {k: v for k, v in customer["custom_fields"].items() if k not in keys}
    _happened(world, request, "deleteValues", ("customer", customer["id"]), before, brief(customer))
    return Reply(200)


def _happened(
    world: World, request: Request, verb: str, resource: tuple[str, str], before: Any, after: Any
) -> None:
    world.happened(
        request,
        route=f"POST /v1/customFields/{verb}",
        resource=resource,
        action=verb,
        before=before,
        after=after,
    )
