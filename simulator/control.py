"""The control plane under /_sim/: for tests and for a person who plays the other side of a demo. No token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.http import ApiError, Reply, Request, Token
from simulator.routing import ROUTES
from simulator.seed import seeded
from simulator.world import World

if TYPE_CHECKING:
    from simulator.service import Service

OUT_OF_BAND = {
    "create": "POST /v1/customers",
    "rename": "POST /v1/customers/{customer_id}/setName",
    "set_ingest_aliases": "POST /v1/customers/{customer_id}/setIngestAliases",
    "archive": "POST /v1/customers/archive",
}


def control(service: Service, request: Request) -> Reply:
    """Answer one request of the control plane."""
    import orjson

    fields: dict[str, Any] = orjson.loads(request.raw) if request.raw else {}
    world = service.world(request.query.get("account", "main"))
    match (request.method, request.path.removeprefix("/_sim/")):
        case ("GET", "health"):
            return Reply(200, {"ok": True, "customers": len(world.customers)})
        case ("POST", "reset"):
            service.worlds = {"main": seeded(**fields)}
            service.faults.clear()
            service.counts.clear()
            service.recent.clear()
            return Reply(200, {"customers": len(service.worlds["main"].customers)})
        case ("GET", "faults"):
            return Reply(200, {"data": [fault.as_json() for fault in service.faults.active]})
        case ("POST", "faults"):
            return Reply(200, {"data": service.faults.add(fields).as_json()})
        case ("DELETE", "faults"):
            service.faults.clear()
            return Reply(200, {})
        case ("GET", "ledger"):
            since = int(request.query.get("since", "0"))
            return Reply(200, {"data": world.ledger[since:]})
        case ("GET", "requests"):
            return Reply(200, {"counts": dict(service.counts), "recent": list(service.recent)})
        case ("GET", "customer"):
            return Reply(200, {"data": _customer(world, request.query)})
        case ("GET", "snapshot"):
            return Reply(200, {name: each.snapshot() for name, each in service.worlds.items()})
        case ("POST", "restore"):
            service.worlds = {name: World.restore(state) for name, state in fields.items()}
            return Reply(200, {})
        case ("POST", "switches"):
            world.switches.update(fields)
            return Reply(200, world.switches)
        case ("POST", "clock"):
            world.clock["offset_seconds"] = float(fields["offset_seconds"])
            return Reply(200, world.clock)
        case ("POST", "latency"):
            service.latency_seconds = float(fields["seconds"])
            return Reply(200, {"seconds": service.latency_seconds})
        case ("POST", "rate"):
            service.rate = float(fields["requests_per_second"])
            return Reply(200, {"requests_per_second": service.rate})
        case ("POST", "change"):
            return _out_of_band(world, request, fields)
    raise ApiError(404, "The control plane has no such address")


def _customer(world: World, query: dict[str, str]) -> dict[str, Any] | None:
    """A customer by `id`, `alias` or exact `name`; None when nobody is."""
    if "id" in query:
        return world.customers.get(query["id"])
    if "alias" in query:
        return world.customers.get(world.alias_holder.get(query["alias"], ""))
    return next((each for each in world.customers.values() if each["name"] == query.get("name")), None)


def _out_of_band(world: World, request: Request, fields: dict[str, Any]) -> Reply:
    """Somebody else changes something: `{what, actor, customer_id?, body}`, by the very same handlers.

    `what` is one of the short names, or any route that writes, with the ids of its path in `ids`.
    """
    name = OUT_OF_BAND.get(fields.get("what", ""), fields.get("what"))
    route = ROUTES.get(name)
    if route is None or not route.writes:
        raise ApiError(400, f"what must be a route that writes, or one of {', '.join(OUT_OF_BAND)}")
    other = Request(
        method=name.split(" ")[0],
        path=name.split(" ")[1],
        query={},
        headers={"user-agent": "Metronome app"},
        raw=b"",
        request_id=request.request_id,
        token=Token("main", fields.get("actor", "Somebody else")),
        body=fields.get("body", {}),
        ids={"customer_id": fields.get("customer_id", ""), **fields.get("ids", {})},
        route=name,
    )
    route.read(other)
    return route.handler(world, other)
