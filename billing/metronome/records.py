"""Metronome's objects as frozen dataclasses, made from raw JSON. A wrong shape raises ValueError.

JSON numbers arrive as Decimal or int, never as float. Times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from billing.metronome.outcomes import ReadFailed, storable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OddRow:
    """A row that can't be read: its id as far as it says one, else empty, and what is wrong with it."""

    id: str
    why: str
    source: Any = field(repr=False, compare=False, default=None)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `next_cursor` None is the last. `odd`: its rows that are no items."""

    items: tuple[T, ...]
    next_cursor: str | None
    odd: tuple[OddRow, ...] = ()

    def whole(self) -> Page[T]:
        """This page, for who must not overlook a row. Raises ReadFailed, naming it, when one is odd."""
        if self.odd:
            first = self.odd[0]
            name = first.id or "without an id"
            raise ReadFailed(f"Metronome’s list holds a record that can’t be read ({name}): {first.why}.")
        return self


def _text(source: dict[str, Any], key: str) -> str:
    value = source[key]
    if not isinstance(value, str):
        raise ValueError(f"{key} is not text")
    return value


def _optional_text(source: dict[str, Any], key: str) -> str | None:
    value = source.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is not text")
    return value


def _id(source: dict[str, Any], key: str = "id") -> str:
    return str(UUID(_text(source, key)))


def _when(source: dict[str, Any], key: str) -> datetime | None:
    text = _optional_text(source, key)
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{key} has no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as problem:
        raise ValueError(f"{key} is out of range") from problem


def _must_when(source: dict[str, Any], key: str) -> datetime:
    moment = _when(source, key)
    if moment is None:
        raise ValueError(f"{key} is missing")
    return moment


def _texts(source: dict[str, Any], key: str) -> dict[str, str]:
    value = source.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise ValueError(f"{key} is not a map of texts")
    return value


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """A customer as the list and the detail route give it (reference §3.1, CustomerDetail)."""

    id: str
    name: str
    external_id: str | None
    ingest_aliases: tuple[str, ...]
    custom_fields: dict[str, str]
    created_at: datetime | None
    updated_at: datetime | None
    archived_at: datetime | None
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> CustomerRecord:
        aliases = source["ingest_aliases"]
        if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
            raise ValueError("ingest_aliases is not a list of texts")
        return cls(
            id=_id(source),
            name=_text(source, "name"),
            external_id=_optional_text(source, "external_id"),
            ingest_aliases=tuple(aliases),
            custom_fields=_texts(source, "custom_fields"),
            created_at=_when(source, "created_at"),
            updated_at=_when(source, "updated_at"),
            archived_at=_when(source, "archived_at"),
            raw=source,
        )

    def as_snapshot(self) -> dict[str, Any]:
        """The fields that a change request freezes, as JSON values; aliases sorted, since they are a set.

        What PostgreSQL can't hold is replaced, exactly as the mirror does.
        """
        return {
            "id": self.id,
            "name": storable(self.name),
            "ingest_aliases": sorted(storable(alias) for alias in self.ingest_aliases),
            "custom_fields": {storable(key): storable(value) for key, value in self.custom_fields.items()},
            "archived_at": self.archived_at.isoformat() if self.archived_at else None,
        }


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A plan (reference §3.2)."""

    id: str
    name: str
    description: str
    custom_fields: dict[str, str]
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> PlanRecord:
        return cls(
            id=_id(source),
            name=_text(source, "name"),
            description=_optional_text(source, "description") or "",
            custom_fields=_texts(source, "custom_fields"),
            raw=source,
        )


@dataclass(frozen=True, slots=True)
class CustomerPlanRecord:
    """A customer's subscription to a plan; `id` is the customer_plan_id, `ending_before` is exclusive."""

    id: str
    customer_id: str
    plan_id: str
    plan_name: str
    starting_on: datetime
    ending_before: datetime | None
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    def is_open(self, at: datetime) -> bool:
        """Not over yet."""
        return self.ending_before is None or self.ending_before > at

    @classmethod
    def from_customer_list(cls, customer_id: str, source: dict[str, Any]) -> CustomerPlanRecord:
        """From GET /v1/customers/{id}/plans."""
        return cls(
            id=_id(source),
            customer_id=customer_id,
            plan_id=_id(source, "plan_id"),
            plan_name=_text(source, "plan_name"),
            starting_on=_must_when(source, "starting_on"),
            ending_before=_when(source, "ending_before"),
            raw=source,
        )

    @classmethod
    def from_plan_list(cls, customer_id: str, source: dict[str, Any]) -> CustomerPlanRecord:
        """From `plan_details` of GET /v1/planDetails/{id}/customers."""
        return cls(
            id=_id(source, "customer_plan_id"),
            customer_id=customer_id,
            plan_id=_id(source),
            plan_name=_text(source, "name"),
            starting_on=_must_when(source, "starting_on"),
            ending_before=_when(source, "ending_before"),
            raw=source,
        )


@dataclass(frozen=True, slots=True)
class CustomFieldKeyRecord:
    """A custom field key that exists for an entity."""

    entity: str
    key: str
    enforce_uniqueness: bool

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> CustomFieldKeyRecord:
        if not isinstance(source["enforce_uniqueness"], bool):
            raise ValueError("enforce_uniqueness is not true or false")
        return cls(_text(source, "entity"), _text(source, "key"), source["enforce_uniqueness"])


@dataclass(frozen=True, slots=True)
class ContractRecord:
    """A contract as POST /v2/contracts/list gives it. It has no status: open means not archived, not over."""

    id: str
    customer_id: str
    name: str | None
    starting_at: datetime
    ending_before: datetime | None
    archived_at: datetime | None
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> ContractRecord:
        return cls(
            id=_id(source),
            customer_id=_id(source, "customer_id"),
            name=_optional_text(source, "name"),
            starting_at=_must_when(source, "starting_at"),
            ending_before=_when(source, "ending_before"),
            archived_at=_when(source, "archived_at"),
            raw=source,
        )

    def is_open(self, at: datetime) -> bool:
        """Not archived and not over; one that starts later is open too, since archiving ends it as well."""
        return self.archived_at is None and (self.ending_before is None or self.ending_before > at)


@dataclass(frozen=True, slots=True)
class InvoiceRecord:
    """An invoice. `total` is in `currency`, the pricing unit's name; only "USD (cents)" counts cents."""

    id: str
    customer_id: str
    status: str
    type: str
    total: Decimal
    currency: str
    contract_id: str | None
    start_timestamp: datetime | None
    end_timestamp: datetime | None
    issued_at: datetime | None
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @property
    def is_finalized(self) -> bool:
        """Whether it is on its way to the customer, or there."""
        return self.status.upper() == "FINALIZED"

    @property
    def is_draft(self) -> bool:
        """Whether it still grows."""
        return self.status.upper() == "DRAFT"

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> InvoiceRecord:
        total = source["total"]
        if isinstance(total, bool) or not isinstance(total, int | Decimal):
            raise ValueError("total is not a number")
        return cls(
            id=_id(source),
            customer_id=_id(source, "customer_id"),
            status=_text(source, "status"),
            type=_text(source, "type"),
            total=Decimal(total),
            currency=_text(source["credit_type"], "name"),
            contract_id=_optional_text(source, "contract_id"),
            start_timestamp=_when(source, "start_timestamp"),
            end_timestamp=_when(source, "end_timestamp"),
            issued_at=_when(source, "issued_at"),
            raw=source,
        )


@dataclass(frozen=True, slots=True)
class AuditLogRecord:
    """A row of Metronome's own audit log (reference §5). Everything but id and timestamp may be absent."""

    id: str
    timestamp: datetime
    request_id: str | None
    user_agent: str | None
    actor_id: str | None
    actor_name: str | None
    resource_type: str | None
    resource_id: str | None
    action: str | None
    description: str | None
    status: str | None
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> AuditLogRecord:
        request, actor = source.get("request") or {}, source.get("actor") or {}
        return cls(
            id=_text(source, "id"),
            timestamp=_must_when(source, "timestamp"),
            request_id=_optional_text(request, "id"),
            user_agent=_optional_text(request, "user_agent"),
            actor_id=_optional_text(actor, "id"),
            actor_name=_optional_text(actor, "name"),
            resource_type=_optional_text(source, "resource_type"),
            resource_id=_optional_text(source, "resource_id"),
            action=_optional_text(source, "action"),
            description=_optional_text(source, "description"),
            status=_optional_text(source, "status"),
            raw=source,
        )

    @property
    def succeeded(self) -> bool:
        """Whether Metronome says that it was done; pending and failure rows prove nothing."""
        return (self.status or "").lower() == "success"


@dataclass(frozen=True, slots=True)
class LogReading:
    """Rows of Metronome's own log. `odd`: so many more can't be read. `cut`: only so many pages were read."""

    rows: tuple[AuditLogRecord, ...]
    odd: int = 0
    cut: bool = False

    @property
    def gap(self) -> str:
        """What was not read of it, for people: no absence is proved then. Empty when it was read whole."""
        if self.cut:
            return f"Metronome’s log is longer than the {len(self.rows):,} rows of it that were read."
        if self.odd:
            rows = "One row" if self.odd == 1 else f"{self.odd:,} rows"
            return f"{rows} of Metronome’s log can’t be read."
        return ""
