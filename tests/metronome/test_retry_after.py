"""How long a 429 asks to wait: both forms of the header, and nonsense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest

from billing.metronome.judging import retry_after


def asked(said: str | None) -> float:
    return retry_after(SimpleNamespace(headers={} if said is None else {"retry-after": said}), 15.0)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("0", 1.0),
        ("301", 300.0),
        ("9" * 5_000, 300.0),
        (None, 15.0),
        ("", 15.0),
        ("nan", 15.0),
        ("-3", 15.0),
        ("1_0", 15.0),
        ("soon", 15.0),
        ("Sat, 99 Nov 2026 11:59:00 GMT", 15.0),
        ("Sat, 28 Nov 1998 11:59:00 GMT", 1.0),
        ("Sat, 28 Nov 2099 11:59:00 GMT", 300.0),
    ],
)
def test_seconds_and_dates_are_kept_between_one_and_three_hundred(said: str | None, seconds: float) -> None:
    assert asked(said) == seconds


def test_a_date_two_minutes_ahead_is_two_minutes() -> None:
    ahead = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)

    assert asked(ahead) == pytest.approx(119, abs=2)
