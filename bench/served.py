"""The customers list as it is served: granian as shipped, many clients at a time, beside our own frame.

A client asks over a connection that it keeps, as soon as it has the answer before.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.test import Client

from bench.applying import ROOT, database_url
from bench.simulator import Caller
from billing.users import User
from local.places import free_port
from local.programs import HTTP
from local.testing import environment_for

CLIENTS, PROCESSES, SECONDS, ROUNDS = 16, 2, 4.0, 3
START_SECONDS = 60.0
LIST, FRAME = "/customers/", "/bench/frame"
GOAL = 0.7


@dataclass(frozen=True, slots=True)
class Served:
    """Answers a second: of the list, and of the frame with an empty main."""

    list: float
    frame: float


def measure(person: User) -> Served:
    """Both in turn, ROUNDS times; medians. The database must be seen by other processes."""
    browser = Client()
    browser.force_login(person)
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value
    with serving(PROCESSES) as (port, _pid):
        rates: dict[str, list[float]] = {LIST: [], FRAME: []}
        for number in range(ROUNDS + 1):
            for address, found in rates.items():
                rate = _rate(port, address, cookie)
                if number:  # the first round warms up
                    found.append(rate)
    return Served(statistics.median(rates[LIST]), statistics.median(rates[FRAME]))


def _rate(port: int, address: str, cookie: str) -> float:
    held = f"{settings.SESSION_COOKIE_NAME}={cookie}"
    asked = f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {held}\r\n\r\n"
    counts, ends_at = [0] * CLIENTS, time.monotonic() + SECONDS

    def ask(number: int) -> None:
        with contextlib.closing(Caller(port)) as caller:
            while time.monotonic() < ends_at:
                status, _body = caller.ask(asked.encode())
                if status != 200:
                    raise SystemExit(f"{address} answered {status}")
                counts[number] += 1

    clients = [threading.Thread(target=ask, args=[number]) for number in range(CLIENTS)]
    began = time.monotonic()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return sum(counts) / (time.monotonic() - began)


@contextlib.contextmanager
def serving(processes: int) -> Iterator[tuple[int, int]]:
    """The port at which so many web processes of the image answer, and the id of who started them."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _serving(folder, processes)


def _serving(folder: str, processes: int) -> Iterator[tuple[int, int]]:
    build = {"PATH": os.environ["PATH"], "COUNTERSIGN_PROCESS": "build", "STATIC_ROOT": folder}
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input"]
    subprocess.run(collect, cwd=ROOT, env=build, check=True, capture_output=True)
    port = free_port()
    environment = environment_for(
        "web",
        database_url=database_url(),
        SITE_URL=f"http://127.0.0.1:{port}",
        STATIC_ROOT=folder,
        LOG_LEVEL="ERROR",
    )
    where = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(processes)]
    granian = [sys.executable, "-m", "granian", *HTTP, "--log-level", "error"]
    command = [*granian, *where, "bench.asgi:application"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        _wait_until_ready(process, port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), contextlib.closing(Caller(port)) as caller:
            caller.ask(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            return
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit("the web process did not start")
        time.sleep(0.2)
