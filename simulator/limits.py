"""Rate limits: one token bucket for an account, for a family of routes and for a target customer.

Reference §1.3: the real limits are account-wide and by family of endpoints, their numbers are not public.
Nothing is limited until somebody sets a rate.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.damage import too_many
from simulator.http import Reply, Request
from simulator.routing import Route

MOST_BUCKETS = 10_000


@dataclass
class Limits:
    """Requests a second; 0 is no limit. A bucket holds one second's worth, at least one request."""

    account: float = 0.0
    families: dict[str, float] = field(default_factory=dict)
    customer: float = 0.0
    retry_after: float | None = None
    clock: Callable[[], float] = time.monotonic
    refused: int = 0
    _buckets: OrderedDict[tuple[str, ...], list[float]] = field(default_factory=OrderedDict)

    def set(
        self, *, account: float, families: dict[str, float], customer: float, retry_after: float | None
    ) -> None:
        """Other rates, and every bucket full."""
        self.account, self.families, self.customer = account, families, customer
        self.retry_after = retry_after
        self._buckets.clear()

    def refusal(self, route: Route, request: Request) -> Reply | None:
        """The documented 429, or None and the request counts. One that is refused counts nowhere."""
        account = request.token.account
        wanted = [("client", (account,), self.account)]
        wanted.append(("client", (account, route.family), self.families.get(route.family, 0.0)))
        if self.customer and (target := _target(request)):
            wanted.append(("customer", (account, "customer", target), self.customer))
        buckets = []
        for limit_type, name, rate in wanted:
            if rate <= 0:
                continue
            bucket = self._filled(name, rate)
            if bucket[0] < 1:
                self.refused += 1
                return too_many(limit_type, self.retry_after)
            buckets.append(bucket)
        for bucket in buckets:
            bucket[0] -= 1
        return None

    def _filled(self, name: tuple[str, ...], rate: float) -> list[float]:
        now, room = self.clock(), max(rate, 1.0)
        bucket = self._buckets.setdefault(name, [room, now])
        bucket[:] = [min(room, bucket[0] + (now - bucket[1]) * rate), now]
        self._buckets.move_to_end(name)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket


def _target(request: Request) -> str | None:
    """The customer that a request is about, by its path or its body."""
    if target := request.ids.get("customer_id"):
        return target
    target = request.body.get("customer_id") if isinstance(request.body, dict) else None
    return target[:100] if isinstance(target, str) else None
