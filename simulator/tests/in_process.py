"""The simulator without a process: for what HTTP has no part in."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from simulator.damage import Answer
from simulator.http import Reply, Request, Token
from simulator.limits import Limits
from simulator.seed import seeded
from simulator.service import Service


class Inside:
    """A service with a small world, asked directly."""

    def __init__(self, *, customers: int = 6, seed: int = 7, limits: Limits | None = None) -> None:
        self.service = Service(
            {"ours": Token("main", "Ours"), "theirs": Token("other", "Theirs")},
            make_world=lambda: seeded(customers=customers, plans=2, seed=seed),
            limits=limits or Limits(),
        )
        self.world = self.service.worlds["main"]

    def request(
        self, name: str, body: Any = None, *, key: str = "", token: str = "ours", **query: str
    ) -> Request:
        method, path = name.split(" ")
        headers = {"authorization": f"Bearer {token}"} | ({"idempotency-key": key} if key else {})
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        return Request(method, path, query, headers, raw, "request-1")

    def answer(self, name: str, body: Any = None, **options: str) -> Answer:
        """One request: `answer("POST /v1/customers", {...}, key="k")`; other options are the query."""
        return asyncio.run(self.service.answer(self.request(name, body, **options)))

    def carried(self, request: Request) -> Reply:
        """The reply to a request that was made by hand."""
        return asyncio.run(self.service.answer(request)).reply

    def ask(self, name: str, body: Any = None, **options: str) -> tuple[int, Any]:
        """Status and JSON of one request."""
        reply = self.answer(name, body, **options).reply
        content = reply.payload()
        return reply.status, orjson.loads(content) if content else None

    def fault(self, route: str, kind: str, **options: Any) -> int:
        status, made = self.ask("POST /_sim/faults", {"route": route, "kind": kind, **options})
        assert status == 200, made
        return made["data"]["id"]
