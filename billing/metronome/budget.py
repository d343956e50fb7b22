"""The shared request budget: one bucket in Redis, on Redis' own clock, for every process and class.

Writes may take the last token; reads only above a floor, so that a write never waits behind a refresh. Rounds
through all customers have a higher one: they wait for both.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Literal

import redis

Kind = Literal["write", "read", "round"]

BUCKET = "countersign:budget"
BURST = 3.0
FLOORS: dict[str, float] = {"write": 0.0, "read": 0.5, "round": 1.5}
REDIS_TIMEOUT = 0.3
SLOWEST = 0.125
"""After a 429 the rate halves, down to this share; it doubles back every minute without one."""

TAKE = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local rate, burst, floor = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'share', 'slowed_at')
local tokens, at = tonumber(held[1] or 0), tonumber(held[2] or now)
local share, slowed_at = tonumber(held[3] or 1), tonumber(held[4] or now)
if share < 1 and now - slowed_at >= 60 then
  share = math.min(1, share * 2)
  slowed_at = now
end
tokens = math.min(burst, tokens + math.max(0, now - at) * rate * share)
local wait = 0
local held_for = tonumber(redis.call('HGET', KEYS[1], 'held_until') or 0) - now
if held_for > 0 then
  return {tostring(held_for), 'held'}
end
if tokens >= 1 + floor then
  tokens = tokens - 1
  redis.call('HINCRBY', KEYS[1], 'taken_' .. ARGV[4], 1)
else
  wait = (1 + floor - tokens) / (rate * share)
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', now),
           'share', tostring(share), 'slowed_at', string.format('%.6f', slowed_at), 'rate', ARGV[1])
redis.call('EXPIRE', KEYS[1], 3600)
return {tostring(wait), ''}
"""

SLOW_DOWN = """
local clock = redis.call('TIME')
local share = math.max(tonumber(ARGV[1]), tonumber(redis.call('HGET', KEYS[1], 'share') or 1) / 2)
redis.call('HSET', KEYS[1], 'share', tostring(share), 'slowed_at', clock[1], 'tokens', '0')
return tostring(share)
"""

HOLD = """
local clock = redis.call('TIME')
local until_then = clock[1] + clock[2] / 1000000 + tonumber(ARGV[1])
if until_then > tonumber(redis.call('HGET', KEYS[1], 'held_until') or 0) then
  redis.call('HSET', KEYS[1], 'held_until', string.format('%.6f', until_then))
  redis.call('EXPIRE', KEYS[1], 3600)
end
"""


class BudgetExhausted(Exception):
    """No token came free within the time the caller would wait; one may after `wait_seconds`."""

    def __init__(self, message: str, wait_seconds: float) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class BudgetUnavailable(Exception):
    """Redis can't be asked; reads stop until it is back."""


class Budget:
    """Takes tokens for requests. Safe to share between threads."""

    def __init__(self, redis_url: str, requests_per_second: float) -> None:
        self.requests_per_second = requests_per_second
        self._redis = redis.Redis.from_url(
            redis_url,
            socket_timeout=REDIS_TIMEOUT,
            socket_connect_timeout=REDIS_TIMEOUT,
            decode_responses=True,
        )
        self._take = self._redis.register_script(TAKE)
        self._slow_down = self._redis.register_script(SLOW_DOWN)
        self._hold = self._redis.register_script(HOLD)
        self._pace = threading.Lock()
        self._next_unpaced = 0.0

    def take(self, kind: Kind, *, timeout_seconds: float) -> None:
        """Wait for one token. The bucket starts empty, holds 3, and fills at the configured rate.

        Raises BudgetExhausted after timeout_seconds. With Redis away a write paces itself at one a second
        in this process; a read raises BudgetUnavailable.
        """
        until = time.monotonic() + timeout_seconds
        while True:
            try:
                answer, held = self._take(
                    keys=[BUCKET],
                    args=[self.requests_per_second, BURST, FLOORS[kind], kind],
                )
            except redis.RedisError as problem:
                if kind == "write":
                    self._pace_alone(until)
                    return
                raise BudgetUnavailable(
                    "Redis, which holds the request budget, does not answer."
                ) from problem
            wait = float(answer)
            if wait <= 0:
                return
            if time.monotonic() + wait > until:
                why = (
                    f"Metronome asked us to send nothing for another {wait:.0f} s."
                    if held
                    else "The request budget is used up by other traffic."
                )
                raise BudgetExhausted(why, wait)
            time.sleep(wait)

    def slow_down(self) -> None:
        """Metronome answered 429: halve the rate for everybody for a minute."""
        try:
            self._slow_down(keys=[BUCKET], args=[SLOWEST])
        except redis.RedisError:
            return  # the next request that Redis sees paces itself again

    def hold(self, seconds: float) -> None:
        """Metronome named a time to wait: nobody takes a token before it is over, for reads or for writes.

        Both share the account's one bucket, and nobody knows which of its limits was reached.
        """
        with self._pace:
            self._next_unpaced = max(self._next_unpaced, time.monotonic() + seconds)
        try:
            self._hold(keys=[BUCKET], args=[seconds])
        except redis.RedisError:
            return  # this process remembers it for its own writes

    def snapshot(self) -> dict[str, Any]:
        """`{tokens, rate, share, taken_write, taken_read}` for the System page; raises BudgetUnavailable."""
        try:
            held = self._redis.hgetall(BUCKET)
        except redis.RedisError as problem:
            raise BudgetUnavailable("Redis, which holds the request budget, does not answer.") from problem
        return {
            "tokens": float(held.get("tokens", 0)),
            "rate": self.requests_per_second,
            "share": float(held.get("share", 1)),
            "taken_write": int(held.get("taken_write", 0)),
            "taken_read": int(held.get("taken_read", 0)),
        }

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()

    def _pace_alone(self, until: float) -> None:
        with self._pace:
            wait = self._next_unpaced - time.monotonic()
            if wait > 0:
                if time.monotonic() + wait > until:
                    why = "Redis is away, and this process has just written or was asked to wait."
                    raise BudgetExhausted(why, wait)
                time.sleep(wait)
            self._next_unpaced = time.monotonic() + 1.0
