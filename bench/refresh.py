"""Refreshing a large account, beside the least that the same bytes cost.

Metronome is `bench.stub`, a process of its own. Two limits, measured in the same round: *fetching alone*, a
bare httpx client that reads every page, takes its JSON apart and forgets it; and the *tight pipeline*, the
same with each thousand rows copied into tables that have our indexes. A first refresh is done when its last
customer is found by search.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from django.db import connection
from django.test.utils import override_settings

from adminsite.metronome import MetronomeSettings
from billing.control.anchor import anchor
from billing.metronome.account import Gateway
from billing.mirror.connection import open_gateway
from billing.mirror.models import RefreshRun
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.customer import queries
from billing.mirror.resources.customer.filters import CustomerFilter
from billing.mirror.runs import Journal

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
ROWS_A_COPY = 1_000
CHANGED_EVERY = 100
DELAY_MS = 20
MIB = 1024 * 1024
TABLES = "billing_customer, billing_customertally, billing_seen"
COPIED = (
    "id",
    "name",
    "external_id",
    "custom_fields",
    "created_at",
    "updated_at",
    "archived_at",
    "raw",
    "fetched_at",
)


@dataclass(slots=True)
class Measured:
    """Seconds of each thing, a round each; what was written, WAL in bytes, and how much memory grew."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    wal_bytes: int = 0
    record_wal_bytes: int = 0
    grown_bytes: int = 0

    def took(self, name: str) -> float:
        """The median of its rounds, in seconds."""
        return statistics.median(self.seconds[name])

    def time(self, name: str, work: Callable[[], Any]) -> Any:
        """Do it and keep how long it took."""
        began = time.perf_counter()
        result = work()
        self.seconds.setdefault(name, []).append(time.perf_counter() - began)
        return result


def measure(size: int) -> Measured:
    """All of it, in a migrated, empty database that this process owns."""
    found = Measured()
    with running(size) as port:
        url = f"http://127.0.0.1:{port}"
        anchor("simulator", url)
        metronome = MetronomeSettings("simulator", url, "token-of-the-stub", 1e6)
        with (
            override_settings(METRONOME=metronome),
            open_gateway() as gateway,
            httpx.Client(base_url=url, trust_env=False) as client,
        ):
            with _like_ours():
                for number in range(ROUNDS):
                    _empty()
                    watching = _growth() if number == 0 else contextlib.nullcontext([0])
                    with watching as peak:
                        run = found.time("first", lambda: _refresh(gateway, size))
                    found.grown_bytes = found.grown_bytes or peak[0]
                    found.written["first"] = run.rows_written
                    _unchanged(found, gateway)
                    found.time("fetching", lambda: _fetch(client))
                    found.time("tight", lambda: _tight(client))
                    client.get(f"/_bench/change?every={CHANGED_EVERY}")
                    changed = found.time("changed", lambda: refresh_account(gateway))
                    found.written["changed"] = changed.rows_written
            client.get(f"/_bench/delay?milliseconds={DELAY_MS}")
            found.time("slow", lambda: refresh_account(gateway))
            found.time("slow fetching", lambda: _fetch(client))
    return found


@contextlib.contextmanager
def running(size: int) -> Iterator[int]:
    """The port of a stub of so many customers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.stub", str(size)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)


def _refresh(gateway: Gateway, size: int) -> RefreshRun:
    """A refresh, and the look-up of the customer that came last."""
    run = refresh_account(gateway)
    last = size - size % 20  # the archived ones come last
    page = queries.customers(CustomerFilter(q=f"account-{last}", status="all"))
    if run.status != "succeeded" or f"account-{last}" not in {row.external_id for row in page.rows}:
        raise SystemExit(f"the refresh {run.status}: {run.error}")
    return run


def _unchanged(found: Measured, gateway: Gateway) -> None:
    before = _wal()
    run = found.time("unchanged", lambda: refresh_account(gateway))
    found.wal_bytes = _wal() - before
    found.written["unchanged"] = run.rows_written
    before = _wal()
    journal = Journal(gateway, RefreshRun.Scope.ACCOUNT)
    for _each in range(-(-run.rows_read // ROWS_A_COPY) + 5):
        journal.progress()
    journal.end()
    found.record_wal_bytes = _wal() - before


def _pages(client: httpx.Client) -> Iterator[list[dict[str, Any]]]:
    for archived in ({}, {"only_archived": "true"}):
        cursor = {}
        while True:
            whole = orjson.loads(
                client.get("/v1/customers", params={"limit": 100, **archived, **cursor}).content
            )
            yield whole["data"]
            if whole["next_page"] is None:
                break
            cursor = {"next_page": whole["next_page"]}


def _fetch(client: httpx.Client) -> None:
    for _rows in _pages(client):
        pass


def _tight(client: httpx.Client) -> None:
    """Every page copied into tables like ours, a thousand rows at a time."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_customer, bench_alias")
        some: list[dict[str, Any]] = []
        for rows in _pages(client):
            some += rows
            if len(some) >= ROWS_A_COPY:
                _copy(cursor, some)
                some = []
        _copy(cursor, some)


def _copy(cursor: Any, rows: list[dict[str, Any]]) -> None:
    with cursor.copy(f"COPY bench_customer ({', '.join(COPIED)}) FROM STDIN") as out:
        for each in rows:
            fields = orjson.dumps(each["custom_fields"]).decode()
            times = (each["created_at"], each["updated_at"], each["archived_at"])
            raw = orjson.dumps(each).decode()
            out.write_row((each["id"], each["name"], each["external_id"], fields, *times, raw, times[1]))
    with cursor.copy("COPY bench_alias (customer_id, alias, fetched_at) FROM STDIN") as out:
        for each in rows:
            for alias in each["ingest_aliases"]:
                out.write_row((each["id"], alias, each["updated_at"]))


@contextlib.contextmanager
def _like_ours() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_customer (LIKE billing_customer INCLUDING ALL)")
        cursor.execute("CREATE TABLE bench_alias (LIKE billing_ingestalias INCLUDING ALL)")
        try:
            yield
        finally:
            cursor.execute("DROP TABLE bench_customer, bench_alias")


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {TABLES} CASCADE")


def _wal() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'")
        return int(cursor.fetchone()[0])


@contextlib.contextmanager
def _growth() -> Iterator[list[int]]:
    """How many bytes this process came to hold beyond what it held before, at its peak."""
    before, peak, is_over = _held(), [0], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.05):
            peak[0] = max(peak[0], _held() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        is_over.set()
        watcher.join()


def _held() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
