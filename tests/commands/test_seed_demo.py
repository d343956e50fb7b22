"""Demo data: every status, told so that the real checks believe it, and never twice."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from adminsite.metronome import MetronomeSettings
from billing.audit.models import AuditEvent
from billing.changes import queries
from billing.changes.agreeing import resolving
from billing.changes.applying import apply
from billing.changes.applying.verifying import verified
from billing.changes.asking.kinds import KINDS
from billing.changes.models import ChangeRequest
from billing.changes.statuses import Status
from billing.metronome.account import Gateway
from billing.mirror.resources.customer.models import Customer
from billing.roles import Can
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import approve, by

EVERYDAY = {name for name, kind in KINDS.items() if kind.asked_by == Can.PROPOSE}
"""The demo tells nothing of people's rights."""


def test_it_tells_of_every_status_and_only_once(
    house: None, simulator: RunningSimulator, gateway: Gateway
) -> None:
    simulator.reset(customers=260)

    call_command("seed_demo", verbosity=0)

    assert Customer.objects.count() == 260
    assert set(ChangeRequest.objects.values_list("status", flat=True)) == {status.value for status in Status}
    counts = ChangeRequest.objects.count(), AuditEvent.objects.count(), User.objects.count()
    assert AuditEvent.objects.order_by("occurred_at").first().occurred_at < (
        AuditEvent.objects.order_by("-occurred_at").first().occurred_at
    )
    for change in ChangeRequest.objects.filter(
        status__in=["applied", "approved", "unknown", "partly_applied"]
    ):
        verified(change)
    waiting = ChangeRequest.objects.filter(status="submitted").values_list("kind", flat=True)
    assert set(waiting) == EVERYDAY - {"billing.archive"}  # nobody has a provider to archive yet
    told = ChangeRequest.objects.filter(status__in=["rejected", "withdrawn", "expired"])
    assert set(told.values_list("kind", flat=True)) == EVERYDAY - {"billing.archive"}
    manager = User.objects.get(username="manager")
    manager2 = User.objects.get(username="manager2")
    assert queries.waiting_for(manager).count() >= 5
    assert queries.waiting_for(manager2).count() >= 5
    call_command("seed_demo", verbosity=0)
    assert (ChangeRequest.objects.count(), AuditEvent.objects.count(), User.objects.count()) == counts

    archiving = ChangeRequest.objects.get(status="submitted", kind="customer.archive")
    approve(archiving, manager, manager2)
    apply.apply_change(archiving.pk, gateway)
    archiving.refresh_from_db()
    assert archiving.status == "applied", archiving.explanation

    partly = ChangeRequest.objects.get(status="partly_applied")
    administrator = User.objects.get(username="admin")
    resolving.resolve(partly.pk, actor=by(administrator), verdict="go_on", reason="The block is gone.")
    administrator2 = User.objects.get(username="admin2")
    resolving.second(partly.pk, actor=by(administrator2), reason="Seen it as well.")
    apply.apply_change(partly.pk, gateway)
    partly.refresh_from_db()
    assert partly.status == "applied", partly.explanation


def test_the_record_begins_with_the_people(
    house: None, simulator: RunningSimulator, gateway: Gateway
) -> None:
    simulator.reset(customers=260)

    call_command("seed_demo", verbosity=0)

    oldest = AuditEvent.objects.order_by("occurred_at")[:6]
    assert {event.event_type for event in oldest} == {"person.added"}


def test_it_refuses_anything_but_a_simulator(house: None, settings: Any) -> None:
    settings.METRONOME = MetronomeSettings("production", "https://api.metronome.com", "token", 5.0)

    with pytest.raises(CommandError, match="simulator only"):
        call_command("seed_demo")

    assert not User.objects.exists()


def test_a_sandbox_gets_the_people_and_nothing_else(db: None, settings: Any) -> None:
    settings.METRONOME = MetronomeSettings("sandbox", "https://api.metronome.com", "token", 5.0)

    call_command("seed_demo", people_only=True, verbosity=0)

    assert User.objects.filter(username="manager2").exists()
    assert not Customer.objects.exists()
    assert not ChangeRequest.objects.exists()


def test_production_gets_no_people_whose_password_everybody_knows(db: None, settings: Any) -> None:
    settings.METRONOME = MetronomeSettings("production", "https://api.metronome.com", "token", 5.0)

    with pytest.raises(CommandError, match="simulator only"):
        call_command("seed_demo", people_only=True)

    assert not User.objects.exists()
