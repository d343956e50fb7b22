"""The mirror follows what was done or found out: once a request has moved on, its customer is read again."""

from __future__ import annotations

from billing.changes.models import ChangeRequest
from billing.changes.statuses import Status
from billing.metronome.client import Gateway
from billing.mirror.refresh import refresh_customer

MOVED_ON = frozenset({Status.APPLIED, Status.PARTLY_APPLIED, Status.STALE, Status.REFUSED})


def reflect(change_id: int, gateway: Gateway) -> None:
    """Refresh the customer of a request that has just moved on. A failure changes nothing but freshness."""
    change = ChangeRequest.objects.get(pk=change_id)
    if change.status not in MOVED_ON:
        return
    if change.about_customer:
        refresh_customer(gateway, change.about_customer)
