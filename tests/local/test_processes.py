"""Children that end when we do, by the kernel's word or by the keeper's."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local.launch import KEEPER
from local.processes import last_lines, start, stop

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import os, sys, time
from pathlib import Path
from local.processes import start
child = start(
    [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"],
    log=open(sys.argv[1], "wb"), environment=dict(os.environ), folder=Path.cwd(),
)
while not Path(sys.argv[1]).read_bytes():
    time.sleep(0.02)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("keeper", ["0", "1"], ids=["told by the kernel", "told by a keeper"])
def test_a_child_dies_with_a_parent_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keeper: str
):
    monkeypatch.setenv(KEEPER, keeper)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE, cwd=ROOT
    )
    child = psutil.Process(int(parent.stdout.readline()))
    family = [child, *child.children(recursive=True)]

    parent.kill()
    parent.wait()
    parent.stdout.close()
    _gone, alive = psutil.wait_procs(family, timeout=30)

    assert len(family) == 1 + int(keeper)
    assert alive == []


def run(program: str, folder: Path, *, keeper: bool, **more: object) -> tuple[subprocess.Popen[bytes], Path]:
    log = folder / "log"
    environment = {KEEPER: "1"} if keeper else {}
    with log.open("wb") as file:
        child = start(
            [sys.executable, "-c", program], log=file, environment=environment, folder=folder, **more
        )
    return child, log


@pytest.mark.parametrize("keeper", [False, True])
def test_a_child_answers_with_its_own_status_and_hears_what_it_is_given(tmp_path: Path, keeper: bool):
    program = "import sys; print(sys.stdin.read().upper()); sys.exit(7)"
    child, log = run(program, tmp_path, keeper=keeper, stdin=b"a password")

    assert child.wait(30) == 7
    assert log.read_text(encoding="utf-8") == "A PASSWORD\n"


def test_what_does_not_end_when_asked_is_killed_with_what_it_started(tmp_path: Path):
    program = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    child, log = run(program, tmp_path, keeper=False)
    while not log.read_text(encoding="utf-8").endswith("\n"):
        assert child.poll() is None
    grandchild = psutil.Process(int(log.read_text(encoding="utf-8")))

    stop(child, patience_seconds=0.1)

    assert child.returncode == -signal.SIGKILL
    _gone, alive = psutil.wait_procs([grandchild], timeout=30)
    assert alive == []


def test_the_end_of_a_log_is_shown_indented_whatever_bytes_it_holds(tmp_path: Path):
    log = tmp_path / "log"
    log.write_bytes(b"one\ntwo\nthr\xffee\n")

    assert last_lines(log, 2) == "    two\n    thr�ee"
    assert last_lines(tmp_path / "missing") == ""
