"""Measure how fast worker processes apply requests against a slow Metronome, beside plain threads.

Metronome is the simulator, a process of its own, with LATENCY_SECONDS added to every answer. The limit is as
many plain threads in one process that send what a change sends and do nothing else: its reads over a
connection that each thread keeps, and its write over a fresh one.
"""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection
from django.test.utils import override_settings

from adminsite.metronome import MetronomeSettings
from bench import growing, simulator
from bench.together import together
from billing.audit.actors import person
from billing.changes import sealed
from billing.changes.agreeing import deciding
from billing.changes.asking import submitting
from billing.changes.asking.basis import Basis
from billing.changes.asking.kinds import KINDS
from billing.changes.models import ChangeRequest, Verdict
from billing.changes.moves import database_now
from billing.metronome.account import Gateway
from billing.metronome.objects.customer import customers
from billing.mirror.connection import open_gateway
from billing.mirror.refresh import store_customer
from billing.mirror.resources.customer import queries as mirror
from billing.users import User
from local.testing import environment_for

LATENCY_SECONDS = 0.05
WORKERS = ((1, 8), (1, 32), (2, 16), (4, 8))
"""Processes, and threads of each."""
CHANGES_A_THREAD = 4
ROOT = Path(__file__).resolve().parent.parent
TOKEN = "simulator-token"  # noqa: S105 the simulator's
MOST_ALIASES = 20
GOAL = 0.8


@dataclass(frozen=True, slots=True)
class Speed:
    """What so many processes did: changes a second, beside the limit's; requests and the workers' own
    processor time a change."""

    processes: int
    threads: int
    ours: float
    limit: float
    requests_a_change: float
    cpu_ms_a_change: float


def measure() -> list[Speed]:
    """Apply alias changes with each of WORKERS, one after another, in a migrated, empty database."""
    growing.install_policy()
    maker, checker = (
        User.objects.create_user(username=role, password=None, name=role, role=role)
        for role in ("finance", "manager")
    )
    most = sum(processes * threads for processes, threads in WORKERS) * CHANGES_A_THREAD
    with simulator.running(2 * most) as (caller, _seconds):
        metronome = MetronomeSettings("simulator", f"http://127.0.0.1:{caller.port}", TOKEN, 1e6)
        with override_settings(METRONOME=metronome), open_gateway() as gateway:
            snapshots = list(itertools.islice(_mirrored(gateway), most))
            _control(caller, "latency", {"seconds": LATENCY_SECONDS})
            speeds = []
            for processes, threads in WORKERS:
                wanted = [snapshots.pop() for _each in range(processes * threads * CHANGES_A_THREAD)]
                changes = [_approved(snapshot, maker, checker) for snapshot in wanted]
                speeds.append(_speed(processes, threads, changes, caller.port))
            return speeds


def _speed(processes: int, threads: int, changes: list[ChangeRequest], port: int) -> Speed:
    seconds, requests, cpu_ms = _apply(processes, threads, port)
    applied = ChangeRequest.objects.filter(pk__in=[each.pk for each in changes], status="applied").count()
    if applied != len(changes):
        raise SystemExit(f"{applied} of {len(changes)} changes were applied")
    tickets = iter([str(change.customer_id) for change in changes])
    reads = round(requests / applied) - 1
    plainly = together(processes * threads, lambda: _ask_plainly(port, tickets, reads))
    return Speed(
        processes, threads, applied / seconds, applied / plainly, requests / applied, cpu_ms / applied
    )


def _apply(processes: int, threads: int, port: int) -> tuple[float, int, float]:
    """Seconds until worker processes have applied all that is due; the requests and processor time of it."""
    environment = environment_for(
        "worker-changes",
        database_url=database_url(),
        METRONOME_BASE_URL=f"http://127.0.0.1:{port}",
        METRONOME_BEARER_TOKEN=TOKEN,
        METRONOME_REQUESTS_PER_SECOND="1000",
        DATABASE_POOL_SIZE=str(threads + 1),
        LOG_LEVEL="ERROR",
    )
    command = [sys.executable, "-m", "bench.worker", str(threads)]
    with contextlib.ExitStack() as ending:
        workers = [
            ending.enter_context(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _each in range(processes)
        ]
        for worker in workers:
            if worker.stdout.readline() != "ready\n":
                raise SystemExit("a worker of the bench did not start")
        began = time.perf_counter()
        for worker in workers:
            worker.stdin.write("begin\n")
            worker.stdin.flush()
        spent = [worker.stdout.readline().split() for worker in workers]
        seconds = time.perf_counter() - began
        return seconds, sum(int(requests) for requests, _ in spent), sum(float(ms) for _, ms in spent)


def database_url() -> str:
    """The database that is measured, for processes of their own."""
    to = connection.settings_dict
    return f"postgresql://{to['USER']}:{to['PASSWORD']}@{to['HOST']}:{to['PORT']}/{to['NAME']}"


def _mirrored(gateway: Gateway) -> Iterator[dict[str, Any]]:
    """Active customers with ordinary numbers of aliases, brought into the mirror."""
    cursor = None
    while True:
        asked_at, page = database_now(), gateway.page(customers(archived=False), cursor)
        for record in page.items:
            if len(record.ingest_aliases) > MOST_ALIASES:
                continue
            store_customer(record, asked_at)
            yield mirror.snapshot(record.id)
        cursor = page.next_cursor


def _approved(snapshot: dict[str, Any], maker: User, checker: User) -> ChangeRequest:
    aliases = [*snapshot["ingest_aliases"], f"bench-{snapshot['id']}"]
    proposal = KINDS["customer.realias"].build({"ingest_aliases": aliases}, Basis.of("customer", snapshot))
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


def _ask_plainly(port: int, tickets: Iterator[str], reads: int) -> None:
    """For each customer that is left what one change of it asks of Metronome."""
    with contextlib.closing(simulator.Caller(port)) as kept:
        for customer_id in tickets:
            path = f"/v1/customers/{customer_id}"
            for _each in range(reads):
                kept.ask(simulator.request(path))
            body = {"ingest_aliases": [f"bench-{customer_id}"]}
            written = simulator.request(f"{path}/setIngestAliases", body, key=f"plain-{customer_id}")
            with contextlib.closing(simulator.Caller(port)) as fresh:
                if (status := fresh.ask(written)[0]) != 200:
                    raise SystemExit(f"the simulator answered {status}")


def _control(caller: simulator.Caller, what: str, body: object) -> None:
    status, _answer = caller.ask(simulator.request(f"/_sim/{what}", body))
    if status != 200:
        raise SystemExit(f"the simulator answered {status}")
