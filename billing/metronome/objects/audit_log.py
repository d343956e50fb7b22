"""Metronome's own audit log (API reference §5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from billing.metronome.account import Gateway
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


def log_since(
    gateway: Gateway,
    *,
    starting_on: datetime,
    ending_before: datetime | None = None,
    resource: tuple[str, str] | None = None,
    newest_first: bool = False,
    limit_pages: int = 20,
    until: Callable[[AuditLogRecord], bool] | None = None,
) -> LogReading:
    """Metronome's own log from `starting_on`, up to limit_pages pages of 100; `resource`: (type, id).

    It ends with the page that has a row `until` was waiting for; the reading counts as whole then.
    `next_page` is always there, so an empty page is the end; it never travels with the two times.
    """
    query = {
        "sort": "date_desc" if newest_first else "date_asc",
        "starting_on": _as_metronome_says(starting_on),
    }
    if ending_before:
        query["ending_before"] = _as_metronome_says(ending_before)
    if resource:
        query |= {"resource_type": resource[0], "resource_id": resource[1]}
    rows: list[AuditLogRecord] = []
    odd = 0
    for _page in range(limit_pages):
        page = gateway.page(audit_logs(query))
        rows += page.items
        odd += len(page.odd)
        found = until is not None and any(until(row) for row in page.items)
        if found or not (page.items or page.odd) or page.next_cursor is None:
            return LogReading(tuple(rows), odd=odd)
        query = {"next_page": page.next_cursor}
    return LogReading(tuple(rows), odd=odd, cut=True)


def _as_metronome_says(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
