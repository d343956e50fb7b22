"""All accounts behind one address: their worlds, and what was asked of them and is to go wrong."""

from __future__ import annotations

import copy
import secrets
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.faults import Fault, Faults
from simulator.http import Token
from simulator.limits import Limits
from simulator.seed import seeded
from simulator.world import World


@dataclass
class Accounts:
    """All accounts behind one address."""

    tokens: dict[str, Token]
    make_world: Callable[[], World] = field(default=lambda: seeded())
    latency_seconds: float = 0.0
    limits: Limits = field(default_factory=Limits)
    worlds: dict[str, World] = field(default_factory=dict)
    control_token: str | None = None  # what the control plane asks for; None asks for nothing

    def __post_init__(self) -> None:
        self.worlds = self.worlds or {"main": self.make_world()}
        self.faults = Faults(self.worlds["main"].seed)
        self._number = 0
        self.loaded: set[str] = set()  # accounts that `open` made
        self.past: dict[int, dict[str, World]] = {}  # what a stale read shows, by its fault
        self.counts: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.recent: deque[dict[str, Any]] = deque(maxlen=200)

    def world(self, account: str) -> World:
        """The world of an account; one that is not the seeded one begins empty."""
        if account not in self.worlds:
            self.worlds[account] = World(seed=len(account))
        return self.worlds[account]

    def next_loaded(self) -> int:
        """A number that no loaded account has had."""
        self._number += 1
        return self._number

    def open(self, name: str, world: World) -> str:
        """Keep a world as an account of its own; the token that opens it, and nothing else does."""
        self.worlds[name] = world
        token = secrets.token_urlsafe(24)
        self.tokens[token] = Token(name, "Loaded account")
        self.loaded.add(name)
        return token

    def close(self, name: str) -> None:
        """Forget a loaded account and its tokens."""
        self.worlds.pop(name, None)
        self.loaded.discard(name)
        for token in [token for token, each in self.tokens.items() if each.account == name]:
            del self.tokens[token]

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts that there are or that a token opens."""
        return frozenset(self.worlds) | {token.account for token in self.tokens.values()}

    def begin_again(self, worlds: dict[str, World]) -> None:
        """Other worlds; no faults, and nothing was ever asked. What was loaded is gone."""
        for name in list(self.loaded):
            self.close(name)
        self.worlds = worlds
        self.faults = Faults(worlds["main"].seed)
        self.past.clear()
        self.counts.clear()
        self.statuses.clear()
        self.recent.clear()

    def clear_faults(self) -> None:
        """No faults any more, and nothing that they kept."""
        self.faults.clear()
        self.past.clear()

    def order_fault(self, wanted: Any) -> Fault:
        """Set a fault; a stale read keeps what it is to show. Raises ApiError 400."""
        fault = self.faults.add(wanted)
        if fault.kind == "stale_read":
            self.past[fault.id] = copy.deepcopy(self.worlds)
        return fault
