"""Custom field keys and values: reference §3.8."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from metronome.types.v1.custom_field_add_key_params import CustomFieldAddKeyParams
from metronome.types.v1.custom_field_delete_values_params import CustomFieldDeleteValuesParams
from metronome.types.v1.custom_field_list_keys_params import CustomFieldListKeysParams
from metronome.types.v1.custom_field_remove_key_params import CustomFieldRemoveKeyParams
from metronome.types.v1.custom_field_set_values_params import CustomFieldSetValuesParams

from simulator.checks import check_custom_fields, uuid_of
from simulator.http import ApiError, Reply, Request
from simulator.routing import route
from simulator.world import Row, World

FINDERS: dict[str, Callable[[World, str], Row | None]] = {
    "customer": lambda world, each: world.customers.get(each),
    "plan": lambda world, each: world.plans.get(each),
    "customer_plan": lambda world, each: world.customer_plans.get(each),
}
EVERYBODY: dict[str, Callable[[World], Iterable[Row]]] = {
    "customer": lambda world: world.customers.values(),
    "plan": lambda world: world.plans.values(),
    "customer_plan": lambda world: world.customer_plans.values(),
}


@route("POST /v1/customFields/listKeys", CustomFieldListKeysParams)
def list_keys(world: World, request: Request) -> Reply:
    wanted = request.given.get("entities")
    rows = [row for row in world.custom_field_keys if not wanted or row["entity"] in wanted]
    return Reply(200, {"data": rows, "next_page": None})


@route("POST /v1/customFields/addKey", CustomFieldAddKeyParams, writes=True)
def add_key(world: World, request: Request) -> Reply:
    row = dict(request.given)
    for known in world.custom_field_keys:
        if (known["entity"], known["key"]) == (row["entity"], row["key"]):
            raise ApiError(400, "Duplicate custom field key")
    world.custom_field_keys.append(row)
    world.happened(request, resource=("custom_field_key", row["key"]), action="add_key", after=row)
    return Reply(200)


@route("POST /v1/customFields/removeKey", CustomFieldRemoveKeyParams, writes=True)
def remove_key(world: World, request: Request) -> Reply:
    """Existing values stay where they are; the real service hides them."""
    entity, key = request.given["entity"], request.given["key"]
    for row in world.custom_field_keys:
        if row["entity"] == entity and row["key"] == key:
            world.custom_field_keys.remove(row)
            world.happened(request, resource=("custom_field_key", key), action="remove_key", before=row)
            return Reply(200)
    raise ApiError(404, "Custom field key not found")


def _entity(world: World, request: Request) -> Row:
    entity_id = uuid_of(request.given["entity_id"], "entity_id")
    finder = FINDERS.get(request.given["entity"])
    row = finder(world, entity_id) if finder else None
    if row is None:
        raise ApiError(404, "The specified entity was not found", code="NotFound")
    return row


def _put(world: World, request: Request, row: Row, values: dict[str, str], action: str) -> None:
    before = dict(row.get("custom_fields") or {})
    row["custom_fields"] = values
    if "updated_at" in row:
        row["updated_at"] = world.stamp()
    resource = (request.given["entity"], row["id"])
    world.happened(request, resource=resource, action=action, before=before, after=dict(values))


@route("POST /v1/customFields/setValues", CustomFieldSetValuesParams, writes=True)
def set_values(world: World, request: Request) -> Reply:
    """Merges by key, all or nothing."""
    row, given, entity = _entity(world, request), request.given["custom_fields"], request.given["entity"]
    check_custom_fields(world.custom_field_keys, entity, given)
    _refuse_taken(world, entity, row, given)
    _put(world, request, row, {**(row.get("custom_fields") or {}), **given}, "set_custom_fields")
    return Reply(200)


def _refuse_taken(world: World, entity: str, own: Row, given: dict[str, str]) -> None:
    """409 when a key that is unique has this value elsewhere, archived objects included."""
    unique = {
        row["key"] for row in world.custom_field_keys if row["entity"] == entity and row["enforce_uniqueness"]
    }
    for key in unique & given.keys():
        for row in EVERYBODY[entity](world):
            if row is not own and (row.get("custom_fields") or {}).get(key) == given[key]:
                raise ApiError(409, f"The value of {key} must be unique", executed=True)


@route("POST /v1/customFields/deleteValues", CustomFieldDeleteValuesParams, writes=True)
def delete_values(world: World, request: Request) -> Reply:
    row, gone = _entity(world, request), set(request.given["keys"])
    left = {key: value for key, value in (row.get("custom_fields") or {}).items() if key not in gone}
    _put(world, request, row, left, "delete_custom_fields")
    return Reply(200)
