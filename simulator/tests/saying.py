"""What tests of the simulator say in short: days of 2030, and the message of a refusal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def day(month: int, number: int = 1) -> datetime:
    """Midnight of a day in 2030."""
    return datetime(2030, month, number, tzinfo=UTC)


def message(refused: Any) -> str:
    """What the error body says."""
    return refused.value.body["message"]
