"""One account's whole state, in memory: everything a snapshot has to hold."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import orjson

from simulator.amounts import USD
from simulator.checks import moment_of, rfc3339
from simulator.http import ApiError, Request

Row = dict[str, Any]
SWITCHES = {
    "held_alias": ("refuse", "move"),
    "second_archive": ("refuse", "allow"),
    "overlapping_plans": ("allow", "refuse"),
    "stored_5xx": ("replay", "forget"),
    "resolved_alerts": ("quiet", "send"),
    "archived_plans": ("keep", "end"),
    "payments": ("pay", "fail", "wait", "error"),
    "unknown_customers": ("refuse", "not_found"),
    "archived_customers": ("take", "refuse"),
    "empty_names": ("take", "refuse"),
}


UUID_KEPT = 0xF000 << 64 | 0xC000 << 48  # the places of a UUID's version and variant
UUID_FIXED = 0x4000 << 64 | 0x8000 << 48


def copied(value: Any) -> Any:
    """A copy of JSON values that shares nothing with them."""
    return orjson.loads(orjson.dumps(value))


@dataclass
class World:
    """Objects are plain dictionaries in the API's own shapes, by id unless it says otherwise.

    Of effects, audit log rows and usage events at least the newest `keep` are kept, at most twice as many:
    memory has an end however long the process runs.
    """

    keep: ClassVar[int] = 50_000
    seed: int = 7
    # customers and plans (1.0)
    customers: dict[str, Row] = field(default_factory=dict)
    customer_order: list[str] = field(default_factory=list)
    alias_holder: dict[str, str] = field(default_factory=dict)
    plans: dict[str, Row] = field(default_factory=dict)
    customer_plans: dict[str, Row] = field(default_factory=dict)
    plans_of: dict[str, list[str]] = field(default_factory=dict)
    subscribers_of: dict[str, list[str]] = field(default_factory=dict)
    credit_grants: dict[str, Row] = field(default_factory=dict)
    # the catalogue (2.0)
    pricing_units: dict[str, Row] = field(default_factory=lambda: {USD["id"]: {**USD, "is_currency": True}})
    billable_metrics: dict[str, Row] = field(default_factory=dict)
    products: dict[str, Row] = field(default_factory=dict)
    rate_cards: dict[str, Row] = field(default_factory=dict)
    rates_of: dict[str, list[Row]] = field(default_factory=dict)  # by rate card
    packages: dict[str, Row] = field(default_factory=dict)
    named_schedules: dict[str, Row] = field(default_factory=dict)  # by "owner kind/owner id/name"
    # contracts and money
    contracts_of: dict[str, list[Row]] = field(default_factory=dict)  # by customer
    customer_of_contract: dict[str, str] = field(default_factory=dict)  # contract → customer
    edits_of: dict[str, list[Row]] = field(default_factory=dict)  # by contract, oldest first
    balances: dict[str, Row] = field(default_factory=dict)  # commits and credits, with their ledgers
    balances_of: dict[str, list[str]] = field(default_factory=dict)  # by customer
    invoices_of: dict[str, list[Row]] = field(default_factory=dict)  # by customer
    usage_of_invoice: dict[str, list[Row]] = field(default_factory=dict)  # {line, parts}, if made by hand
    issue_date_of: dict[str, str] = field(default_factory=dict)  # by draft, where it is not the usual one
    billing_configurations: dict[str, list[Row]] = field(default_factory=dict)  # by customer
    legacy_billing: dict[str, Row] = field(default_factory=dict)  # by "customer/provider"
    payment_gates: dict[str, Row] = field(default_factory=dict)  # by workflow, what waits for its payment
    billing_providers: list[Row] = field(default_factory=list)  # the account's delivery methods
    # usage: single events, the seeded amount a day, by customer and metric, and what was loaded
    events_by_name: dict[str, list[Row]] = field(default_factory=dict)  # by the alias or id that they name
    event_of_transaction: dict[str, Row] = field(default_factory=dict)
    events_received: int = 0  # ever
    daily_usage_of: dict[str, dict[str, float]] = field(default_factory=dict)
    loaded_usage: dict[str, dict[str, list[Row]]] = field(default_factory=dict)  # by customer and product
    as_loaded: dict[str, str] = field(default_factory=dict)  # by id: what came before isn't worked out anew
    approval_requests: dict[str, Row] = field(default_factory=dict)  # what agents asked a person for
    # fields, alerts, notifications, webhooks
    custom_field_keys: list[Row] = field(default_factory=list)
    alerts: dict[str, Row] = field(default_factory=dict)
    alert_states: dict[str, Row] = field(default_factory=dict)  # by "alert/customer"
    notifications: dict[str, Row] = field(default_factory=dict)
    system_notifications: dict[str, bool] = field(default_factory=dict)  # type → is on
    destinations: list[Row] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)
    notice_ids: list[str] = field(default_factory=list)  # of the newest notices, delivered ones too
    # the account's own books
    uniqueness_keys: dict[str, dict[str, str]] = field(default_factory=dict)  # namespace → key → id
    agenda: list[list[Any]] = field(default_factory=list)
    agenda_number: int = 0
    invoice_wakes: dict[str, str] = field(default_factory=dict)  # contract → when invoicing looks at it next
    audit_log: list[Row] = field(default_factory=list)
    audit_rows_forgotten: int = 0  # older than the first of audit_log
    effects: list[Row] = field(default_factory=list)
    answers: dict[str, Row] = field(default_factory=dict)
    clock: Row = field(default_factory=lambda: {"offset_seconds": 0.0, "frozen_at": None})
    trial_limit: int = 0  # active customers that the account may have; 0 is no limit
    switches: dict[str, str] = field(
        default_factory=lambda: {name: choices[0] for name, choices in SWITCHES.items()}
    )

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.moment: datetime | None = None  # set while the agenda carries something out

    def now(self) -> datetime:
        """The account's clock: real time plus an offset, or the instant at which it is frozen."""
        if self.moment is not None:
            return self.moment
        if self.clock["frozen_at"]:
            return moment_of(self.clock["frozen_at"], "frozen_at")
        return datetime.now(UTC) + timedelta(seconds=self.clock["offset_seconds"])

    def stamp(self) -> str:
        """The account's clock as RFC 3339."""
        return rfc3339(self.now())

    def new_id(self) -> str:
        """A random UUID from the seeded generator."""
        number = self.random.getrandbits(128) & ~UUID_KEPT | UUID_FIXED
        text = f"{number:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def claim(self, namespace: str, key: str | None, owner_id: str) -> None:
        """Take a uniqueness key. Raises ApiError 409 when it was used before; None claims nothing."""
        if key is None:
            return
        taken = self.uniqueness_keys.setdefault(namespace, {})
        if key in taken:
            raise ApiError(409, "This uniqueness key has already been used", executed=True)
        taken[key] = owner_id

    def refuse_claimed(self, namespace: str, key: str | None) -> None:
        """Raise the 409 of `claim` before anything is made."""
        if key is not None and key in self.uniqueness_keys.get(namespace, {}):
            raise ApiError(409, "This uniqueness key has already been used", executed=True)

    def happened(
        self,
        request: Request,
        *,
        resource: tuple[str, str],
        action: str,
        before: Any = None,
        after: Any = None,
    ) -> None:
        """Write one effect to the ledger and one row to the audit log; `resource` is (type, id)."""
        actor = {"id": str(uuid.uuid5(uuid.NAMESPACE_OID, request.token.name)), "name": request.token.name}
        self.effects.append(
            {
                "sequence": self.effects[-1]["sequence"] + 1 if self.effects else 1,
                "at": self.stamp(),
                "route": request.route,
                "resource_type": resource[0],
                "resource_id": resource[1],
                "action": action,
                "before": copied(before),
                "after": copied(after),
                "request_id": request.request_id,
                "user_agent": request.user_agent,
                "idempotency_key": request.headers.get("idempotency-key"),
                "actor": actor["name"],
            }
        )
        if len(self.effects) >= 2 * self.keep:
            del self.effects[: -self.keep]
        seen = {"id": request.request_id, "ip": "127.0.0.1", "user_agent": request.user_agent}
        self._log(seen, actor, resource, action)

    def happened_by_itself(self, resource: tuple[str, str], action: str) -> None:
        """Write what the system did (an invoice was finalized) to the audit log."""
        self._log({"id": self.new_id()}, {"id": str(uuid.UUID(int=0)), "name": "Metronome"}, resource, action)

    def _log(self, seen: Row, actor: Row, resource: tuple[str, str], action: str) -> None:
        self.audit_log.append(
            {
                "id": self.new_id(),
                "timestamp": self.stamp(),
                "request": seen,
                "actor": actor,
                "resource_type": resource[0],
                "resource_id": resource[1],
                "action": action,
                "description": f"{action} {resource[0]} {resource[1]}",
                "status": "success",
            }
        )
        if len(self.audit_log) >= 2 * self.keep:
            self.audit_rows_forgotten += len(self.audit_log) - self.keep
            del self.audit_log[: -self.keep]

    def snapshot(self) -> Row:
        """Everything, as JSON values."""
        state = {each.name: copied(getattr(self, each.name)) for each in fields(self)}
        version, numbers, gauss = self.random.getstate()
        return state | {"random": [version, list(numbers), gauss]}

    @classmethod
    def restore(cls, state: Row) -> World:
        """A world exactly as it was when the snapshot was taken. Raises ApiError 400 for something else."""
        known = {each.name for each in fields(cls)} | {"random"}
        if not isinstance(state, dict) or state.keys() != known:
            raise ApiError(400, "This is no snapshot of this version of the simulator")
        usual = cls()
        for name in known - {"random"}:
            if type(state[name]) is not type(getattr(usual, name)):
                raise ApiError(400, f"This is no snapshot: {name} is not what it should be")
        world = cls(**{name: copied(state[name]) for name in known - {"random"}})
        try:
            version, numbers, gauss = state["random"]
            world.random.setstate((version, tuple(numbers), gauss))
            world.now()
        except (TypeError, ValueError, KeyError, OverflowError):
            raise ApiError(
                400, "This is no snapshot: its random or its clock is not what it should be"
            ) from None
        return world
