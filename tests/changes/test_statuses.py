"""The state machine as one table, in code and in the database alike."""

from __future__ import annotations

import pytest
from django.db import connection

from billing.changes.statuses import ARROWS, MARKS, OPEN, SETTLED, TONES, Status


def test_each_arrow_says_when_it_is_taken() -> None:
    assert all(words.endswith(".") for onward in ARROWS.values() for words in onward.values())


@pytest.mark.django_db
def test_the_database_knows_the_same_arrows() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_change_arrows()")
        arrows = set(cursor.fetchone()[0])

    assert arrows == {f"{old}>{new}" for old, onward in ARROWS.items() for new in onward}


def test_every_status_has_its_arrows_tone_and_mark() -> None:
    assert set(ARROWS) == set(TONES) == set(MARKS) == set(Status)
    assert set(Status) == OPEN | SETTLED
    assert {
        Status.APPLIED,
        Status.REJECTED,
        Status.WITHDRAWN,
        Status.EXPIRED,
        Status.STALE,
        Status.REFUSED,
        Status.CLOSED,
    } == SETTLED
