"""A live Countersign for a browser: granian, a Celery worker on both queues, the simulator, Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import Browser, Page, sync_playwright

from billing.users import User
from local.processes import start, stop
from local.programs import APPLICATION, HTTP
from local.testing import environment_for
from tests.simulator_server import TOKEN, RunningSimulator
from tests.web_server import database_url, wait_until_ready

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "countersign-demo"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "journeys" in item.path.parts:
            item.add_marker(pytest.mark.journey)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One headless Chromium. Skips where there is none, but never in CI.

    Playwright keeps an event loop running in this thread; it ends with the module, because the tests of other
    modules that this process runs next start loops of their own.
    """
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to have Chromium: journeys are not skipped there.")
        pytest.skip("no Chromium on this machine; install it to run the journeys")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # a loop is running, and we stay synchronous
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Live:
    """A running installation."""

    url: str
    browser: Browser
    simulator: RunningSimulator

    def page(self, user: User, **options: Any) -> Page:
        """A window in which this person has signed in through the door."""
        # the live process hashes as production does, not as cheaply as the tests
        User.objects.filter(pk=user.pk).update(
            password=PBKDF2PasswordHasher().encode(PASSWORD, "a-salt-of-tests")
        )
        context = self.browser.new_context(base_url=self.url, **options)
        page = context.new_page()
        page.goto("/accounts/login/")
        page.locator("#id_login").fill(user.username)
        page.locator("#id_password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.url}/")
        return page


@pytest.fixture
def live(
    chromium: Browser,
    static_root: Path,
    house: None,
    simulator: RunningSimulator,
    tmp_path: Path,
) -> Iterator[Live]:
    """Web and worker on this test's database, ended by their pids before it is emptied."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    database = database_url()
    patience = {
        "WRITE_DEADLINE_SECONDS": "5",
        "LEASE_SECONDS": "20",
        "LEASE_MARGIN_SECONDS": "1",
        "SETTLE_SECONDS": "5",
        "SECOND_LOOK_SECONDS": "1",
    }
    web = environment_for(
        "web", database_url=database, SITE_URL=url, STATIC_ROOT=str(static_root), **patience
    )
    worker = environment_for(
        "worker-changes",
        database_url=database,
        METRONOME_BASE_URL=simulator.url,
        METRONOME_BEARER_TOKEN=TOKEN,
        METRONOME_REQUESTS_PER_SECOND="500",
        **patience,
    )
    subprocess.run(
        [sys.executable, "manage.py", "refresh_mirror"], cwd=ROOT, env=worker, check=True, capture_output=True
    )
    commands = [
        (f"granian {' '.join(HTTP)} --host 127.0.0.1 --port {port} {APPLICATION}", web),
        (
            "celery -A adminsite worker --pool threads --concurrency 2 "
            "-Q changes,sweeps,checks,doubts,refresh,notices --without-gossip --without-mingle "
            "--loglevel WARNING",
            worker,
        ),
    ]
    with ExitStack() as stack:
        for number, (words, environment) in enumerate(commands):
            log = stack.enter_context((tmp_path / f"log-{number}").open("wb"))
            command = [sys.executable, "-m", *words.split()]
            stack.callback(stop, start(command, log=log, environment=environment, folder=ROOT))
        wait_until_ready(url, *sorted(tmp_path.glob("log-*")))
        yield Live(url, chromium, simulator)
