"""Opening the gateway: only with settings that are whole, and only for the account that is ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from adminsite.metronome import MetronomeSettings
from billing.audit.actors import system
from billing.audit.models import AuditEvent
from billing.changes.applying import preflight
from billing.changes.asking import survey
from billing.control import freezing
from billing.control.anchor import AnchorMismatch, installation
from billing.metronome.account import Gateway
from billing.metronome.outcomes import Halt
from billing.mirror import connection
from billing.mirror.connection import budget_snapshot, ensure_account, open_gateway
from billing.mirror.models import RefreshRun
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.customer.models import Customer
from billing.users import User
from tests.simulator_server import OTHER_ACCOUNT_TOKEN, TOKEN, RunningSimulator
from tests.world import mirrored, propose


def test_settings_without_a_token_open_nothing(house: None, settings: Any) -> None:
    settings.METRONOME = MetronomeSettings("simulator", "http://127.0.0.1:1", "", 5.0)

    with pytest.raises(ImproperlyConfigured):
        open_gateway()


def test_another_environment_opens_nothing(house: None, settings: Any) -> None:
    settings.METRONOME = replace(settings.METRONOME, environment="sandbox")

    with pytest.raises(AnchorMismatch, match="this database belongs to simulator"):
        open_gateway()


def test_a_new_token_is_trusted_while_nothing_is_mirrored_and_noted_once(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    ensure_account(gateway)
    ensure_account(gateway)

    assert installation().token_fingerprint == gateway.config.token_fingerprint
    assert TOKEN not in installation().token_fingerprint
    assert AuditEvent.objects.filter(new__token=gateway.config.token_fingerprint).count() == 1
    assert gateway.requests_spent == 0


def test_a_token_of_another_account_halts_and_is_not_noted(gateway: Gateway, settings: Any) -> None:
    refresh_account(gateway)
    before = installation().token_fingerprint
    settings.METRONOME = replace(settings.METRONOME, bearer_token=OTHER_ACCOUNT_TOKEN)

    with open_gateway() as other, pytest.raises(Halt, match="belongs to another Metronome account"):
        ensure_account(other)

    assert installation().token_fingerprint == before


def test_a_foreign_token_stops_checks_and_surveys_and_then_costs_no_request(
    gateway: Gateway, simulator: RunningSimulator, settings: Any, maker: User
) -> None:
    snapshot = mirrored(gateway, simulator)
    refresh_account(gateway)
    change = propose("customer.rename", maker, {"name": "Halcyon Freight"}, snapshot=snapshot)
    asked = survey.ask(snapshot["id"], asked_by=maker)
    settings.METRONOME = replace(settings.METRONOME, bearer_token=OTHER_ACCOUNT_TOKEN)

    with open_gateway() as other:
        preflight.check_change(change.pk, other)
        spent = other.requests_spent
        survey.answer(asked.uuid, other)
        preflight.check_change(change.pk, other)

        assert other.requests_spent == spent == 2
    change.refresh_from_db()
    asked.refresh_from_db()
    assert (change.status, change.checked_at) == ("submitted", None)
    assert "another Metronome account" in change.check_error
    assert "another Metronome account" in asked.error
    assert asked.content is None
    assert freezing.state().cause == "halt"


def test_another_world_behind_the_same_token_is_noticed_after_a_restart_or_a_doubt(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    refresh_account(gateway)
    simulator.reset(seed=8)
    ensure_account(gateway)

    connection._answers.clear()
    with pytest.raises(Halt, match="none of 20 mirrored customers is in it"):
        ensure_account(gateway)
    assert freezing.state().frozen

    simulator.reset()
    freezing.unfreeze(system("cure"), "the right world is back")
    ensure_account(gateway)
    simulator.reset(seed=8)
    RefreshRun.objects.create(scope="account", status="failed")
    with pytest.raises(Halt):
        ensure_account(gateway)


def test_customers_of_another_world_do_not_vouch_for_it(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    refresh_account(gateway)
    before = set(Customer.objects.values_list("pk", flat=True))
    simulator.reset(seed=8)
    assert refresh_account(gateway).status == "failed"
    assert set(Customer.objects.values_list("pk", flat=True)) > before

    with pytest.raises(Halt, match="only 10 of 20"):
        ensure_account(gateway)


def test_another_address_is_looked_at_once_and_noted(
    gateway: Gateway, simulator: RunningSimulator, settings: Any
) -> None:
    refresh_account(gateway)
    address = settings.METRONOME.base_url.replace("127.0.0.1", "localhost")
    settings.METRONOME = replace(settings.METRONOME, base_url=address)

    with open_gateway() as moved:
        ensure_account(moved)
        ensure_account(moved)
        assert moved.requests_spent in (1, 2)

    assert installation().base_url == address
    assert AuditEvent.objects.filter(new__base_url=address, old__token__isnull=False).count() == 1


def test_without_redis_there_is_no_budget_to_show(house: None, settings: Any) -> None:
    assert budget_snapshot() is not None

    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert budget_snapshot() is None
