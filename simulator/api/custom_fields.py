"""Custom field keys and values: reference §3.8."""

from __future__ import annotations

from metronome.types.v1.custom_field_add_key_params import CustomFieldAddKeyParams
from metronome.types.v1.custom_field_delete_values_params import CustomFieldDeleteValuesParams
from metronome.types.v1.custom_field_list_keys_params import CustomFieldListKeysParams
from metronome.types.v1.custom_field_remove_key_params import CustomFieldRemoveKeyParams
from metronome.types.v1.custom_field_set_values_params import CustomFieldSetValuesParams

from simulator import fields
from simulator.checks import uuid_of
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.world import Row, World

LONGEST_KEY = 200


@route("POST /v1/customFields/listKeys", CustomFieldListKeysParams)
def list_keys(world: World, request: Request) -> Reply:
    wanted = request.given.get("entities")
    rows = [row for row in world.custom_field_keys if not wanted or row["entity"] in wanted]
    return Reply(200, query_page(request, rows))


@route("POST /v1/customFields/addKey", CustomFieldAddKeyParams, writes=True)
def add_key(world: World, request: Request) -> Reply:
    row = dict(request.given)
    if not 1 <= len(row["key"]) <= LONGEST_KEY:
        raise ApiError(400, f"key must be 1 to {LONGEST_KEY} characters")
    if _known(world, row) is not None:
        raise ApiError(400, "Duplicate custom field key")
    world.custom_field_keys.append(row)
    world.happened(request, resource=("custom_field_key", row["key"]), action="add_key", after=row)
    return Reply(200, {"data": {"id": world.new_id()}})


def _known(world: World, given: Row) -> Row | None:
    for row in world.custom_field_keys:
        if (row["entity"], row["key"]) == (given["entity"], given["key"]):
            return row
    return None


@route("POST /v1/customFields/removeKey", CustomFieldRemoveKeyParams, writes=True)
def remove_key(world: World, request: Request) -> Reply:
    """Its values go with it; adding the key again doesn't bring them back."""
    row = _known(world, request.given)
    if row is None:
        raise ApiError(404, "Custom field key not found")
    world.custom_field_keys.remove(row)
    fields.clear(world, row["entity"], row["key"])
    world.happened(request, resource=("custom_field_key", row["key"]), action="remove_key", before=row)
    return Reply(200)


@route("POST /v1/customFields/setValues", CustomFieldSetValuesParams, writes=True)
def set_values(world: World, request: Request) -> Reply:
    """Merges by key, all or nothing. No `.edit` notification follows."""
    row, given = _entity(world, request), request.given["custom_fields"]
    fields.check(world, request.given["entity"], given, row["id"])
    _put(world, request, row, {**(row.get("custom_fields") or {}), **given}, "set_custom_fields")
    return Reply(200)


@route("POST /v1/customFields/deleteValues", CustomFieldDeleteValuesParams, writes=True)
def delete_values(world: World, request: Request) -> Reply:
    """What isn't there needs no deleting."""
    row, gone = _entity(world, request), set(request.given["keys"])
    left = {key: value for key, value in (row.get("custom_fields") or {}).items() if key not in gone}
    _put(world, request, row, left, "delete_custom_fields")
    return Reply(200)


def _entity(world: World, request: Request) -> Row:
    return fields.find(world, request.given["entity"], uuid_of(request.given["entity_id"], "entity_id"))


def _put(world: World, request: Request, row: Row, values: dict[str, str], action: str) -> None:
    before = dict(row.get("custom_fields") or {})
    row["custom_fields"] = values
    if request.given["entity"] == "customer":
        row["updated_at"] = world.stamp()
    resource = (request.given["entity"], row["id"])
    world.happened(request, resource=resource, action=action, before=before, after=dict(values))
