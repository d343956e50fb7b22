"""Measure how fast threads of a worker apply requests against a slow Metronome, beside plain threads.

Metronome is the simulator, a process of its own, with LATENCY_SECONDS added to every answer. The limit is as
many plain threads that send the same number of requests a change, over connections they keep, and no more.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.test.utils import override_settings

from adminsite.metronome import MetronomeSettings
from bench import growing, simulator
from billing.audit.actors import person
from billing.changes import sealed
from billing.changes.agreeing import deciding
from billing.changes.applying import sweeping
from billing.changes.asking import submitting
from billing.changes.asking.kinds import KINDS
from billing.changes.models import ChangeRequest, Verdict
from billing.changes.moves import database_now
from billing.metronome.client import Gateway
from billing.mirror import queries as mirror
from billing.mirror.connection import open_gateway
from billing.mirror.refresh import store_customer
from billing.users import User

LATENCY_SECONDS = 0.05
THREADS = (8, 32)
CHANGES_A_THREAD = 4
MOST_ALIASES = 20
GOAL = 0.8


@dataclass(frozen=True, slots=True)
class Speed:
    """What so many threads did: changes a second, beside the limit's, and requests a change."""

    threads: int
    ours: float
    limit: float
    requests_a_change: float


def measure() -> list[Speed]:
    """Apply alias changes with each number of threads, one after another, in a migrated, empty database."""
    growing.install_policy()
    maker, checker = (
        User.objects.create_user(username=role, password=None, name=role, role=role)
        for role in ("finance", "manager")
    )
    most = sum(THREADS) * CHANGES_A_THREAD
    with simulator.running(2 * most) as (caller, _seconds):
        metronome = MetronomeSettings("simulator", f"http://127.0.0.1:{caller.port}", "simulator-token", 1e6)
        with override_settings(METRONOME=metronome), open_gateway() as gateway:
            snapshots = list(itertools.islice(_mirrored(gateway), most))
            _control(caller, "latency", {"seconds": LATENCY_SECONDS})
            return [
                _speed(
                    threads,
                    [snapshots.pop() for _each in range(threads * CHANGES_A_THREAD)],
                    caller,
                    maker,
                    checker,
                )
                for threads in THREADS
            ]


def _speed(
    threads: int, snapshots: list[dict[str, Any]], caller: simulator.Caller, maker: User, checker: User
) -> Speed:
    changes = [_approved(snapshot, maker, checker) for snapshot in snapshots]
    with open_gateway() as gateway:
        spent = gateway.requests_spent
        seconds = _together(threads, lambda: sweeping.apply_due(gateway))
        requests = gateway.requests_spent - spent
    applied = ChangeRequest.objects.filter(pk__in=[each.pk for each in changes], status="applied").count()
    if applied != len(changes):
        raise SystemExit(f"{applied} of {len(changes)} changes were applied")
    tickets = iter(range(requests))
    plainly = _together(threads, lambda: _ask_plainly(caller.port, tickets, snapshots[0]["id"]))
    return Speed(threads, applied / seconds, applied / plainly, requests / applied)


def _mirrored(gateway: Gateway) -> Iterator[dict[str, Any]]:
    """Active customers with ordinary numbers of aliases, brought into the mirror."""
    cursor = None
    while True:
        asked_at, page = database_now(), gateway.customers_page(archived=False, cursor=cursor)
        for record in page.items:
            if len(record.ingest_aliases) > MOST_ALIASES:
                continue
            store_customer(record, asked_at)
            yield mirror.snapshot(record.id)
        cursor = page.next_cursor


def _approved(snapshot: dict[str, Any], maker: User, checker: User) -> ChangeRequest:
    aliases = [*snapshot["ingest_aliases"], f"bench-{snapshot['id']}"]
    proposal = KINDS["customer.realias"].build({"ingest_aliases": aliases}, snapshot=snapshot)
    change = submitting.submit(proposal, actor=person(maker), reason="measured")
    deciding.decide(
        change.pk,
        actor=person(checker),
        verdict=Verdict.APPROVE,
        reason="measured",
        digest=change.digest,
        typed=sealed.read(change.sealed).subject_text,
    )
    return change


def _together(threads: int, work: Callable[[], object]) -> float:
    """Seconds until so many threads, begun at once, have done the work."""

    def run() -> None:
        start.wait()
        try:
            work()
        finally:
            connections.close_all()

    start = threading.Barrier(threads + 1)
    running = [threading.Thread(target=run) for _each in range(threads)]
    for thread in running:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in running:
        thread.join()
    return time.perf_counter() - began


def _ask_plainly(port: int, tickets: Iterator[int], customer_id: str) -> None:
    asked = simulator.request(f"/v1/customers/{customer_id}")
    with contextlib.closing(simulator.Caller(port)) as caller:
        for _ticket in tickets:
            caller.ask(asked)


def _control(caller: simulator.Caller, what: str, body: object) -> None:
    status, _answer = caller.ask(simulator.request(f"/_sim/{what}", body))
    if status != 200:
        raise SystemExit(f"the simulator answered {status}")
