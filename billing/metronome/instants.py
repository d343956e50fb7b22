"""Instants as Metronome takes them and days as people read them, all in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def instant(moment: datetime | None) -> str:
    """`2027-01-01T00:00:00Z`, whole seconds; empty for none."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def on_the_hour(text: str) -> datetime:
    """The instant of a text, as contracts begin and end. Raises ValueError for one not on the hour."""
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None or (moment.minute, moment.second, moment.microsecond) != (0, 0, 0):
        raise ValueError("A contract begins and ends on the hour, with its time zone.")
    return moment


def date_of(moment: datetime | None) -> str | None:
    """`2027-01-01`; None for none."""
    return moment.astimezone(UTC).date().isoformat() if moment else None
