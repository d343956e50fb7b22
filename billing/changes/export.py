"""Change requests as CSV: complete, by the inbox's own view and filter, and an event of the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from billing.audit.actors import Actor
from billing.audit.csv import as_utc, copy_out, defused
from billing.audit.events import Event
from billing.audit.export import note
from billing.changes.models import ChangeRequest


def requests_csv(rows: QuerySet[ChangeRequest], actor: Actor, filters: dict[str, Any]) -> Iterator[bytes]:
    """The requests of a list in its order, in chunks; the export is committed before the first byte."""
    note(Event.LIST_EXPORTED, actor, "Requests", filters)
    return copy_out(
        rows.select_related(None),
        {
            "reference": "reference",
            "kind": "kind",
            "status": "status",
            "sentence": defused("sentence"),
            "subject": defused("subject_text"),
            "customer_id": "customer_id",
            "maker": defused("maker__name"),
            "submitted_at": as_utc("submitted_at"),
            "expires_at": as_utc("expires_at"),
            "settled_at": as_utc("settled_at"),
            "explanation": defused("explanation"),
            "digest": "digest",
        },
    )
