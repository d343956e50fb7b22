"""Opening the gateway: only with settings that are whole, and only for the account that is ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from adminsite.metronome import MetronomeSettings
from billing.audit.models import AuditEvent
from billing.control.anchor import AnchorMismatch, installation
from billing.metronome.client import Gateway
from billing.metronome.outcomes import Halt
from billing.mirror.connection import budget_snapshot, ensure_account, open_gateway
from billing.mirror.refresh import refresh_account
from tests.simulator_server import OTHER_ACCOUNT_TOKEN, TOKEN, RunningSimulator


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


def test_without_redis_there_is_no_budget_to_show(house: None, settings: Any) -> None:
    assert budget_snapshot() is not None

    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert budget_snapshot() is None
