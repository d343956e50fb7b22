"""What the worker does every half minute, one worker at a time."""

from __future__ import annotations

import psycopg
import pytest

from billing import tasks
from billing.changes import telling
from billing.changes.models import ChangeRequest
from billing.users import User
from tests.notify.conftest import Mailroom, pass_time, told

LOCK = "SELECT pg_advisory_lock(hashtextextended('countersign: telling people', 0))"


def test_the_task_reminds_and_mails_unless_another_worker_is_at_it(
    mailroom: Mailroom,
    renaming: ChangeRequest,
    people: dict[str, User],
    application_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telling, "LAPSES_WITHIN", renaming.expires_at - renaming.submitted_at)
    pass_time(minutes=1)
    with psycopg.connect(application_url, autocommit=True) as another:
        another.execute(LOCK)

        tasks.tell_people()

        assert (mailroom.arrived, told(people["finance"])) == ([], [])
        another.execute("SELECT pg_advisory_unlock_all()")  # a closed connection gives it back only later

    tasks.tell_people()

    assert told(people["finance"]) == [("lapses", False)]
    assert mailroom.addressees == ["manager2@books.example", "manager@books.example"]
