"""The web process as the demo and the image start it, on this test's database."""

from __future__ import annotations

import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from local.places import free_port
from local.processes import start, stop
from local.programs import APPLICATION, HTTP
from local.testing import environment_for

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def running_web(static_root: Path, log: Path, **variables: str) -> Iterator[int]:
    """Give the port at which one web process answers."""
    port = free_port()
    environment = environment_for(
        "web",
        database_url=database_url(),
        SITE_URL=f"http://127.0.0.1:{port}",
        STATIC_ROOT=str(static_root),
        **variables,
    )
    command = [
        sys.executable,
        "-m",
        "granian",
        *HTTP,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        APPLICATION,
    ]
    with log.open("wb") as file:
        process = start(command, log=file, environment=environment, folder=ROOT)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", log)
        yield port
    finally:
        stop(process)


def database_url() -> str:
    """The database of this test, as the role that the tests run as."""
    parts = connection.settings_dict
    return f"postgresql://{parts['USER']}:{parts['PASSWORD']}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"


def wait_until_ready(url: str, *logs: Path) -> None:
    """Fail with the logs when nothing is ready there in a minute."""
    until = time.monotonic() + 60
    while not _answers(f"{url}/readyz"):
        if time.monotonic() > until:
            pytest.fail("\n".join(log.read_text() for log in logs))
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 our own address
            return bool(answer.status == 200)
    except OSError:
        return False
