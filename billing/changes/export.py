"""Change requests as CSV: complete, by the inbox's own view and filter, and an event of the record."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.audit.taking import Taking, take
from billing.changes.models import ChangeRequest
from billing.lists.csv import as_utc
from billing.lists.formulas import Defused


def requests_csv(rows: QuerySet[ChangeRequest], actor: Actor, filters: dict[str, Any]) -> Taking:
    """The requests of a list in its order; recorded as `take` says."""
    return take(
        Event.LIST_EXPORTED,
        actor,
        "Requests",
        filters,
        rows.select_related(None),
        {
            "reference": "reference",
            "kind": "kind",
            "status": "status",
            "sentence": Defused("sentence"),
            "subject": Defused("subject_text"),
            "customer_id": "customer_id",
            "maker": Defused("maker__name"),
            "submitted_at": as_utc("submitted_at"),
            "expires_at": as_utc("expires_at"),
            "settled_at": as_utc("settled_at"),
            "explanation": Defused("explanation"),
            "digest": "digest",
        },
    )
