"""`make demo` as a person meets it: up, told twice, ended, started again, killed, and nothing is left."""

import fcntl
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psutil
import psycopg
import pytest

from local.demo import ADDRESS, LOCK, lock
from local.places import free_port
from local.postgres import PostgresServer
from local.processes import CannotStart
from local.programs import is_ready
from local.variables import without_ours

ROOT = Path(__file__).resolve().parents[2]
GONE_SECONDS = 60


class DemoRun:
    """A demo on a folder of its own; its output is read line by line."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.words: list[str] = []
        self.process: subprocess.Popen[str] | None = None

    def command(self, *arguments: str) -> dict:
        environment = without_ours(os.environ) | {"DEMO_DIR": str(self.folder), "PORT": str(self.port)}
        for name in ("MAKELEVEL", "DJANGO_SETTINGS_MODULE"):
            environment.pop(name, None)
        return {
            "args": [sys.executable, "-m", "local.demo", *arguments],
            "env": environment,
            "cwd": ROOT,
            "text": True,
            "stderr": subprocess.STDOUT,
        }

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run a second program on the same folder to its end."""
        done = subprocess.run(**self.command(*arguments), stdout=subprocess.PIPE, check=False)
        return done.returncode, done.stdout

    def start(self) -> list[psutil.Process]:
        """Start, wait until it says that it is up, and return it with all its children."""
        self.words = []
        self.process = subprocess.Popen(**self.command(), stdout=subprocess.PIPE, start_new_session=True)
        for line in self.process.stdout:
            self.words.append(line)
            if "Ctrl-C ends it all" in line:
                break
        else:
            self.process.stdout.close()
            self.process.wait(GONE_SECONDS)
            raise AssertionError("the demo didn't come up:\n" + "".join(self.words))
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def end(self, how: signal.Signals, family: list[psutil.Process]) -> list[psutil.Process]:
        """Signal the supervisor and return those of its family that are still there a while later."""
        self.process.send_signal(how)
        self.words.append(self.process.stdout.read())
        self.process.stdout.close()
        self.process.wait(GONE_SECONDS)
        return psutil.wait_procs(family, timeout=GONE_SECONDS)[1]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[DemoRun]:
    demo = DemoRun(tmp_path / "demo", free_port())
    yield demo
    status, words = demo.run("--remove")
    assert status == 0, words
    assert not demo.folder.exists()


def customers(database_url: str) -> int:
    """Count the mirrored customers."""
    with psycopg.connect(database_url) as application:
        return application.execute("SELECT count(*) FROM billing_customer").fetchone()[0]


def customers_of_one_that_is_down(folder: Path) -> int:
    server = PostgresServer(folder / "postgres", fast=True)
    server.start()
    try:
        return customers(server.application_url())
    finally:
        server.stop()


def test_the_demo_comes_up_is_told_twice_ends_and_starts_again_on_its_data(demo: DemoRun):
    family = demo.start()
    address = f"http://127.0.0.1:{demo.port}/"
    names = {" ".join(process.cmdline()) for process in family}
    for part in (
        "postgres -D",
        "-m simulator",
        "granian",
        "--queues changes,sweeps",
        "--queues checks,doubts",
        "--queues refresh",
        " beat ",
    ):
        assert [name for name in names if part in name], f"no process runs {part}"
    assert is_ready(f"{address}accounts/login/")
    assert is_ready(f"{address}static/css/tokens.css")

    status, words = demo.run()
    assert status == 0
    assert words.startswith(f"The demo in {demo.folder} is already up: {address}\n")
    assert "finance · finance2 · manager · manager2 · auditor · admin" in words
    assert is_ready(re.search(r"http://127\.0\.0\.1:\d+/_sim/", words)[0])

    files = [path for path in demo.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"web.log", "worker-changes.log", "postgres.log", "redis.log"}
    private = [
        path for path in files if not path.is_relative_to(demo.folder / "static")
    ]  # that, the web serves
    assert [path for path in private if path.stat().st_mode & 0o077] == []
    assert stat.S_IMODE((demo.folder / "logs").stat().st_mode) == 0o700

    settings = json.loads((demo.folder / "manage-settings.json").read_text(encoding="utf-8"))
    first_count = customers(settings["DATABASE_URL"])
    ending = demo.process
    ending.send_signal(signal.SIGINT)
    second_family = demo.start()  # while the first is still going down
    assert psutil.wait_procs(family, timeout=GONE_SECONDS)[1] == []
    ending.stdout.close()
    assert ending.wait(GONE_SECONDS) == 0
    assert f"Another demo is just starting or ending in {demo.folder}; waiting for it …\n" in demo.words

    assert demo.end(signal.SIGKILL, second_family) == []
    assert customers_of_one_that_is_down(demo.folder) == first_count > 0


@pytest.fixture
def held(tmp_path: Path) -> Iterator[IO[str]]:
    """The lock of another demo on the folder."""
    with (tmp_path / LOCK).open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def test_a_demo_that_starts_is_waited_for_and_told_once_it_is_up(
    held: IO[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    threading.Timer(0.5, lambda: (tmp_path / ADDRESS).write_text("the address")).start()

    with lock(tmp_path) as welcome:
        assert welcome == "the address"
    assert capsys.readouterr().out.count("waiting for it …") == 1


def test_a_demo_that_was_killed_or_cleaned_away_is_no_demo_that_is_up(held: IO[str], tmp_path: Path):
    (tmp_path / LOCK).unlink()  # as make clean does
    held.close()
    (tmp_path / ADDRESS).write_text("the address of one that was killed")

    with lock(tmp_path) as welcome:
        assert welcome == ""
        assert not (tmp_path / ADDRESS).exists()
        assert (tmp_path / LOCK).read_text() == f"{os.getpid()}\n"


def test_one_that_neither_comes_up_nor_ends_is_told(
    held: IO[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("local.demo.WAIT_SECONDS", 0.3)

    with (
        pytest.raises(CannotStart, match="neither comes up nor ends; its own terminal says why"),
        lock(tmp_path),
    ):
        pass


def test_a_taken_port_is_told_before_anything_starts(demo: DemoRun):
    with socket.create_server(("127.0.0.1", demo.port)):
        status, words = demo.run()

    assert status == 1
    other = demo.port % 65_535 + 1
    assert (
        words == f"\nPort {demo.port} is taken by another program. Choose another: make demo PORT={other}\n"
    )
    assert not (demo.folder / "postgres").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may listen on every port")
def test_a_port_that_is_not_for_us_is_told(demo: DemoRun):
    demo.port = 1

    status, words = demo.run()

    assert (status, words) == (1, "\nPort 1 can't be used: Permission denied. Choose another: PORT=8000\n")


def test_a_simulator_whose_state_is_of_another_version_is_told_with_the_way_out(demo: DemoRun):
    demo.folder.mkdir(parents=True)
    (demo.folder / "simulator.json").write_text('{"main": {"of": "another version"}}', encoding="utf-8")

    status, words = demo.run()

    assert status == 1
    assert "This is no snapshot of this version of the simulator" in words
    assert words.endswith("If its data is of another version: make clean forgets it.\n")
