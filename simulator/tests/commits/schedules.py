"""Schedules in the year 2030, and what an answer tells of commits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from simulator.tests.saying import day

NOBODY = "00000000-0000-4000-8000-000000000000"
USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
NOW = "2030-01-15T00:00:00Z"


def access(*segments: tuple[float, datetime, datetime], **more: Any) -> dict[str, Any]:
    """An access schedule of (amount, start, end)."""
    items = [{"amount": amount, "starting_at": at, "ending_before": end} for amount, at, end in segments]
    return {"schedule_items": items, **more}


YEAR = access((1000, day(1), day(12)))


def invoiced(amount: float) -> dict[str, Any]:
    """An invoice schedule of one item."""
    return {"schedule_items": [{"timestamp": day(6), "amount": amount}]}


Create = Callable[..., str]


def types_and_amounts(row: Any) -> list[tuple[str, float]]:
    return [(each.type, each.amount) for each in row.ledger]
