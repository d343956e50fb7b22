"""One clock for every age on a page: the database's, whose instants the rows carry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_ahead = timedelta(0)
"""How far the database's clock is ahead of this machine's; measured anew with each connection."""


def now() -> datetime:
    """The database's wall clock, without asking it."""
    return datetime.now(UTC) + _ahead


def connect() -> None:
    """Compare the clocks whenever a connection is opened."""
    connection_created.connect(_compare, dispatch_uid="billing.clock")


def _compare(connection: BaseDatabaseWrapper, **_more: Any) -> None:
    global _ahead
    with connection.cursor() as cursor:
        before = datetime.now(UTC)
        cursor.execute("SELECT clock_timestamp()")
        there = cursor.fetchone()[0]
    _ahead = there - before - (datetime.now(UTC) - before) / 2
