"""From a request to an answer: token, route, idempotency, the work, and the fault that was ordered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from simulator import agenda, idempotency
from simulator.control import control
from simulator.faults import Fault, Faults
from simulator.http import ApiError, Reply, Request, Token
from simulator.routes import ROUTER
from simulator.seed import seeded
from simulator.world import World

HTML = b"<!doctype html><title>Service</title><p>Everything is fine.</p>"


@dataclass(slots=True)
class Answer:
    """A reply and how it travels: whole, dribbled, or not at all."""

    reply: Reply
    manner: str = "whole"
    seconds: float = 0.0


@dataclass
class Service:
    """All accounts behind one address."""

    tokens: dict[str, Token]
    make_world: Callable[[], World] = field(default=lambda: seeded())
    latency_seconds: float = 0.0
    rate: float = 0.0

    def __post_init__(self) -> None:
        self.worlds: dict[str, World] = {"main": self.make_world()}
        self.faults = Faults()
        self.counts: Counter[str] = Counter()
        self.recent: deque[dict[str, Any]] = deque(maxlen=200)
        self._bucket, self._filled = self.rate, time.monotonic()

    def world(self, account: str) -> World:
        """The world of an account; one that is not the seeded one begins empty."""
        return self.worlds.setdefault(account, World(seed=len(account)))

    async def answer(self, request: Request) -> Answer:
        """Work one request. Never raises."""
        if request.path.startswith("/_sim/"):
            try:
                return Answer(control(self, request))
            except ApiError as refusal:
                return Answer(refusal.reply())
        answer = await self._answer(request)
        self.counts[request.route or "unknown"] += 1
        self.recent.append(
            {
                "method": request.method,
                "path": request.path,
                "status": answer.reply.status,
                "manner": answer.manner,
                "request_id": request.request_id,
                "user_agent": request.user_agent,
                "idempotency_key": request.headers.get("idempotency-key"),
            }
        )
        return answer

    async def _answer(self, request: Request) -> Answer:
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        try:
            return await self._work(request)
        except ApiError as refusal:
            return Answer(refusal.reply())

    async def _work(self, request: Request) -> Answer:
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
        fault = self.faults.strike(route.name)
        if fault is not None and fault.kind == "status_before" and fault.status != 500:
            return Answer(_failure(fault))
        if fault is not None and fault.kind == "drop_before":
            return Answer(Reply(), "drop")
        self._limit()
        request.body = _json(request)
        route.read(request)
        world = self.world(known.account)
        agenda.catch_up(world)
        if (replay := idempotency.stored(world, request)) is not None:
            return _travel(replay, fault)
        idempotency.begin(world, request)
        reply: Reply | None = None
        try:
            if fault is not None and fault.kind == "status_before":
                reply = _failure(fault)
                return Answer(reply)
            if fault is not None and fault.kind == "hang_before":
                await asyncio.sleep(fault.seconds)
            try:
                reply = route.handler(world, request)
            except ApiError as refusal:
                if refusal.executed:
                    reply = refusal.reply()
                raise
        finally:
            idempotency.finish(world, request, reply)
        if fault is not None and fault.kind == "hang_after":
            await asyncio.sleep(fault.seconds)
        return _travel(reply, fault)

    def _limit(self) -> None:
        if not self.rate:
            return
        now = time.monotonic()
        self._bucket = min(self.rate, self._bucket + (now - self._filled) * self.rate)
        self._filled = now
        if self._bucket < 1:
            raise ApiError(429, "Rate limit exceeded")
        self._bucket -= 1


def _json(request: Request) -> Any:
    if not request.raw:
        return None
    try:
        return orjson.loads(request.raw)
    except orjson.JSONDecodeError:
        raise ApiError(400, "Request body is not valid JSON") from None


def _failure(fault: Fault) -> Reply:
    return Reply(fault.status, {"message": fault.message}, dict(fault.headers or {}))


def _travel(reply: Reply, fault: Fault | None) -> Answer:
    if fault is None or fault.kind in ("hang_before", "hang_after", "status_before"):
        return Answer(reply)
    if fault.kind == "status_after":
        return Answer(_failure(fault))
    if fault.kind == "drop_after":
        return Answer(reply, "drop")
    if fault.kind == "empty_object":
        return Answer(Reply(200, {}))
    if fault.kind == "html":
        return Answer(Reply(200, content=HTML, content_type="text/html"))
    if fault.kind == "truncated":
        whole = reply.payload() or b'{"data":null}'
        return Answer(Reply(reply.status, content=whole[: len(whole) // 2]))
    return Answer(reply, fault.kind, fault.seconds)
