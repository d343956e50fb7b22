"""The record as a file, by real processes: on record as delivered is only what its output took whole."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from billing.audit.models import AuditEvent
from local.testing import environment_for
from tests.simulator_server import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 3_000


def many_events(number: int = ROWS) -> None:
    """Events whose file has about 400 bytes each, so that thousands fill any pipe."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO billing_auditevent (event_type, actor_text, actor_role, subject_type, subject_id,
                      subject_text, reference, reason, digest, user_agent, request_id)
               SELECT 'list.exported', 'a test', '', 'change', n, repeat('x', 300), '', '', '', '', ''
                 FROM generate_series(1, %s) AS n""",
            [number],
        )


def export(url: str, *words: str, line: str = "", **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command; line: of a shell, in which `$@` is the command."""
    command = [sys.executable, "manage.py", "export_audit", *words]
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}", "bash", *command] if line else command,
        cwd=ROOT,
        env={**environment_for("manage", database_url=url), "PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=120,
        check=False,
        **options,
    )


def ends() -> list[tuple[str, Any]]:
    """The events that tell of exports, as (event, facts)."""
    told = AuditEvent.objects.filter(subject_type="export").order_by("id")
    return [(event.event_type, event.new) for event in told]


def asked() -> int:
    return AuditEvent.objects.get(event_type="audit.exported").pk


def not_delivered(rows: int) -> list[tuple[str, Any]]:
    return [
        ("audit.exported", {"filter": {}}),
        ("export.cut_short", {"asked": asked(), "rows": rows}),
    ]


def delivered(rows: int) -> list[tuple[str, Any]]:
    return [
        ("audit.exported", {"filter": {}}),
        ("export.delivered", {"asked": asked(), "rows": rows}),
    ]


def test_a_pipe_that_breaks_is_not_delivered_and_one_sentence(application_url: str):
    many_events()

    done = export(application_url, line='"$@" | head -1', stdout=subprocess.PIPE)

    assert done.stdout.startswith(b"id,occurred_at,")
    assert done.stdout.count(b"\n") == 1
    assert (done.returncode, done.stderr) == (
        1,
        b"CommandError: Not delivered: whoever was to read it stopped reading.\n",
    )
    assert ends() == not_delivered(ROWS + 1)


@pytest.mark.parametrize("number", [1, ROWS])
def test_a_full_disk_is_not_delivered_however_small_the_file(application_url: str, number: int):
    many_events(number)

    with open("/dev/full", "wb") as full:
        done = export(application_url, stdout=full)

    assert done.returncode == 1
    assert done.stderr == b"CommandError: Not delivered: the disk is full.\n"
    assert ends() == not_delivered(number + 1)


def test_a_disk_that_fills_up_leaves_no_half_file(application_url: str, tmp_path: Path):
    many_events()
    path = tmp_path / "record.csv"

    # the disk is a limit of 512 KB on the size of this process's files
    line = 'ulimit -f 512; exec "$@"'
    done = export(application_url, f"--output={path}", line=line, stdout=subprocess.PIPE)

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"CommandError: Not delivered: the file would be larger than it may be here.\n"
    assert list(tmp_path.iterdir()) == []
    assert [event for event, _facts in ends()] == ["audit.exported", "export.cut_short"]


def test_where_nothing_can_be_written_nothing_is_asked_for(application_url: str, tmp_path: Path):
    there = tmp_path / "there.csv"
    there.write_bytes(b"mine")

    nowhere = export(application_url, f"--output={tmp_path}/no/record.csv", stdout=subprocess.PIPE)
    taken = export(application_url, f"--output={there}", stdout=subprocess.PIPE)
    closed = export(application_url, line='"$@" >&-')

    assert (nowhere.returncode, taken.returncode, closed.returncode) == (1, 1, 1)
    assert nowhere.stderr.startswith(b"CommandError: Nothing was exported: there is no such folder: /")
    assert taken.stderr.startswith(
        b"CommandError: Nothing was exported: there is such a file already, and it is left"
    )
    assert closed.stderr == b"CommandError: Nothing was exported: there is no standard output.\n"
    assert (nowhere.stdout, taken.stdout, there.read_bytes()) == (b"", b"", b"mine")
    assert AuditEvent.objects.count() == 0


def test_what_its_output_took_whole_is_delivered(application_url: str, tmp_path: Path):
    many_events()
    path = tmp_path / "record.csv"

    done = export(application_url, f"--output={path}", stdout=subprocess.PIPE)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    with path.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == ROWS + 1
    assert ends() == delivered(ROWS + 1)


def test_through_a_pipe_that_is_read_to_its_end_it_is_delivered_too(application_url: str):
    many_events()

    done = export(application_url, stdout=subprocess.PIPE)

    assert (done.returncode, done.stderr, done.stdout.count(b"\n")) == (0, b"", ROWS + 2)
    assert ends() == delivered(ROWS + 1)
