"""The crash table: a worker dies by SIGKILL at every step of applying, for each operation.

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

import httpx
import pytest
from django.db import connection

from billing.changes import sealed
from billing.changes.applying import sweeping
from billing.changes.asking.kinds.billing.fields import Billing
from billing.changes.asking.survey import read_survey
from billing.changes.models import CallStatus, ChangeRequest
from billing.metronome.account import Gateway
from billing.mirror.refresh import refresh_account
from billing.mirror.resources import plan as plans
from billing.mirror.resources.subscription import subscriptions
from billing.users import User
from local.testing import environment_for
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
KINDS = ["customer.create", "customer.rename", "customer.realias", "customer.archive"]
"""One of each way in which what a call did to a customer is found."""
LATER = [
    "customer.set_fields",
    "customer.delete_fields",
    "plan.add",
    "plan.end",
    "billing.set",
    "billing.archive",
    "contract.rename",
    "contract.end",
]
"""The others: after their bytes have left in `make test`, at every step in `make faults`."""
SENT = ("send", "after")
FAMILIES = {*KINDS, "plan.add", "contract.rename"}
"""And one found as new in a list, one by its unique key: each family dies at every step in `make test`.

What is done here and not in Metronome has its table in `tests/changes/test_policy_replace.py`.
"""
STRIPE = {"stripe_customer_id": "cus_crash", "stripe_collection_method": "send_invoice"}


def approved_request(
    kind: str,
    snapshot: dict[str, Any],
    gateway: Gateway,
    maker: User,
    checkers: tuple[User, User],
) -> ChangeRequest:
    """An approved request of this kind with exactly one call."""
    if kind == "customer.create":
        entered = {"name": "Crash Test AB", "ingest_aliases": ["crash-test"], "custom_fields": {}}
        return approve(propose(kind, maker, entered), checkers[0])
    if kind == "customer.rename":
        return approve(propose(kind, maker, {"name": "Crash Test"}, snapshot=snapshot), checkers[0])
    if kind == "customer.realias":
        entered = {"ingest_aliases": [*snapshot["ingest_aliases"], "crash-test"]}
        return approve(propose(kind, maker, entered, snapshot=snapshot), checkers[0])
    entered, survey = entered_for(kind, snapshot, gateway)
    change = propose(kind, maker, entered, snapshot=snapshot, survey=survey)
    return approve(change, *checkers[: change.steps.get().people])


def entered_for(
    kind: str, snapshot: dict[str, Any], gateway: Gateway
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """What is entered for one of the other kinds, and what is read before it, where anything is."""
    if kind == "customer.set_fields":
        return {"custom_fields": {"segment": "crash test"}}, None
    if kind == "customer.delete_fields":
        return {"keys": ["segment"]}, None
    if kind == "plan.add":
        refresh_account(gateway, pauses=())
        plan_id = str(plans.plans_on_offer()[0].id)
        terms = {"net_payment_terms_days": None, "trial_days": None}
        return {"plan_id": plan_id, "starting_on": "2031-01-01", "ending_before": "", **terms}, None
    if kind == "plan.end":
        refresh_account(gateway, pauses=())
        of = str(subscriptions(snapshot["id"])[0].pk)
        return {"customer_plan_id": of, "how": "ends", "ending_before": "2031-01-01"}, None
    if kind == "billing.archive":
        others_set_billing(gateway, snapshot["id"])
    if kind.startswith("contract."):
        others_make_a_contract(gateway, snapshot["id"])
    survey = read_survey(gateway, snapshot["id"])
    if kind == "billing.set":
        return {"billing": Billing("stripe", STRIPE, "direct_to_billing_provider", "")}, survey
    if kind == "billing.archive":
        return {"configuration_ids": list(survey["billing"])}, survey
    if kind == "contract.rename":
        return {"contract_id": survey["contracts"][-1]["id"], "name": "Crash test order"}, survey
    if kind == "contract.end":
        ends = {"how": "ends", "ending_before": "2031-01-01", "cuts_invoices": False}
        return {"contract_id": survey["contracts"][-1]["id"], **ends}, survey
    return {"clear_aliases": False, "open_business_reason": "moved"}, survey


def others_set_billing(gateway: Gateway, customer_id: str) -> None:
    """Somebody else gives the customer a billing configuration, straight at the simulator."""
    row = {
        "customer_id": customer_id,
        "billing_provider": "stripe",
        "delivery_method": "direct_to_billing_provider",
        "configuration": STRIPE,
    }
    asked = {"what": "POST /v1/setCustomerBillingProviderConfigurations", "body": {"data": [row]}}
    answer = httpx.post(f"{gateway.config.base_url}/_sim/change", json=asked, trust_env=False, timeout=30)
    answer.raise_for_status()


def others_make_a_contract(gateway: Gateway, customer_id: str) -> None:
    """Somebody else gives the customer a contract without an end, straight at the simulator."""
    body = {"customer_id": customer_id, "starting_at": "2030-01-01T00:00:00Z", "name": "An order"}
    asked = {"what": "POST /v1/contracts/create", "body": body}
    answer = httpx.post(f"{gateway.config.base_url}/_sim/change", json=asked, trust_env=False, timeout=30)
    answer.raise_for_status()


def ours(simulator: RunningSimulator) -> list[dict[str, Any]]:
    """The effects of our own calls, by their user agent."""
    return [effect for effect in simulator.ledger() if effect["user_agent"].startswith("countersign/")]


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


def killed(change: ChangeRequest, step: str, when: str, simulator: RunningSimulator) -> None:
    """Run a worker on this request that dies at the step."""
    died = subprocess.run(
        [sys.executable, str(ROOT / "tests/faults/crashing_worker.py"), str(change.pk), step, when],
        cwd=ROOT,
        env=live_environment(simulator) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
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


@pytest.mark.parametrize(
    ("step", "when", "kind"),
    [
        pytest.param(
            *row, kind, marks=() if kind in FAMILIES or row == ("send", "after") else pytest.mark.rows
        )
        for row in STEPS
        for kind in (*KINDS, *LATER)
    ],
)
def test_a_killed_worker_costs_time_never_a_second_effect(
    kind: str,
    step: str,
    when: str,
    snapshot: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    checker2: User,
) -> None:
    change = approved_request(kind, snapshot, gateway, maker, (checker, checker2))

    killed(change, step, when, simulator)
    recover(change, gateway)

    assert change.status == "applied", change.explanation
    (effect,) = ours(simulator)
    (call,) = change.calls.all()
    assert call.status == CallStatus.APPLIED
    sent = sealed.read(change.sealed).calls[0]
    assert effect["route"].startswith(sent.http.method)


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
    snapshot: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    settings: Any,
) -> None:
    settings.SETTLE_SECONDS = 3
    change = approved_request("customer.rename", snapshot, gateway, maker, (checker, checker))
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
    snapshot: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    redis: Any,
) -> None:
    change = approved_request("customer.rename", snapshot, gateway, maker, (checker, checker))
    redis.flushdb()

    recover(change, gateway)

    assert change.status == "applied"
    assert len(simulator.ledger()) == 1


def _wait_until(true: Any, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
