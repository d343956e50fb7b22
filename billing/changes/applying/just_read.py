"""What one piece of work has read already, so that whoever wants it afterwards need not ask again."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from billing.changes.moves import database_now
from billing.metronome.objects.customer import CustomerRecord


class JustRead:
    """The customers that one piece of work has read, the latest of each, as `Gateway.noting` tells."""

    def __init__(self) -> None:
        self._began, self._at = time.monotonic(), database_now()
        self._records: dict[str, tuple[CustomerRecord, datetime]] = {}

    def note(self, record: CustomerRecord, asked: float) -> None:
        """Keep a record; asked: the monotonic second before the read."""
        self._records[record.id] = (record, self._at + timedelta(seconds=asked - self._began))

    def of(self, customer_id: str) -> tuple[CustomerRecord, datetime] | None:
        """The record and the database's time before it was read; None when the work did not read it."""
        return self._records.get(customer_id)
