"""The record as CSV for an auditor: complete, in the order it happened, and itself an event of the record."""

from __future__ import annotations

from django.db.models import Expression, Func, TextField
from django.db.models.functions import Cast

from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.audit.queries import AuditFilter
from billing.audit.taking import Taking, take
from billing.lists.csv import as_utc

COLUMNS: dict[str, str | Expression] = {
    "id": "id",
    "occurred_at": as_utc("occurred_at"),
    "event": "event_type",
    "actor": "actor_text",
    "actor_id": "actor_id",
    "actor_username": "actor__username",
    "actor_role": "actor_role",
    "subject_type": "subject_type",
    "subject_id": "subject_id",
    "subject": "subject_text",
    "customer_id": "customer_id",
    "customer_name": "customer_name",
    "reference": "reference",
    "old": Cast("old", TextField()),
    "new": Cast("new", TextField()),
    "reason": "reason",
    "digest": "digest",
    "ip": Func("ip", function="host", output_field=TextField()),  # inet as text would add /32
    "user_agent": "user_agent",
    "request_id": "request_id",
}


def stream(wanted: AuditFilter, actor: Actor) -> Taking:
    """The events that a filter lets through as CSV, oldest first; recorded as `take` says."""
    rows = wanted.rows().order_by("occurred_at", "id")
    return take(Event.AUDIT_EXPORTED, actor, "Audit record", wanted.as_json(), rows, COLUMNS)
