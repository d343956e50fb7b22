"""Files of a million rows: each beside a bare COPY of the same columns, and what it costs the web process."""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client

from bench.served import serving
from billing.users import User

ROUNDS, MIB = 3, 2**20


@dataclass(frozen=True, slots=True)
class File:
    """A list as a file, and the same rows, columns and order by COPY: no cell guarded, no time in words.

    goal: the share of COPY's speed.
    """

    name: str
    address: str
    sql: str
    goal: float


CUSTOMERS = """
SELECT c.id, c.name, external_id, a.aliases, a.number, p.names, p.ids, custom_fields, created_at, updated_at,
       archived_at, missing_since, fetched_at
  FROM billing_customer c LEFT JOIN billing_heldaliases a ON a.customer_id = c.id
  LEFT JOIN billing_heldplans p ON p.customer_id = c.id
 WHERE archived_at IS NULL AND missing_since IS NULL ORDER BY sort_name, name, id"""
CONTRACTS = """
SELECT fetched_at, missing_since, id, customer_id, name, starting_at, ending_before, archived_at,
       rate_card_id, package_id, custom_fields
  FROM billing_contract ORDER BY sort_name, id"""
RECORD = """
SELECT e.id, occurred_at, event_type, actor_text, actor_id, u.username, actor_role, subject_type, subject_id,
       subject_text, customer_id, customer_name, reference, old, new, reason, digest, host(e.ip), user_agent,
       request_id
  FROM billing_auditevent e LEFT JOIN billing_user u ON u.id = e.actor_id ORDER BY occurred_at, e.id"""
FILES = (
    File("customers", "/customers.csv", CUSTOMERS, 0.5),
    File("contracts", "/contracts.csv?status=all", CONTRACTS, 0.8),
    File("record", "/audit/export.csv", RECORD, 0.8),
)


@dataclass(frozen=True, slots=True)
class Costs:
    """Of a file as it is served: milliseconds to its first byte and to its last, and what memory grew by."""

    first: float
    last: float
    grown_bytes: int


def measure(person: User) -> list[tuple[File, float, float]]:
    """Each file with the medians of ours and of COPY, in milliseconds; in turn: both share a busy minute."""
    browser = Client()
    browser.force_login(person)
    found = []
    for file in FILES:
        ours, copy = [], []
        for _ in range(ROUNDS):
            ours.append(_timed(_take, browser, file.address))
            copy.append(_timed(_copy, file.sql))
        found.append((file, statistics.median(ours), statistics.median(copy)))
    return found


def measure_served(person: User) -> dict[str, Costs]:
    """The same from a web process as shipped, each once after a first time: by the file's name."""
    browser = Client()
    browser.force_login(person)
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value
    found = {}
    with serving(1) as (port, parent):
        for file in FILES:
            for _ in range(2):
                found[file.name] = _fetched(port, file.address, cookie, parent)
    return found


def _timed(work: Callable[..., None], *given: Any) -> float:
    began = time.perf_counter()
    work(*given)
    return (time.perf_counter() - began) * 1000


def _take(browser: Client, address: str) -> None:
    for _block in browser.get(address).streaming_content:
        pass


def _copy(sql: str) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT csv)") as out:
        for _block in out:
            pass


def _fetched(port: int, address: str, cookie: str, parent: int) -> Costs:
    held = f"{settings.SESSION_COOKIE_NAME}={cookie}"
    where = f"Host: 127.0.0.1:{port}\r\nConnection: close"
    asked = f"GET {address} HTTP/1.1\r\n{where}\r\nCookie: {held}\r\n\r\n"
    sizes, is_over = [_resident(parent)], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.05):
            sizes.append(_resident(parent))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=600) as client:
            began, first = time.perf_counter(), 0.0
            client.sendall(asked.encode())
            while client.recv(65_536):
                first = first or (time.perf_counter() - began) * 1000
            last = (time.perf_counter() - began) * 1000
    finally:
        is_over.set()
        watching.join()
    return Costs(first, last, max(sizes) - sizes[0])


def _resident(parent: int) -> int:
    """The resident memory of a process and of those that it started, in bytes."""
    pages = 0
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(folder.name) == parent or int(stat[1]) == parent:
                pages += int((folder / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
