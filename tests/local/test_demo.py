"""`make demo` as a person meets it: up, told twice, ended, started again, killed, and nothing is left."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from local.places import free_port
from local.postgres import PostgresServer
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


def customers(folder: Path) -> int:
    """Count the mirrored customers of a demo that is down."""
    server = PostgresServer(folder / "postgres", fast=True)
    server.start()
    try:
        with psycopg.connect(server.application_url()) as application:
            return application.execute("SELECT count(*) FROM billing_customer").fetchone()[0]
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
    assert is_ready(f"{address}static/css/app.css")

    status, words = demo.run()
    assert status == 0
    assert words.startswith(f"The demo in {demo.folder} is already up: {address}\n")
    assert "finance · finance2 · manager · manager2 · auditor · admin" in words
    assert is_ready(re.search(r"http://127\.0\.0\.1:\d+/_sim/", words)[0])

    assert demo.end(signal.SIGINT, family) == []
    assert demo.process.returncode == 0
    first_count = customers(demo.folder)

    family = demo.start()
    assert demo.end(signal.SIGKILL, family) == []
    assert customers(demo.folder) == first_count > 0


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
