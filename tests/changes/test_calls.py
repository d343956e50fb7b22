"""The life of one call: the same arrows in Python and in PostgreSQL, and nothing beside them."""

from __future__ import annotations

import re
from itertools import product

import pytest
from django.db import connection

from billing.changes.calls import ARROWS, put
from billing.changes.models import CallStatus, ChangeRequest
from billing.changes.refusals import WrongState


def test_the_database_knows_the_same_arrows(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'billing_guard_practice'")
        source = cursor.fetchone()[0]
    block = source[source.index("'billing_call UPDATE'") : source.index("'billing_resolution INSERT'")]

    assert set(re.findall(r"\b[a-z]+>[a-z]+\b", block)) == {
        f"{start}>{end}" for start, onward in ARROWS.items() for end in onward
    }


def test_every_status_has_arrows_and_every_arrow_says_when() -> None:
    assert set(ARROWS) == set(CallStatus)
    assert all(words.endswith(".") for onward in ARROWS.values() for words in onward.values())


@pytest.mark.parametrize(
    ("start", "end"), [pair for pair in product(CallStatus, CallStatus) if pair[1] not in ARROWS[pair[0]]]
)
def test_beside_the_arrows_nothing_moves(
    submitted: ChangeRequest, start: CallStatus, end: CallStatus
) -> None:
    call = submitted.calls.get()
    call.status = start

    with pytest.raises(WrongState):
        put(call, end, result={"id": "x"})

    assert submitted.calls.get().status == CallStatus.WAITING
    assert submitted.calls.get().result is None
