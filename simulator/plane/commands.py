"""Commands about what there is: worlds, books, and what somebody else does to them."""

from __future__ import annotations

from typing import Any, Required, TypedDict

import orjson

from simulator import agenda
from simulator.http import ApiError, Reply, Request, Token
from simulator.plane.control import Asked, command, within
from simulator.routes import ROUTER
from simulator.routing import NAMES, ROUTES
from simulator.seed import LIMITS, seeded
from simulator.world import Row, World

OUT_OF_BAND = {
    "create": "POST /v1/customers",
    "rename": "POST /v1/customers/{customer_id}/setName",
    "set_ingest_aliases": "POST /v1/customers/{customer_id}/setIngestAliases",
    "archive": "POST /v1/customers/archive",
}


@command("GET health")
def health(asked: Asked) -> Reply:
    return Reply(200, {"ok": True, "customers": len(asked.world.customers)})


class Seeding(TypedDict, total=False):
    """What simulator.seed.seeded takes."""

    customers: int
    plans: int
    contracts: float
    months: int
    churn: float
    seed: int


def checked_seeding(given: Row) -> Row:
    """Options of a seed within their bounds. Raises ApiError 400."""
    for name, value in given.items():
        within(name, value, *LIMITS[name])
    return given


@command("POST reset", Seeding)
def reset(asked: Asked) -> Reply:
    """All accounts as new, no faults, nothing counted; without options the world of the command line."""
    given = checked_seeding(asked.given)
    asked.service.begin_again({"main": seeded(**given) if given else asked.service.make_world()})
    return Reply(200, {"customers": len(asked.service.worlds["main"].customers)})


@command("POST seed", Seeding)
def seed(asked: Asked) -> Reply:
    """One account as new; faults, limits and counts stay."""
    asked.service.worlds[asked.account] = seeded(**checked_seeding(asked.given))
    return Reply(200, {"customers": len(asked.world.customers)})


@command("GET snapshot")
def snapshot(asked: Asked) -> Reply:
    return Reply(200, {name: world.snapshot() for name, world in asked.service.worlds.items()})


@command("POST restore", dict[str, Any])
def restore(asked: Asked) -> Reply:
    """All or nothing; a loaded account that isn't in the snapshot is forgotten."""
    worlds = worlds_of(asked.given)
    for name in asked.service.loaded - worlds.keys():
        asked.service.close(name)
    asked.service.worlds = worlds
    return Reply(200, {})


def worlds_of(state: Any) -> dict[str, World]:
    """The accounts of a snapshot. Raises ApiError 400 for anything else."""
    if not isinstance(state, dict) or "main" not in state:
        raise ApiError(400, "A snapshot is a JSON object of accounts, and main is one of them")
    return {name: World.restore(each) for name, each in state.items()}


@command("GET ledger")
def ledger(asked: Asked) -> Reply:
    """Every effect after the sequence number `since`."""
    since = asked.request.query.get("since", "0")
    if not (since.isascii() and since.isdigit() and len(since) < 16):
        raise ApiError(400, "since must be a sequence number")
    rows = asked.world.effects
    first = rows[0]["sequence"] if rows else 1
    return Reply(200, {"data": rows[max(0, int(since) - first + 1) :]})


@command("GET requests")
def requests(asked: Asked) -> Reply:
    service = asked.service
    return Reply(
        200,
        {
            "counts": dict(service.counts),
            "statuses": dict(service.statuses),
            "faults_struck": service.faults.struck,
            "rate_limited": service.limits.refused,
            "recent": list(service.recent),
        },
    )


@command("GET customer")
def customer(asked: Asked) -> Reply:
    """A customer by `id`, `alias` or exact `name`; null when nobody is."""
    world, query = asked.world, asked.request.query
    if "id" in query:
        found = world.customers.get(query["id"])
    elif "alias" in query:
        found = world.customers.get(world.alias_holder.get(query["alias"], ""))
    elif "name" in query:
        found = next((each for each in world.customers.values() if each["name"] == query["name"]), None)
    else:
        raise ApiError(400, "Say id, alias or name")
    return Reply(200, {"data": found})


class Change(TypedDict, total=False):
    what: Required[str]
    actor: str
    customer_id: str
    ids: dict[str, str]
    body: Any


@command("POST change", Change)
def change(asked: Asked) -> Reply:
    """Somebody else changes something. `what` is one of the short names or any route that writes."""
    given = asked.given
    name = OUT_OF_BAND.get(given["what"], given["what"])
    ids = {"customer_id": given.get("customer_id", ""), **given.get("ids", {})}
    body = given.get("body", {})
    if given["what"] == "archive" and "customer_id" in given and isinstance(body, dict):
        body = {"id": given["customer_id"], **body}
    return out_of_band(asked, name, ids, body, given.get("actor", "Somebody else"))


@command("GET approvals")
def approvals(asked: Asked) -> Reply:
    """What agents asked a person for, oldest first."""
    return Reply(200, {"data": list(asked.world.approval_requests.values())})


class Decision(TypedDict):
    approve: Required[bool]


@command("POST approvals/{id}", Decision)
def decide(asked: Asked) -> Reply:
    """A person approves what an agent asked for, and it is carried out; or rejects it. Raises ApiError."""
    row = asked.world.approval_requests.get(asked.request.ids["id"])
    if row is None or row["status"] != "pending":
        raise ApiError(404, "No such request waits for approval")
    answer = Reply(200, {})
    if asked.given["approve"]:
        found = ROUTER.match("POST", row["request_type"])
        if found is None or not found[0].writes:
            raise ApiError(400, f"{row['request_type']} is no operation that writes")
        answer = out_of_band(asked, found[0].name, found[1], row["request_payload"], "Agent, approved")
    row["status"] = "approved" if asked.given["approve"] else "rejected"
    return answer


def archive(asked: Asked, customer_id: str) -> Reply:
    """Somebody else archives a customer. Raises ApiError."""
    return out_of_band(asked, OUT_OF_BAND["archive"], {}, {"id": customer_id}, "Somebody else")


def realias(asked: Asked, customer_id: str, aliases: list[str]) -> Reply:
    """Somebody else replaces a customer's aliases. Raises ApiError."""
    ids, body = {"customer_id": customer_id}, {"ingest_aliases": aliases}
    return out_of_band(asked, OUT_OF_BAND["set_ingest_aliases"], ids, body, "Somebody else")


def rename(asked: Asked, customer_id: str, name: str) -> Reply:
    """Somebody else gives a customer another name. Raises ApiError."""
    ids = {"customer_id": customer_id}
    return out_of_band(asked, OUT_OF_BAND["rename"], ids, {"name": name}, "Somebody else")


def out_of_band(asked: Asked, name: str, ids: dict[str, str], body: Any, actor: str) -> Reply:
    """Carry out a route by its very own handler; no fault and no limit is in the way. Raises ApiError."""
    route = ROUTES.get(name)
    if route is None or not route.writes:
        raise ApiError(400, f"what must be a route that writes, or one of {', '.join(OUT_OF_BAND)}")
    if missing := [each for each in NAMES.findall(name) if not ids.get(each)]:
        raise ApiError(400, f"ids.{missing[0]} is required for {name}")
    other = Request(
        method=name.split(" ")[0],
        path=NAMES.sub(lambda found: ids[found[1]], name.split(" ")[1]),
        query={},
        headers={"user-agent": "Metronome app"},
        raw=orjson.dumps(body),
        request_id=asked.request.request_id,
        token=Token(asked.account, actor),
        body=body,
        ids=ids,
        route=name,
    )
    route.read(other)
    agenda.catch_up(asked.world)
    reply = route.handler(asked.world, other)
    return Reply(reply.status, {}) if reply.body is None and reply.content is None else reply
