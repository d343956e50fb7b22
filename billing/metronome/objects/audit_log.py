"""Metronome's own audit log (API reference §5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billing.metronome.listing import Listing
from billing.metronome.records import must_when_in, optional_text_in, text_in


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
            id=text_in(source, "id"),
            timestamp=must_when_in(source, "timestamp"),
            request_id=optional_text_in(request, "id"),
            user_agent=optional_text_in(request, "user_agent"),
            actor_id=optional_text_in(actor, "id"),
            actor_name=optional_text_in(actor, "name"),
            resource_type=optional_text_in(source, "resource_type"),
            resource_id=optional_text_in(source, "resource_id"),
            action=optional_text_in(source, "action"),
            description=optional_text_in(source, "description"),
            status=optional_text_in(source, "status"),
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


def audit_logs(query: Mapping[str, Any]) -> Listing[AuditLogRecord]:
    """Rows of the log; its `next_page` is always there, so an empty page is the end."""
    return Listing("/v1/auditLogs", AuditLogRecord.from_json, {"limit": 100, **query})
