"""An older database put back: nothing is sent before somebody has read that it is older, and no page claims
that nothing was sent."""

from __future__ import annotations

import html

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from redis import Redis

from billing.audit.models import AuditEvent
from billing.changes.applying import apply, memory, preflight
from billing.changes.models import Attempt, ChangeRequest
from billing.control import freezing
from billing.control.anchor import installation
from billing.metronome.account import Gateway
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import approve, by, mirrored, propose

TABLES = ("lookup", "attempt", "call", "hold", "changerequest")
OLDER = "This database is older than what was sent: {} went to Metronome, and no row here tells of it"


@pytest.fixture
def put_back(approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator) -> ChangeRequest:
    """The renaming was applied; then the database of before was put back, in which it waits, approved."""
    before = [AuditEvent.objects.order_by("-pk").first().pk, ChangeRequest.objects.values().get()]
    apply.apply_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert (approved.status, len(simulator.ledger())) == ("applied", 1)
    with transaction.atomic(), connection.cursor() as cursor:
        for table in (*TABLES, "auditevent"):
            cursor.execute(f"ALTER TABLE billing_{table} DISABLE TRIGGER USER")
        Attempt.objects.all().delete()
        approved.calls.update(status="waiting", result=None, first_sent_at=None, settled_at=None)
        approved.holds.update(is_open=True)
        ChangeRequest.objects.filter(pk=approved.pk).update(**before[1])
        AuditEvent.objects.filter(pk__gt=before[0]).delete()
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in (*TABLES, "auditevent"):
            cursor.execute(f"ALTER TABLE billing_{table} ENABLE TRIGGER USER")
    approved.refresh_from_db()
    return approved


@pytest.mark.parametrize("by_check", [True, False])
def test_it_is_known_to_be_older_and_halts_before_anything_is_sent(
    put_back: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, by_check: bool
) -> None:
    if by_check:
        assert preflight.ask(put_back)
        preflight.check_change(put_back.pk, gateway)
    else:
        apply.apply_change(put_back.pk, gateway)

    put_back.refresh_from_db()
    assert (put_back.status, len(simulator.ledger())) == ("approved", 1)
    said = OLDER.format(f"{put_back.reference}/1.1") + "; the newest that is here is none."
    assert freezing.state().frozen
    assert freezing.state().reason.startswith(said)
    told = (
        AuditEvent.objects.order_by("-pk").first()
        if by_check
        else AuditEvent.objects.get(event_type="applying.halted")
    )
    assert (told.event_type, told.reason) == ("applying.halted", freezing.state().reason)


def test_once_somebody_lets_it_go_on_nothing_is_claimed_that_is_not_known(
    put_back: ChangeRequest,
    gateway: Gateway,
    simulator: RunningSimulator,
    administrator: User,
) -> None:
    apply.apply_change(put_back.pk, gateway)
    freezing.unfreeze(by(administrator), "compared with their log")
    ChangeRequest.objects.update(next_try_at=None)

    apply.apply_change(put_back.pk, gateway)

    put_back.refresh_from_db()
    assert (put_back.status, freezing.is_frozen(), len(simulator.ledger())) == ("stale", False, 1)
    assert put_back.explanation.endswith("The customer is already as this request asks.")
    client = Client()
    client.force_login(administrator)
    page = html.unescape(client.get(f"/changes/{put_back.reference}/").content.decode())
    assert "The customer moved, so it is not sent." in page
    assert "No sending of it is on record here." in page
    assert "nothing was sent" not in page.lower()
    assert "never sent" not in page.lower()


def test_a_freeze_that_somebody_set_before_keeps_its_reason_and_the_memory(
    put_back: ChangeRequest, gateway: Gateway, administrator: User
) -> None:
    freezing.freeze(by(administrator), "the backup is put back")
    preflight.ask(put_back)
    preflight.check_change(put_back.pk, gateway)
    put_back.refresh_from_db()
    assert freezing.state().reason == "the backup is put back"
    assert put_back.check_error.startswith(OLDER.format(f"{put_back.reference}/1.1"))

    freezing.unfreeze(by(administrator), "it is back")
    apply.apply_change(put_back.pk, gateway)

    assert freezing.state().reason.startswith(OLDER.format(f"{put_back.reference}/1.1"))


def test_another_worker_that_sends_meanwhile_makes_no_database_older(
    approved: ChangeRequest,
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    snapshot = mirrored(gateway, simulator, position=8)
    other = propose("customer.rename", maker, {"name": "Sent meanwhile"}, snapshot=snapshot)
    approve(other, checker)
    real = memory._known

    def known(installation: str) -> tuple[int, str] | None:
        monkeypatch.setattr(memory, "_known", real)
        apply.apply_change(other.pk, gateway)
        return real(installation)

    monkeypatch.setattr(memory, "_known", known)
    apply.apply_change(approved.pk, gateway)

    assert not freezing.is_frozen()
    assert set(ChangeRequest.objects.values_list("status", flat=True)) == {"applied"}


@pytest.mark.parametrize(
    "junk", [None, 7, "x", [], ["9", "CR-1/1.1"], [9], {"9": 9}, [True, None], b"\x80\x04."]
)
def test_what_is_none_of_ours_in_redis_stops_nothing(
    approved: ChangeRequest, gateway: Gateway, redis: Redis, junk: object
) -> None:
    if isinstance(junk, bytes):
        redis.set(cache.make_key(memory._place(str(installation().uuid))), junk)
    else:
        cache.set(memory._place(str(installation().uuid)), junk, timeout=None)

    apply.apply_change(approved.pk, gateway)

    approved.refresh_from_db()
    assert (approved.status, freezing.is_frozen()) == ("applied", False)
    assert cache.get(memory._place(str(installation().uuid))) == [
        Attempt.objects.get().pk,
        f"{approved.reference}/1.1",
    ]
