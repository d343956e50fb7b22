"""A worker that dies in the middle of a mail costs time: the mail goes out under the same Message-ID."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from billing.changes.models import ChangeRequest
from billing.notify.models import Mail
from billing.users import User
from local.testing import application_url as find_application_url
from local.testing import environment_for
from tests.notify.conftest import SENDER, SITE, Mailroom, a_round, pass_time

ROOT = Path(__file__).resolve().parents[2]


def die(moment: str, port: int) -> int:
    """Let a process of its own mail, as the application's role, and be killed; its exit code."""
    environment = environment_for(
        "worker-refresh",
        database_url=find_application_url(connection.settings_dict["NAME"]),
        METRONOME_BASE_URL="http://127.0.0.1:9",
        METRONOME_BEARER_TOKEN="a-token",
        MAIL_FROM=SENDER,
        SITE_URL=SITE,
        SMTP_URL=f"smtp://127.0.0.1:{port}",
    )
    command = [sys.executable, str(ROOT / "tests/notify/killed_mailer.py"), moment]
    return subprocess.run(
        command, cwd=ROOT, env={**environment, "PYTHONPATH": str(ROOT)}, timeout=120, check=False
    ).returncode


@pytest.mark.parametrize(("moment", "times"), [("before", 1), ("after", 2)])
def test_a_killed_workers_mail_goes_after_its_lease_under_the_same_message_id(
    renaming: ChangeRequest,
    people: dict[str, User],
    mailroom: Mailroom,
    port: int,
    application_url: str,
    moment: str,
    times: int,
) -> None:
    User.objects.filter(pk=people["manager2"].pk).update(email="")
    pass_time(minutes=1)

    assert die(moment, port) == -9

    mail = Mail.objects.get(address="manager@books.example")
    assert (mail.state, mail.tries) == ("sending", 1)
    assert a_round() == 0
    pass_time(minutes=5)
    assert a_round() == 1
    assert [letter["Message-ID"] for letter in mailroom.letters] == [f"<{mail.uuid}@books.example>"] * times
    mail.refresh_from_db()
    assert (mail.state, mail.tries) == ("sent", 2)
