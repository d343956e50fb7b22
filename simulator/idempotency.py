"""The Idempotency-Key store: reference §1.5. Same params replay the stored answer, others are a 409.

Simulator-chosen: answers are kept for 24 hours of the account's clock, at most 20,000 of them, of which the
oldest go first; a key belongs to its token; two bodies with the same JSON are the same params.
"""

from __future__ import annotations

import hashlib
from itertools import islice

import orjson

from simulator import agenda
from simulator.http import ApiError, Reply, Request
from simulator.world import Row, World

HOURS = 24
MOST = 20_000


def _params(request: Request) -> str:
    body = orjson.dumps(request.body, option=orjson.OPT_SORT_KEYS)
    query = orjson.dumps(request.query, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(b"\n".join([request.path.encode(), query, body])).hexdigest()


def _slot(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    return f"{request.token.name} {key}" if key and request.method == "POST" else None


def stored(world: World, request: Request) -> Reply | None:
    """The stored answer, byte for byte. Raises ApiError 409 for changed params or one still running."""
    slot = _slot(request)
    kept: Row | None = world.answers.get(slot) if slot else None
    if kept is None or _has_expired(kept, _oldest(world)):
        return None
    if kept["params"] != _params(request):
        raise ApiError(409, "Idempotency-Key was already used with different parameters")
    if kept["status"] is None:
        raise ApiError(409, "A request with this Idempotency-Key is still running")
    return Reply(kept["status"], content=kept["text"].encode())


def begin(world: World, request: Request) -> None:
    """Note that a request with this key is running."""
    if slot := _slot(request):
        world.answers.pop(slot, None)
        _make_room(world)
        world.answers[slot] = {
            "at": world.stamp(),
            "params": _params(request),
            "status": None,
            "text": "",
        }


def finish(world: World, request: Request, reply: Reply | None) -> None:
    """Store the answer, or forget the request: it never began (None), or the switch forgets a 5xx."""
    slot = _slot(request)
    if slot is None or slot not in world.answers:
        return
    if reply is None or (reply.status >= 500 and world.switches["stored_5xx"] == "forget"):
        del world.answers[slot]
    else:
        world.answers[slot] |= {"status": reply.status, "text": reply.payload().decode()}


def _oldest(world: World) -> str:
    """What was stored then, or before, has expired."""
    return agenda.later(world.stamp(), hours=-HOURS)


def _has_expired(kept: Row, oldest: str) -> bool:
    return kept["status"] is not None and kept["at"] <= oldest


def _make_room(world: World) -> None:
    """Let go of what has expired and of the oldest; one that is still running stays."""
    oldest = _oldest(world)
    for slot, kept in list(islice(world.answers.items(), 8)):  # some go for each that comes
        if _has_expired(kept, oldest) or (len(world.answers) >= MOST and kept["status"] is not None):
            del world.answers[slot]
