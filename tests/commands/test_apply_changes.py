"""Applying by hand: one sweep, and what became of each request."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from billing.audit.actors import person
from billing.control import freezing
from billing.metronome.account import Gateway
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import approve, mirrored, propose


def apply() -> str:
    said = io.StringIO()
    call_command("apply_changes", stdout=said)
    return said.getvalue()


@pytest.mark.usefixtures("house")
def test_nothing_to_do_is_said() -> None:
    assert apply() == "0 requests were looked at.\n"


def test_an_approved_request_is_applied_once_and_told(
    gateway: Gateway, simulator: RunningSimulator, maker: User, checker: User
) -> None:
    snapshot = mirrored(gateway, simulator)
    change = approve(propose("customer.rename", maker, {"name": "Larkspur"}, snapshot=snapshot), checker)

    first, second = apply(), apply()

    change.refresh_from_db()
    assert change.status == "applied"
    assert simulator.customer(id=snapshot["id"])["name"] == "Larkspur"
    assert f"{change.reference}  Request applied" in first
    assert first.endswith("1 request was looked at.\n")
    assert second == "0 requests were looked at.\n"


def test_while_frozen_nothing_is_sent_and_the_reason_is_told(
    gateway: Gateway, simulator: RunningSimulator, maker: User, checker: User, administrator: User
) -> None:
    snapshot = mirrored(gateway, simulator)
    change = approve(propose("customer.rename", maker, {"name": "Larkspur"}, snapshot=snapshot), checker)
    freezing.freeze(person(administrator), "month end")
    before = simulator.ledger()

    said = apply()

    change.refresh_from_db()
    assert change.status == "approved"
    assert simulator.ledger() == before
    assert said == "0 requests were looked at.\nApplying is frozen: month end\n"
