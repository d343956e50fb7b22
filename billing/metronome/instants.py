"""Instants as Metronome takes them and days as people read them, all in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def instant(moment: datetime | None) -> str:
    """`2027-01-01T00:00:00Z`, whole seconds; empty for none."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def date_of(moment: datetime | None) -> str | None:
    """`2027-01-01`; None for none."""
    return moment.astimezone(UTC).date().isoformat() if moment else None
