"""Blocked: nothing more is sent, it keeps what it holds, doubts are looked into, and two people close it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg.errors import RestrictViolation

from billing.audit.models import AuditEvent
from billing.changes.agreeing import resolving
from billing.changes.applying import apply, settling, sweeping
from billing.changes.models import ChangeRequest, Hold, Word
from billing.changes.refusals import NotAllowed, SubjectBusy, WrongState
from billing.metronome.account import Gateway
from billing.notify.models import Notice
from billing.users import User
from tests.changes.test_tampering import without_guards
from tests.simulator_server import RunningSimulator
from tests.world import by, propose

SET_NAME = "POST /v1/customers/{customer_id}/setName"
EXTRA = (
    "INSERT INTO billing_hold (change_id, owner, thing, field_group, is_open, is_busy)"
    " SELECT change_id, owner, thing, 'plans', true, false FROM billing_hold"
)


@pytest.fixture
def blocked(approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator) -> ChangeRequest:
    """An approved renaming whose rows somebody has edited; nothing was sent."""
    tampered()
    apply.apply_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert (approved.status, simulator.ledger()) == ("blocked", [])
    return approved


@pytest.fixture
def in_doubt(approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator) -> ChangeRequest:
    """The same, edited after it was sent without an answer; in Metronome it took effect."""
    simulator.fault(SET_NAME, "drop_after")
    apply.apply_change(approved.pk, gateway)
    tampered()
    due(approved)
    settling.settle_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert (approved.status, approved.calls.get().status) == ("blocked", "unknown")
    return approved


def tampered() -> None:
    with without_guards("billing_hold") as cursor:
        cursor.execute(EXTRA)


def due(change: ChangeRequest) -> None:
    ChangeRequest.objects.filter(pk=change.pk).update(next_try_at=None)


def close(change: ChangeRequest, administrator: User) -> None:
    resolving.resolve(change.pk, actor=by(administrator), verdict=Word.LEAVE_IT, reason="seen by two")


def test_it_keeps_what_it_holds_and_nobody_waits_where_nothing_was_sent(
    blocked: ChangeRequest, snapshot: dict[str, Any], maker: User
) -> None:
    assert blocked.explanation == (
        "This is not what was approved: what it holds is not what was sealed. It is not sent."
    )
    assert not Hold.objects.filter(is_busy=True).exists()
    with pytest.raises(SubjectBusy, match=blocked.reference):
        propose("customer.rename", maker, {"name": "Another GmbH"}, snapshot=snapshot)


def test_a_call_in_doubt_is_looked_up_before_anything_else_and_never_sent_again(
    in_doubt: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    """What was found is evidence for the two who close it; the request goes no further."""
    assert in_doubt.explanation.endswith("what it holds is not what was sealed. Nothing more is sent.")
    assert Hold.objects.filter(change=in_doubt, is_busy=True).count() == 1
    sent = len(simulator.ledger())

    due(in_doubt)
    sweeping.sweep(gateway)

    in_doubt.refresh_from_db()
    call = in_doubt.calls.get()
    assert (in_doubt.status, call.status) == ("blocked", "applied")
    assert call.lookups.filter(verdict="applied").count() == 1
    assert AuditEvent.objects.filter(event_type="call.found").count() == 1
    assert len(simulator.ledger()) == sent
    due(in_doubt)
    assert settling.settle_next(gateway, ()) is None


def test_a_text_that_is_not_whole_is_not_looked_up_by(
    in_doubt: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    with without_guards("billing_changerequest") as cursor:
        cursor.execute(
            "ALTER TABLE billing_changerequest DROP CONSTRAINT digest_is_of_the_sealed_text;"
            "UPDATE billing_changerequest SET sealed = replace(sealed, 'Halcyon', 'Evil')"
        )
    due(in_doubt)
    seen = simulator.requests()

    settling.settle_change(in_doubt.pk, gateway)

    assert not in_doubt.calls.get().lookups.exists()
    assert simulator.requests() == seen
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE billing_changerequest ADD CONSTRAINT digest_is_of_the_sealed_text"
            " CHECK (digest = encode(sha256(convert_to(sealed, 'UTF8')), 'hex')) NOT VALID"
        )


def test_two_people_close_it_and_free_what_it_holds(
    blocked: ChangeRequest, administrator: User, checker: User, checker2: User, maker: User
) -> None:
    with pytest.raises(NotAllowed):
        close(blocked, checker2)
    with pytest.raises(WrongState):
        resolving.resolve(blocked.pk, actor=by(administrator), verdict=Word.TRY_AGAIN, reason="again")

    close(blocked, administrator)
    blocked.refresh_from_db()
    assert (blocked.status, resolving.takes_two(blocked, Word.LEAVE_IT)) == (
        "blocked",
        "since what is blocked is closed by two",
    )
    with pytest.raises(NotAllowed):
        resolving.second(blocked.pk, actor=by(administrator), reason="me again")
    resolving.second(blocked.pk, actor=by(checker2), reason="seen as well")

    blocked.refresh_from_db()
    assert blocked.status == "closed"
    assert not Hold.objects.filter(is_open=True).exists()
    assert Notice.objects.filter(person=maker, about="closed").exists()
    assert blocked.explanation == f"Leave it so, decided by {administrator.name} and {checker2.name}."
    closed = AuditEvent.objects.get(event_type="change.closed")
    assert (closed.actor, closed.reason) == (checker2, "seen as well")


TRIES = {
    "closed by nobody": "UPDATE billing_changerequest SET status = 'closed', settled_at = now()",
    "back to the queue": "UPDATE billing_changerequest SET status = 'approved'",
    "applied": "UPDATE billing_changerequest SET status = 'applied', settled_at = now()",
    "one word that needs no second": (
        "INSERT INTO billing_resolution (change_id, verdict, reason, by_id, needs_second)"
        " SELECT c.id, 'leave_it', 'x', u.id, false FROM billing_changerequest c, billing_user u"
        " WHERE u.username = 'admin'"
    ),
    "another word": (
        "INSERT INTO billing_resolution (change_id, verdict, reason, by_id, needs_second)"
        " SELECT c.id, 'took_effect', 'x', u.id, true FROM billing_changerequest c, billing_user u"
        " WHERE u.username = 'admin'"
    ),
    "its holds let go": "UPDATE billing_hold SET is_open = false",
}


@pytest.mark.parametrize("what", TRIES)
def test_the_application_role_neither_closes_it_alone_nor_carries_it_on(
    blocked: ChangeRequest, administrator: User, application_url: str, what: str
) -> None:
    with psycopg.connect(application_url, autocommit=True) as application, pytest.raises(RestrictViolation):
        application.execute(TRIES[what])

    blocked.refresh_from_db()
    assert blocked.status == "blocked"
