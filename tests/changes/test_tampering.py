"""Somebody with the owner's database role edits an approved request: apply notices, and sends nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper

from billing.audit.models import AuditEvent
from billing.changes.applying import apply, sweeping
from billing.changes.models import ChangeRequest
from billing.metronome.account import Gateway
from tests.simulator_server import RunningSimulator

DIGEST = "digest_is_of_the_sealed_text"
TABLES = (
    "billing_changerequest",
    "billing_approvalstep",
    "billing_decision",
    "billing_call",
    "billing_hold",
    "billing_auditevent",
)


@pytest.fixture
def past_the_triggers() -> Iterator[CursorWrapper]:
    """What only the owner of the tables can do: edit with the guards taken away, then put them back."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(f"ALTER TABLE billing_changerequest DROP CONSTRAINT {DIGEST}")
        yield cursor
        for table in TABLES:
            _enable(cursor, table)
        cursor.execute(
            f"ALTER TABLE billing_changerequest ADD CONSTRAINT {DIGEST} "
            "CHECK (digest = encode(sha256(convert_to(sealed, 'UTF8')), 'hex')) NOT VALID"
        )


def _enable(cursor: CursorWrapper, table: str) -> None:
    cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", [table])
    for (name,) in cursor.fetchall():
        cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


@contextmanager
def without_guards(*tables: str) -> Iterator[CursorWrapper]:
    """The owner's edit behind the guards of these tables; the guards are back before anything is applied."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        for table in tables:
            _enable(cursor, table)


EDITS = {
    "text": "UPDATE billing_changerequest SET sealed = replace(sealed, 'Halcyon', 'Evil')",
    "digest": "UPDATE billing_changerequest SET digest = repeat('0', 64)",
    "reference": "UPDATE billing_changerequest SET reference = 'CR-999999'",
    "steps": "UPDATE billing_approvalstep SET people = 2",
    "fewer steps": "UPDATE billing_approvalstep SET role = 'administrator'",
    "decision": "UPDATE billing_decision SET digest = repeat('1', 64)",
    "call key": "UPDATE billing_call SET key = gen_random_uuid()",
    "call": "UPDATE billing_call SET operation = 'customers.archive'",
    "what it holds": "UPDATE billing_hold SET thing = 'customer:other'",
    "whose it is": "UPDATE billing_hold SET owner = 'customer:other'",
    "how much of it": "UPDATE billing_hold SET field_group = 'aliases'",
    "one hold more": "INSERT INTO billing_hold (change_id, owner, thing, field_group, is_open, is_busy)"
    " SELECT change_id, owner, thing, 'plans', true, false FROM billing_hold",
    "no hold": "DELETE FROM billing_hold",
    "record": "UPDATE billing_auditevent SET digest = repeat('2', 64)",
    "record's roles": "UPDATE billing_auditevent SET actor_role = '' WHERE event_type = 'change.approved'",
    "record's people": "UPDATE billing_auditevent SET actor_id = NULL WHERE event_type = 'change.approved'",
}


@pytest.mark.parametrize("what", sorted(EDITS))
def test_an_edited_request_is_blocked_and_reported(
    approved: ChangeRequest,
    gateway: Gateway,
    simulator: RunningSimulator,
    past_the_triggers: CursorWrapper,
    what: str,
) -> None:
    past_the_triggers.execute(EDITS[what])

    apply.apply_change(approved.pk, gateway)

    approved.refresh_from_db()
    assert (approved.status, approved.needs_person) == ("blocked", True)
    assert "not what was approved" in approved.explanation
    assert simulator.ledger() == []
    assert AuditEvent.objects.filter(event_type="change.blocked").count() == 1
    apply.apply_change(approved.pk, gateway)
    assert simulator.ledger() == []


TAKEN_AWAY = {
    "decision": "DELETE FROM billing_decision",
    "steps": "UPDATE billing_approvalstep SET people = 2",
    "hold": "UPDATE billing_hold SET is_open = false",
    "verdict": "UPDATE billing_decision SET verdict = 'reject', reason = 'no'",
}
REFUSALS = {"hold": "what_is_busy_is_held"}


@pytest.mark.parametrize("what", sorted(TAKEN_AWAY))
def test_what_the_database_refuses_while_applying_is_blocked_told_and_recorded(
    approved: ChangeRequest,
    gateway: Gateway,
    simulator: RunningSimulator,
    what: str,
) -> None:
    with without_guards("billing_decision", "billing_approvalstep", "billing_hold") as cursor:
        cursor.execute(TAKEN_AWAY[what])

    sweeping.sweep(gateway)

    approved.refresh_from_db()
    assert (approved.status, approved.needs_person) == ("blocked", True)
    assert "The database refused to go on with it" in approved.explanation
    assert REFUSALS.get(what, "is not approved by everybody it needs") in approved.explanation
    assert approved.explanation.endswith("It is not sent.")
    assert AuditEvent.objects.filter(event_type="change.blocked").count() == 1
    sweeping.sweep(gateway)
    assert simulator.ledger() == []
    assert AuditEvent.objects.filter(event_type="change.blocked").count() == 1


def test_text_and_digest_edited_together_are_blocked_by_the_decision(
    approved: ChangeRequest,
    gateway: Gateway,
    simulator: RunningSimulator,
    past_the_triggers: CursorWrapper,
) -> None:
    text = approved.sealed.replace("Halcyon", "Evil")
    digest = hashlib.sha256(text.encode()).hexdigest()
    past_the_triggers.execute("UPDATE billing_changerequest SET sealed = %s, digest = %s", [text, digest])

    apply.apply_change(approved.pk, gateway)

    approved.refresh_from_db()
    assert approved.status == "blocked"
    assert simulator.ledger() == []
