"""A name that only grows: the old one is then a beginning of ours, and no shortened form of it."""

from __future__ import annotations

from typing import Any

import pytest

from billing.changes.applying import apply
from billing.changes.models import ChangeRequest
from billing.metronome.account import Gateway
from billing.mirror.refresh import refresh_customer
from billing.mirror.resources.customer import queries as mirror
from billing.users import User
from tests.changes.test_apply import SET_NAME, settle_until_known
from tests.faults.answers import forget
from tests.simulator_server import RunningSimulator
from tests.world import approve, propose

OLD = "Halcyon Freight and Forwarding of Northern Europe"
NEW = f"{OLD} GmbH"


@pytest.fixture
def growing(
    snapshot: dict[str, Any], gateway: Gateway, simulator: RunningSimulator, maker: User, checker: User
) -> ChangeRequest:
    """An approved renaming from a long name to one that begins with it."""
    simulator.change("rename", snapshot["id"], name=OLD)
    refresh_customer(gateway, snapshot["id"])
    grown = propose("customer.rename", maker, {"name": NEW}, snapshot=mirror.snapshot(snapshot["id"]))
    return approve(grown, checker)


def names(simulator: RunningSimulator) -> list[str]:
    """Each name that was set, in order; the first makes the test's beginning."""
    return [effect["after"]["name"] for effect in simulator.ledger()]


def test_a_renaming_that_never_arrived_is_not_taken_for_one_that_metronome_shortened(
    growing: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault(SET_NAME, "drop_before")

    apply.apply_change(growing.pk, gateway)
    settle_until_known(growing, gateway)

    assert (growing.status, names(simulator)) == ("applied", [OLD, NEW]), growing.explanation
    assert growing.calls.get().attempts.count() == 2


def test_a_replayed_answer_does_not_make_the_old_name_ours(
    growing: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault(SET_NAME, "drop_after")
    apply.apply_change(growing.pk, gateway)
    simulator.change("rename", str(growing.customer_id), name=OLD)
    forget(simulator, "audit_log")

    settle_until_known(growing, gateway)

    assert (growing.status, growing.needs_person) == ("unknown", True), growing.explanation
    assert names(simulator) == [OLD, NEW, OLD]
    assert growing.calls.get().attempts.count() == 2
