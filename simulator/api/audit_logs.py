"""GET /v1/auditLogs: reference §5. `next_page` is always there, an empty page means "nothing yet"."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from simulator.checks import moment_of, rfc3339
from simulator.http import ApiError, Reply, Request
from simulator.paging import decode, encode, limit_of
from simulator.routing import route
from simulator.world import World

FILTERS = ("starting_on", "ending_before", "resource_type", "resource_id", "sort")


@route("GET /v1/auditLogs")
def list_audit_logs(world: World, request: Request) -> Reply:
    """Rows in time order. A token remembers its filters, so it travels without the dates."""
    query = request.query
    limit = limit_of(query.get("limit"), most=100, default=100)
    if token := query.get("next_page"):
        if "starting_on" in query or "ending_before" in query:
            raise ApiError(400, "next_page cannot be combined with starting_on or ending_before")
        cursor, _, encoded = token.partition("~")
        wanted = _unpack(encoded)
        position = decode(cursor, ["auditLogs", wanted])
    else:
        if ("resource_type" in query) != ("resource_id" in query):
            raise ApiError(400, "resource_type and resource_id must be given together")
        wanted = {name: query[name] for name in FILTERS if name in query}
        for name in ("starting_on", "ending_before"):
            if name in wanted:
                wanted[name] = rfc3339(moment_of(wanted[name], name))
        if wanted.get("sort", "date_asc") not in ("date_asc", "date_desc"):
            raise ApiError(400, "sort must be date_asc or date_desc")
        position = None
    rows = world.audit_log
    if wanted.get("sort") == "date_desc":
        rows = rows[::-1]
        position = position or 0
    elif position is None:
        position = bisect_left(rows, wanted.get("starting_on", ""), key=lambda row: row["timestamp"])
    shown: list[dict[str, Any]] = []
    while position < len(rows) and len(shown) < limit:
        row = rows[position]
        position += 1
        if _keep(row, wanted):
            shown.append(row)
    token = f"{encode(position, ['auditLogs', wanted])}~{_pack(wanted)}"
    return Reply(200, {"data": shown, "next_page": token})


def _keep(row: dict[str, Any], wanted: dict[str, str]) -> bool:
    if wanted.get("starting_on", "") > row["timestamp"]:
        return False
    if "ending_before" in wanted and row["timestamp"] >= wanted["ending_before"]:
        return False
    return "resource_id" not in wanted or (
        row["resource_type"] == wanted["resource_type"] and row["resource_id"] == wanted["resource_id"]
    )


def _pack(wanted: dict[str, str]) -> str:
    return "|".join(f"{name}={wanted[name]}" for name in FILTERS if name in wanted)


def _unpack(encoded: str) -> dict[str, str]:
    try:
        return dict(part.split("=", 1) for part in encoded.split("|") if part)
    except ValueError:
        raise ApiError(400, "Invalid next_page token") from None
