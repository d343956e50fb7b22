"""One account's whole state, in memory: everything a snapshot has to hold."""

from __future__ import annotations

import copy
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.checks import rfc3339
from simulator.http import Request


@dataclass(slots=True)
class Actor:
    """Who did something, as the audit log names them."""

    id: str
    name: str


@dataclass
class World:
    """Objects are plain dictionaries in the API's own shapes; `*_order` keeps the order of listing."""

    seed: int = 7
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    customer_order: list[str] = field(default_factory=list)
    alias_holder: dict[str, str] = field(default_factory=dict)
    plans: dict[str, dict[str, Any]] = field(default_factory=dict)
    customer_plans: dict[str, dict[str, Any]] = field(default_factory=dict)
    plans_of: dict[str, list[str]] = field(default_factory=dict)
    subscribers_of: dict[str, list[str]] = field(default_factory=dict)
    contracts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    invoices: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    billing_configurations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    custom_field_keys: list[dict[str, Any]] = field(default_factory=list)
    audit_log: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    clock_offset_seconds: float = 0.0
    switches: dict[str, Any] = field(
        default_factory=lambda: {"held_alias": "refuse", "second_archive": "refuse"}
    )

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def now(self) -> datetime:
        """The account's clock."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_offset_seconds)

    def new_id(self) -> str:
        """A random UUID from the seeded generator."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def happened(
        self, request: Request, *, route: str, resource: tuple[str, str], action: str, before: Any, after: Any
    ) -> None:
        """Write one effect to the ledger and one row to the audit log."""
        actor = Actor(str(uuid.uuid5(uuid.NAMESPACE_OID, request.token.name)), request.token.name)
        at = rfc3339(self.now())
        self.ledger.append(
            {
                "sequence": len(self.ledger) + 1,
                "at": at,
                "route": route,
                "resource_type": resource[0],
                "resource_id": resource[1],
                "action": action,
                "before": copy.deepcopy(before),
                "after": copy.deepcopy(after),
                "request_id": request.request_id,
                "user_agent": request.user_agent,
                "idempotency_key": request.headers.get("idempotency-key"),
                "actor": actor.name,
            }
        )
        self.audit_log.append(
            {
                "id": self.new_id(),
                "timestamp": at,
                "request": {"id": request.request_id, "ip": "127.0.0.1", "user_agent": request.user_agent},
                "actor": {"id": actor.id, "name": actor.name},
                "resource_type": resource[0],
                "resource_id": resource[1],
                "action": action,
                "description": f"{action} {resource[0]} {resource[1]}",
                "status": "success",
            }
        )

    STATE = (
        "seed",
        "customers",
        "customer_order",
        "alias_holder",
        "plans",
        "customer_plans",
        "plans_of",
        "subscribers_of",
        "contracts",
        "invoices",
        "billing_configurations",
        "custom_field_keys",
        "audit_log",
        "ledger",
        "answers",
        "clock_offset_seconds",
        "switches",
    )

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        state = {name: copy.deepcopy(getattr(self, name)) for name in self.STATE}
        version, numbers, gauss = self.random.getstate()
        return state | {"random": [version, list(numbers), gauss]}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> World:
        """A world exactly as it was when the snapshot was taken."""
        world = cls(**{name: copy.deepcopy(state[name]) for name in cls.STATE})
        version, numbers, gauss = state["random"]
        world.random.setstate((version, tuple(numbers), gauss))
        return world
