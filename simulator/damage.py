"""What a fault makes of an answer."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import orjson

from simulator.faults import Fault
from simulator.http import Reply

HTML = b"<!doctype html><title>Service</title><p>Everything is fine.</p>"


@dataclass(slots=True)
class Answer:
    """A reply and how it travels: whole, dribbled, cut off, or not at all ("drop")."""

    reply: Reply
    manner: str = "whole"
    seconds: float = 0.0


def failure(fault: Fault) -> Reply:
    """The status that was ordered."""
    return Reply(fault.status, {"message": fault.message}, dict(fault.headers or {}))


def too_many(limit_type: str, retry_after: float | None) -> Reply:
    """The documented 429; the real service sends no Retry-After as far as anybody knows."""
    headers = {"x-metronome-rate-limit-type": limit_type}
    if retry_after is not None:
        headers["retry-after"] = f"{retry_after:g}"
    return Reply(429, {"message": "Rate limit exceeded"}, headers)


def before(fault: Fault) -> Answer | None:
    """The answer of a fault that lets nothing happen; None for one that does.

    A 500 isn't one of them: the service may have begun, so it is stored under an Idempotency-Key.
    """
    if fault.kind == "status_before" and fault.status != 500:
        return Answer(failure(fault))
    if fault.kind == "rate_limited":
        return Answer(too_many(fault.limit_type, fault.retry_after))
    if fault.kind == "expired_cursor":
        return Answer(Reply(400, {"message": "Invalid next_page token"}))
    if fault.kind == "drop_before":
        return Answer(Reply(), "drop")
    return None


def after(reply: Reply, fault: Fault, dice: random.Random) -> Answer:
    """What the caller gets of a reply that is complete here."""
    whole = reply.payload()
    match fault.kind:
        case "status_after":
            return Answer(failure(fault))
        case "drop_after":
            return Answer(reply, "drop")
        case "empty_object":
            return Answer(Reply(200, {}))
        case "html":
            return Answer(Reply(200, content=HTML, content_type="text/html"))
        case "truncated":
            whole = whole or b'{"data":null}'
            return Answer(Reply(reply.status, content=whole[: len(whole) // 2]))
        case "malformed":
            return Answer(Reply(reply.status, content=(whole or b"{}")[:-1] + b",]"))
        case "unknown_fields":
            return Answer(_altered(reply, _with_strangers))
        case "missing_fields":
            return Answer(_altered(reply, lambda value: _without(value, fault.fields, dice)))
        case "cut_off" | "dribble_headers" | "dribble_body":
            return Answer(reply, fault.kind, fault.seconds)
    return Answer(reply)


def _altered(reply: Reply, change: Any) -> Reply:
    if reply.content_type != "application/json" or not (whole := reply.payload()):
        return reply
    return Reply(reply.status, change(orjson.loads(whole)), reply.headers)


def _with_strangers(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_strangers(each) for each in value]
    if isinstance(value, dict):
        return {name: _with_strangers(each) for name, each in value.items()} | {
            "added_since": {"reason": "a newer service", "parts": [1, None, "two"]}
        }
    return value


def _without(value: Any, fields: list[str] | None, dice: random.Random, depth: int = 0) -> Any:
    """Without the named members wherever they are, or without one of every object below the envelope."""
    if isinstance(value, list):
        return [_without(each, fields, dice, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value
    gone = set(fields or ())
    if not fields and depth and value:
        gone = {dice.choice(sorted(value))}
    return {name: _without(each, fields, dice, depth + 1) for name, each in value.items() if name not in gone}
