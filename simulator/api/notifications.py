"""Offset and system notifications: reference §3.8. What they send is in simulator.notices and .offsets."""

from __future__ import annotations

from metronome.types.v2.notifications.offset_archive_params import OffsetArchiveParams
from metronome.types.v2.notifications.offset_create_params import OffsetCreateParams
from metronome.types.v2.notifications.offset_edit_params import OffsetEditParams
from metronome.types.v2.notifications.offset_list_params import OffsetListParams
from metronome.types.v2.notifications.offset_retrieve_params import OffsetRetrieveParams

from simulator import offsets
from simulator.checks import uuid_of
from simulator.http import ApiError, Reply, Request
from simulator.notices import TYPES
from simulator.offsets import BAD
from simulator.paging import body_page
from simulator.routing import route
from simulator.world import Row, World

SHOWN = ("id", "name", "type", "policy", "environment_type", "created_at", "created_by", "archived_at")


def _show(row: Row) -> Row:
    return {name: row[name] for name in SHOWN}


def _found(world: World, given: Row, status: int = 404) -> Row:
    row = world.notifications.get(uuid_of(given["id"], "id"))
    if row is None:
        raise ApiError(status, "The specified notification was not found", code="NotificationConfigNotFound")
    return row


@route("POST /v2/notifications/create", OffsetCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    given = request.given
    offsets.check(world, given["policy"])
    world.refuse_claimed("notification", given.get("uniqueness_key"))
    row = {
        "id": world.new_id(),
        "name": given["name"],
        "type": "OFFSET_LIFECYCLE_EVENT",
        "policy": given["policy"],
        "environment_type": "SANDBOX",
        "created_at": world.stamp(),
        "created_by": request.token.name,
        "archived_at": None,
    }
    world.claim("notification", given.get("uniqueness_key"), row["id"])
    world.notifications[row["id"]] = row
    offsets.begin(world, row)
    world.happened(request, resource=("notification", row["id"]), action="create", after=row)
    return Reply(200, {"data": _show(row)})


@route("POST /v2/notifications/get", OffsetRetrieveParams)
def retrieve(world: World, request: Request) -> Reply:
    return Reply(200, {"data": _show(_found(world, request.given))})


@route("POST /v2/notifications/offset/list", OffsetListParams)
def list_offsets(world: World, request: Request) -> Reply:
    """Newest last; archived ones only where asked for."""
    given = request.given
    wanted = given.get("archive_filter", "NOT_ARCHIVED")
    if isinstance(given.get("limit"), float) and given["limit"].is_integer():
        given["limit"] = int(given["limit"])

    def keep(row: Row) -> bool:
        return wanted == "ALL" or bool(row["archived_at"]) == (wanted == "ARCHIVED")

    rows = list(world.notifications.values())
    return Reply(200, body_page(request, rows, cursor="cursor", most=400, keep=keep, show=_show))


@route("POST /v2/notifications/archive", OffsetArchiveParams, writes=True)
def archive(world: World, request: Request) -> Reply:
    """Final; what is planned is not sent any more."""
    row = _found(world, request.given)
    if row["archived_at"]:
        if world.switches["second_archive"] == "refuse":
            raise ApiError(400, "Notification already archived", code=BAD, executed=True)
        return Reply(200, {"data": _show(row)})
    before = dict(row)
    row["archived_at"] = world.stamp()
    world.happened(request, resource=("notification", row["id"]), action="archive", before=before, after=row)
    return Reply(200, {"data": _show(row)})


@route("POST /v2/notifications/edit", OffsetEditParams, writes=True)
def edit(world: World, request: Request) -> Reply:
    """With an id, a new offset for that notification; without one, a type is switched on or off."""
    given, policy = request.given, request.given["policy"]
    if "id" not in given:
        return _switch(world, request)
    row = _found(world, given, status=400)
    if row["archived_at"]:
        raise ApiError(400, "Notification already archived", code=BAD, executed=True)
    if "is_enabled" in given:
        raise ApiError(400, "is_enabled is only supported by system notifications", code=BAD)
    if policy["type"] != row["policy"]["type"]:
        raise ApiError(400, f"policy.type must be {row['policy']['type']}", code=BAD)
    if "offset" not in policy:
        raise ApiError(400, "policy.offset is required", code=BAD)
    offsets.check(world, policy)
    before = dict(row)
    row["policy"] = policy
    offsets.begin(world, row)
    world.happened(request, resource=("notification", row["id"]), action="edit", before=before, after=row)
    return Reply(200, {"data": _show(row)})


def _switch(world: World, request: Request) -> Reply:
    given, kind = request.given, request.given["policy"]["type"]
    if kind not in TYPES:
        raise ApiError(400, f"policy.type must be one of {', '.join(TYPES)}", code=BAD)
    if "offset" in given["policy"]:
        raise ApiError(400, "id is required for an offset notification", code=BAD)
    before = _system(world, kind)
    if "is_enabled" in given:
        world.system_notifications[kind] = given["is_enabled"]
    after = _system(world, kind)
    world.happened(request, resource=("system_notification", kind), action="edit", before=before, after=after)
    return Reply(200, {"data": after})


def _system(world: World, kind: str) -> Row:
    return {
        "type": "SYSTEM_LIFECYCLE_EVENT",
        "policy": {"type": kind},
        "is_enabled": world.system_notifications.get(kind, False),
    }


@route("POST /v2/notifications/system/list")
def list_systems(world: World, _request: Request) -> Reply:
    """All of them, on or off."""
    return Reply(200, {"data": [_system(world, kind) for kind in TYPES], "cursor": None})
