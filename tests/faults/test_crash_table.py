"""The crash table: a worker dies by SIGKILL at every step of applying, for each kind that there is.

Each row ends with exactly one effect in the simulator's ledger, or with a person asked. Never two effects.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from billing.changes.applying import sweeping
from billing.changes.asking.kinds import KINDS
from billing.changes.asking.survey import read_survey
from billing.changes.models import ChangeRequest
from billing.metronome.account import Gateway
from billing.users import User
from local.testing import environment_for
from tests.faults.asked import approved_request, assert_each_call_took_effect_once, is_done_here
from tests.simulator_server import TOKEN, RunningSimulator
from tests.world import approve, propose

ROOT = Path(__file__).resolve().parents[2]
STEPS = [
    ("claim", "after"),
    ("verify", "after"),
    ("check", "before"),
    ("check", "after"),
    ("token", "after"),
    ("journal", "before"),
    ("journal", "after"),
    ("send", "before"),
    ("send", "after"),
    ("file", "before"),
    ("file", "after"),
    ("finish", "before"),
    ("finish", "after"),
]
STEPS_HERE = [
    ("claim", "after"),
    ("verify", "after"),
    ("check", "before"),
    ("check", "after"),
    ("record", "before"),
    ("record", "after"),
    ("finish", "before"),
    ("finish", "after"),
]
"""Of what is done here and not in Metronome: its record is written in the transaction that does it."""
ONCE = {"claim", "verify", "finish"}
"""Steps of a request; the others are steps of each call, and the worker dies at that of the last."""
FAMILIES = {
    "customer.create",
    "customer.rename",
    "customer.realias",
    "customer.archive",
    "plan.add",
    "contract.rename",
    "policy.replace",
}
"""One of each way in which an effect is found, and one of ours: these die at every step in `make test`."""
LEFT = [("send", "after"), ("record", "after")]
"""When the effect is there, or about to be, and nothing says so: every kind dies here in `make test`."""
WORKER = ROOT / "tests/faults/crashing_worker.py"


def rows() -> list[Any]:
    """A row for each kind that there is and each step; those that only `make faults` takes are marked."""
    return [
        pytest.param(*step, kind, marks=() if kind in FAMILIES or step in LEFT else pytest.mark.rows)
        for kind in KINDS
        for step in (STEPS_HERE if is_done_here(kind) else STEPS)
    ]


def live_environment(simulator: RunningSimulator) -> dict[str, str]:
    """The environment of a live worker on this test's database and simulator."""
    parts = connection.settings_dict
    url = f"postgresql://{parts['USER']}:{parts['PASSWORD']}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"
    return environment_for(
        "worker-changes",
        database_url=url,
        METRONOME_BASE_URL=simulator.url,
        METRONOME_BEARER_TOKEN=TOKEN,
        METRONOME_REQUESTS_PER_SECOND="1000",
        WRITE_DEADLINE_SECONDS="5",
        LEASE_SECONDS="20",
        LEASE_MARGIN_SECONDS="1",
        SETTLE_SECONDS="5",
    )


def killed(
    change: ChangeRequest,
    step: str,
    when: str,
    simulator: RunningSimulator,
    nth: int = 1,
    worker: Path = WORKER,
) -> None:
    """Run a worker on this request that dies at the step, the nth time that it gets there."""
    died = subprocess.run(
        [sys.executable, str(worker), str(change.pk), step, when, str(nth)],
        cwd=ROOT,
        env=live_environment(simulator) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr


def let_time_pass(change: ChangeRequest) -> None:
    """Leases run out and pauses end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_changerequest SET next_try_at = NULL, "
            "lease_until = CASE WHEN lease_until IS NULL THEN NULL ELSE now() - interval '1 second' END "
            "WHERE id = %s",
            [change.pk],
        )


def recover(change: ChangeRequest, gateway: Gateway) -> None:
    """What the sweep does from then on, until the request is settled or asks a person."""
    for _round in range(8):
        change.refresh_from_db()
        if change.is_settled or change.needs_person:
            return
        let_time_pass(change)
        sweeping.sweep(gateway)
    change.refresh_from_db()


@pytest.mark.parametrize(("step", "when", "kind"), rows())
def test_a_killed_worker_costs_time_never_a_second_effect(
    kind: str,
    step: str,
    when: str,
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    checker2: User,
) -> None:
    change = approved_request(kind, gateway, maker, (checker, checker2))

    killed(change, step, when, simulator, 1 if step in ONCE else change.calls.count())
    recover(change, gateway)

    assert change.status == "applied", change.explanation
    assert_each_call_took_effect_once(change, simulator)


def test_an_archiving_killed_between_its_two_calls_goes_on_with_the_second(
    snapshot: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    checker2: User,
) -> None:
    survey = read_survey(gateway, snapshot["id"])
    entered = {"clear_aliases": True, "open_business_reason": "moved"}
    change = propose("customer.archive", maker, entered, snapshot=snapshot, survey=survey)
    approve(change, checker, checker2)

    killed(change, "file", "after", simulator)
    assert len(simulator.ledger()) == 1
    recover(change, gateway)

    assert change.status == "applied"
    assert [effect["route"].rpartition("/")[2] for effect in simulator.ledger()] == [
        "setIngestAliases",
        "archive",
    ]


def test_a_request_that_lands_after_the_worker_died_is_found_and_not_repeated(
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    settings: Any,
) -> None:
    settings.SETTLE_SECONDS = 3
    change = approved_request("customer.rename", gateway, maker, (checker, checker))
    simulator.fault("POST /v1/customers/{customer_id}/setName", "hang_before", seconds=2.0)
    worker = subprocess.Popen(
        [sys.executable, "-m", "django", "apply_changes"],
        cwd=ROOT,
        env=live_environment(simulator) | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    _wait_until(lambda: simulator.control("GET", "faults")["data"] == [])  # the bytes have arrived
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert simulator.ledger() == []

    let_time_pass(change)
    sweeping.sweep(gateway)
    change.refresh_from_db()
    assert change.status == "unknown"
    _wait_until(lambda: len(simulator.ledger()) == 1)
    recover(change, gateway)

    assert change.status == "applied"
    assert len(simulator.ledger()) == 1
    assert change.calls.get().attempts.count() == 1


def test_an_emptied_redis_between_approval_and_apply_loses_nothing(
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    redis: Any,
) -> None:
    change = approved_request("customer.rename", gateway, maker, (checker, checker))
    redis.flushdb()

    recover(change, gateway)

    assert change.status == "applied"
    assert len(simulator.ledger()) == 1


def _wait_until(true: Any, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
