"""`make manage` and manage.py by hand: on the demo that is up, and a sentence where there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local import manage
from local.configuration import ROOT
from local.processes import CannotStart
from local.supervisor import Program
from local.variables import without_ours


def run(program: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *program],
        env={**without_ours(os.environ), "DJANGO_SETTINGS_MODULE": "adminsite.settings", **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_without_a_demo_it_says_so(tmp_path: Path):
    done = run(["-m", "local.manage", "check"], DEMO_DIR=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr == (
        f"No demo is up in {tmp_path}. Start one with make demo, or name its folder: "
        "make manage DEMO_DIR=… ARGS=…\n"
    )


def test_what_is_kept_is_ours_alone_private_and_gone_at_the_end(tmp_path: Path):
    command = Program("x", ("x",), {"PATH": "/bin", "METRONOME_ENVIRONMENT": "simulator"})

    manage.keep_settings(tmp_path, command)

    assert manage.kept_settings(tmp_path)["METRONOME_ENVIRONMENT"] == "simulator"
    assert "PATH" not in manage.kept_settings(tmp_path)
    assert (tmp_path / manage.SETTINGS).stat().st_mode & 0o077 == 0
    manage.forget_settings(tmp_path)
    with pytest.raises(CannotStart):
        manage.kept_settings(tmp_path)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "METRONOME_ENVIRONMENT is not set"),
        (
            {
                "METRONOME_ENVIRONMENT": "simulator",
                "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
                "REDIS_URL": "redis://127.0.0.1:1/0",
                "SECRET_KEY": "x" * 60,
                "METRONOME_BASE_URL": "http://127.0.0.1:1",
                "METRONOME_BEARER_TOKEN": "t",
            },
            "PostgreSQL does not answer: ",
        ),
    ],
)
def test_by_hand_a_missing_setting_or_server_is_a_sentence(variables: dict[str, str], words: str):
    done = run(["manage.py", "refresh_mirror"], **variables)

    assert done.returncode == 1
    assert words in done.stderr
    assert "make manage" in done.stderr
    assert "Traceback" not in done.stderr
