"""The Idempotency-Key store: reference §1.5. Same params replay the stored answer, others are a 409."""

from __future__ import annotations

import hashlib
from typing import Any

from simulator.http import ApiError, Reply, Request
from simulator.world import World


def _params(request: Request) -> str:
    return hashlib.sha256(
        b"\n".join([request.method.encode(), request.path.encode(), request.raw])
    ).hexdigest()


def _slot(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    return f"{request.token.name} {key}" if key and request.method == "POST" else None


def stored(world: World, request: Request) -> Reply | None:
    """The stored answer, if there is one. Raises ApiError 409 for changed params or one still running."""
    slot = _slot(request)
    kept: dict[str, Any] | None = world.answers.get(slot) if slot else None
    if kept is None:
        return None
    if kept["params"] != _params(request):
        raise ApiError(409, "Idempotency-Key was already used with different parameters")
    if kept["status"] is None:
        raise ApiError(409, "A request with this Idempotency-Key is still running")
    return Reply(kept["status"], kept["body"])


def begin(world: World, request: Request) -> None:
    """Note that a request with this key is running."""
    if slot := _slot(request):
        world.answers[slot] = {"params": _params(request), "status": None, "body": None}


def finish(world: World, request: Request, reply: Reply | None) -> None:
    """Store the answer, or forget the request where it never began (None)."""
    if slot := _slot(request):
        if reply is None:
            world.answers.pop(slot, None)
        else:
            world.answers[slot] |= {"status": reply.status, "body": reply.body}
