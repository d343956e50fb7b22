"""A hanging Redis, a token of another account: nothing is applied or lost, and the cure lets work go on."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

from billing.audit.actors import system
from billing.changes.applying import apply
from billing.changes.models import ChangeRequest
from billing.control import freezing
from billing.metronome.client import Gateway
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
