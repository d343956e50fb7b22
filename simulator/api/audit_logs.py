"""GET /v1/auditLogs: reference §5. `next_page` is always there, an empty page means "nothing yet"."""

from __future__ import annotations

import base64
import binascii
import hashlib

import orjson
from metronome.types.v1.audit_log_list_params import AuditLogListParams

from simulator.http import ApiError, Reply, Request
from simulator.paging import limit_of
from simulator.routing import route
from simulator.world import Row, World

FILTERS = ("starting_on", "ending_before", "resource_type", "resource_id", "sort")


@route("GET /v1/auditLogs", AuditLogListParams)
def list_audit_logs(world: World, request: Request) -> Reply:
    """Rows in time order. A token remembers its filters, so it travels without the dates."""
    given = request.given
    limit = limit_of(given.get("limit"), most=100, default=100)
    if "next_page" in given:
        if "starting_on" in given or "ending_before" in given:
            raise ApiError(400, "next_page cannot be combined with starting_on or ending_before")
        position, wanted = _read(given["next_page"])
        if any(wanted.get(name) != given[name] for name in FILTERS if name in given):
            raise ApiError(400, "Invalid next_page token")
    else:
        if ("resource_type" in given) != ("resource_id" in given):
            raise ApiError(400, "resource_type and resource_id must be given together")
        wanted = {name: given[name] for name in FILTERS if name in given}
        position = world.audit_rows_forgotten
        position += len(world.audit_log) if wanted.get("sort") == "date_desc" else 0
    gone = world.audit_rows_forgotten
    shown, position = _page(world.audit_log, max(0, position - gone), wanted, limit)
    return Reply(200, {"data": shown, "next_page": _token(gone + position, wanted)})


def _page(rows: list[Row], position: int, wanted: Row, limit: int) -> tuple[list[Row], int]:
    """Rows from a position on, which counts the rows before it in both directions: new ones don't move it."""
    shown: list[Row] = []
    backwards = wanted.get("sort") == "date_desc"
    position = min(position, len(rows))
    while len(shown) < limit and (position > 0 if backwards else position < len(rows)):
        row = rows[position - 1 if backwards else position]
        position += -1 if backwards else 1
        if _keep(row, wanted):
            shown.append(row)
    return shown, position


def _keep(row: Row, wanted: Row) -> bool:
    if not wanted.get("starting_on", "") <= row["timestamp"] < wanted.get("ending_before", "9999"):
        return False
    return "resource_id" not in wanted or (
        (row["resource_type"], row["resource_id"]) == (wanted["resource_type"], wanted["resource_id"])
    )


def _token(position: int, wanted: Row) -> str:
    content = orjson.dumps([position, wanted])
    return base64.urlsafe_b64encode(_mark(content) + content).decode()


def _mark(content: bytes) -> bytes:
    """What tells a token of ours from one that somebody changed."""
    return hashlib.sha256(b"auditLogs " + content).digest()[:6]


def _read(token: str) -> tuple[int, Row]:
    """The position and filters of a token. Raises ApiError 400 for one that isn't ours."""
    try:
        decoded = base64.urlsafe_b64decode(token.encode())
        if decoded[:6] == _mark(decoded[6:]):
            position, wanted = orjson.loads(decoded[6:])
            return position, wanted
    except (ValueError, binascii.Error):
        pass
    raise ApiError(400, "Invalid next_page token")
