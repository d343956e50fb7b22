"""The commands as a person runs them: processes of their own, as the database role that owns nothing."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

from billing.audit.models import AuditEvent
from billing.mirror.models import RefreshRun
from billing.mirror.resources.customer.models import Customer
from billing.users import User
from local.testing import environment_for
from tests.simulator_server import ROOT, TOKEN, RunningSimulator


def manage(
    application_url: str, simulator: RunningSimulator, *words: str
) -> subprocess.CompletedProcess[bytes]:
    environment = environment_for(
        "manage",
        database_url=application_url,
        METRONOME_BASE_URL=simulator.url,
        METRONOME_BEARER_TOKEN=TOKEN,
        METRONOME_REQUESTS_PER_SECOND="1000",
    )
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )


def test_a_refresh_an_account_and_an_export_need_no_rights_but_the_applications(
    house: None, application_url: str, simulator: RunningSimulator, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("seven-quiet-otters", encoding="utf-8")

    refreshed = manage(application_url, simulator, "refresh_mirror")
    added = manage(
        application_url,
        simulator,
        "add_person",
        "mona",
        "--name=Mona",
        "--role=manager",
        f"--password-file={password}",
    )
    exported = manage(application_url, simulator, "export_audit")

    assert (refreshed.returncode, refreshed.stderr) == (0, b"")
    assert refreshed.stdout.decode().splitlines()[-1].startswith("The mirror is up to date: ")
    assert (RefreshRun.objects.get().status, Customer.objects.count()) == ("succeeded", 30)
    assert (added.returncode, added.stdout) == (0, b"Mona can sign in as mona (Manager).\n")
    assert User.objects.get(username="mona").role == "manager"
    rows = list(csv.DictReader(io.StringIO(exported.stdout.decode(), newline="")))
    assert exported.returncode == 0
    assert [*(row["event"] for row in rows), "export.delivered"] == list(
        AuditEvent.objects.order_by("id").values_list("event_type", flat=True)
    )
    assert [row["event"] for row in rows][-2:] == ["person.added", "audit.exported"]
    assert rows[-1]["actor"].startswith("manage.py export_audit (")


def test_a_command_that_fails_says_one_sentence_and_ends_with_1(
    house: None, application_url: str, simulator: RunningSimulator
) -> None:
    simulator.fault("GET /v1/customers", "status_before", status=401, message="Unauthorized", count=None)

    broken = manage(application_url, simulator, "refresh_mirror")
    asked = manage(application_url, simulator, "add_person", "mona", "--name=Mona", "--role=manager")

    assert broken.returncode == 1
    assert broken.stdout == b""
    assert broken.stderr.decode().startswith("CommandError: It broke off at active customers")
    assert "Traceback" not in broken.stderr.decode()
    assert asked.returncode == 1
    assert asked.stderr == (
        b"CommandError: Nobody was added. There is no terminal to ask at: use --password-file FILE.\n"
    )


def test_a_back_dated_history_is_refused_to_the_role_whose_record_is_stamped(
    house: None, application_url: str, simulator: RunningSimulator
) -> None:
    seeded = manage(application_url, simulator, "seed_demo")

    assert seeded.returncode == 1
    assert b"only by the role that migrates" in seeded.stderr
    assert not User.objects.exists()
