"""A hanging Redis, a token of another account: nothing is applied or lost, and the cure lets work go on."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from billing.audit.actors import system
from billing.changes.agreeing import resolving
from billing.changes.applying import apply, settling
from billing.changes.models import ChangeRequest
from billing.changes.statuses import Status
from billing.control import freezing
from billing.metronome.account import Gateway
from billing.mirror.connection import open_gateway
from tests.changes.test_apply import settle_until_known
from tests.simulator_server import OTHER_ACCOUNT_TOKEN, RunningSimulator


def test_a_hanging_redis_stops_reads_and_so_writes_until_it_is_back(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, settings: Any
) -> None:
    working = settings.REDIS_URL
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with open_gateway() as starved:
            apply.apply_change(approved.pk, starved)
    approved.refresh_from_db()
    assert approved.status == "approved"
    assert "Redis" in approved.explanation
    assert simulator.ledger() == []

    settings.REDIS_URL = working
    settle_until_known(approved, gateway)
    assert approved.status == "applied"
    assert len(simulator.ledger()) == 1


def test_a_token_of_another_account_halts_everything_with_the_reason(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, settings: Any
) -> None:
    ours = settings.METRONOME
    settings.METRONOME = replace(ours, bearer_token=OTHER_ACCOUNT_TOKEN)
    with open_gateway() as stranger:
        apply.apply_change(approved.pk, stranger)
    approved.refresh_from_db()
    assert approved.status == "approved"
    assert freezing.state().frozen
    assert "another Metronome account" in freezing.state().reason
    assert simulator.ledger() == []

    settings.METRONOME = ours
    freezing.unfreeze(system("cure"), "the right token is back")
    settle_until_known(approved, gateway)
    assert approved.status == "applied"


def test_a_doubt_that_nobody_can_look_into_for_an_hour_is_open_to_a_persons_word_and_to_a_later_look(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.fault("POST /v1/customers/{customer_id}/setName", "drop_after")
    apply.apply_change(approved.pk, gateway)
    simulator.fault("GET /v1/customers/{customer_id}", "status_before", status=503, count=None)

    settle_until_known(approved, gateway, most=2)
    assert (approved.status, resolving.options(approved)) == ("unknown", ())
    monkeypatch.setattr(settling, "ASK_WITHOUT_A_LOOK", timedelta(0))
    settle_until_known(approved, gateway)
    assert resolving.options(approved) == resolving.OPTIONS[Status.UNKNOWN]
    assert approved.explanation.startswith("Metronome could not be asked: Metronome answered 503")

    simulator.control("DELETE", "faults")
    ChangeRequest.objects.update(next_try_at=None)
    settling.settle_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert (approved.status, approved.needs_person) == ("applied", False)
    assert len(simulator.ledger()) == 1
