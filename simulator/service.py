"""From a request to an answer: token, route, limits, idempotency, the work, and a fault that was ordered."""

from __future__ import annotations

import asyncio
import logging
import time

from simulator import agenda, damage, idempotency, unpriced
from simulator.accounts import Accounts
from simulator.checks import json_of
from simulator.damage import Answer
from simulator.faults import Fault
from simulator.http import ApiError, Reply, Request
from simulator.plane import commands, descriptions, dials, page, records
from simulator.plane.control import control
from simulator.routes import ROUTER
from simulator.routing import Route
from simulator.world import World

__all__ = [
    "Service",
    "commands",
    "descriptions",
    "dials",
    "page",
    "records",
]  # the latter register what the control plane answers
log = logging.getLogger("simulator")
SUBMIT = "POST /v1/approval_requests/submit"


class Service(Accounts):
    """What answers for all accounts."""

    async def answer(self, request: Request) -> Answer:
        """Work one request. Never raises; whatever nobody thought of is a 500 and goes to the log."""
        is_control = request.path == "/_sim" or request.path.startswith("/_sim/")
        began = time.perf_counter()
        try:
            answer = Answer(control(self, request)) if is_control else await self._work(request)
            answer.reply.content = answer.reply.payload()
        except ApiError as refusal:
            answer = Answer(refusal.reply())
        except Exception:
            log.exception("%s %s %r", request.method, request.path, request.raw[:2_000])
            answer = Answer(Reply(500, {"message": "Internal server error"}))
        if not is_control:
            self._count(request, answer, time.perf_counter() - began)
        return answer

    def _count(self, request: Request, answer: Answer, seconds: float) -> None:
        self.counts[request.route or "unknown"] += 1
        self.statuses[str(answer.reply.status) if answer.manner != "drop" else "dropped"] += 1
        self.recent.append(
            {
                "method": request.method,
                "path": request.path,
                "route": request.route or None,
                "status": answer.reply.status,
                "manner": answer.manner,
                "milliseconds": round(seconds * 1000, 3),
                "request_id": request.request_id,
                "user_agent": request.user_agent,
                "idempotency_key": request.headers.get("idempotency-key"),
            }
        )

    async def _work(self, request: Request) -> Answer:
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        route = self._routed(request)
        request.body = json_of(request.raw)
        if (refusal := self.limits.refusal(route, request)) is not None:
            return Answer(refusal)
        struck = self.faults.strike(route, request)
        fault = struck[0] if struck else None
        if fault is not None and (answer := damage.before(fault)) is not None:
            return answer
        route.read(request)
        world = self._world_for(request, fault)
        if (reply := idempotency.stored(world, request)) is None:
            reply = await self._carried_out(route, world, request, fault)
        reply = unpriced.tell(request, reply) if route.writes else reply
        if fault is not None and fault.kind == "hang_after":
            await asyncio.sleep(fault.seconds)
        return damage.after(reply, *struck) if struck else Answer(reply)

    def _routed(self, request: Request) -> Route:
        """The route of a request whose token may take it. Raises ApiError 401, 404 or 403."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        known = self.tokens.get(token) if scheme.lower() == "bearer" else None
        if known is None:
            raise ApiError(401, "Unauthorized")
        request.token = known
        found = ROUTER.match(request.method, request.path)
        if found is None:
            raise ApiError(404, "Not found")
        route, request.ids = found
        request.route = route.name
        if known.read_only and route.writes:
            raise ApiError(403, "This token may only read")
        if known.agentic and route.writes and route.name != SUBMIT:
            raise ApiError(403, f"Agentic Restricted: submit the request to {SUBMIT}")
        return route

    def _world_for(self, request: Request, fault: Fault | None) -> World:
        """The account as it is now, or as a stale read still sees it; a shifted page is noted."""
        account = request.token.account
        if fault is not None:
            request.shift = {"duplicated_rows": -1, "skipped_rows": 1}.get(fault.kind, 0)
            if fault.kind == "stale_read":
                past = self.past[fault.id] if fault.count != 0 else self.past.pop(fault.id)
                return past.get(account) or World(seed=len(account))
        world = self.world(account)
        agenda.catch_up(world)
        return world

    async def _carried_out(self, route: Route, world: World, request: Request, fault: Fault | None) -> Reply:
        """Do the work, noted under its Idempotency-Key from its beginning to its end."""
        idempotency.begin(world, request)
        reply: Reply | None = None
        try:
            if fault is not None and fault.kind == "status_before":
                reply = damage.failure(fault)
                return reply
            if fault is not None and fault.kind == "hang_before":
                await asyncio.sleep(fault.seconds)
            try:
                reply = route.handler(world, request)
            except ApiError as refusal:
                if refusal.executed:
                    reply = refusal.reply()
                raise
            return reply
        finally:
            idempotency.finish(world, request, reply)
