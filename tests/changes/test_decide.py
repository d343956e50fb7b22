"""Deciding: who may, what it needs, and that a refusal leaves everything as it was."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from billing.audit.models import AuditEvent
from billing.changes import queries
from billing.changes.agreeing import deciding
from billing.changes.applying import apply
from billing.changes.models import ChangeRequest, Decision, Verdict
from billing.changes.refusals import BadInput, NotAllowed, NotWhatYouSaw, SubjectBusy, WrongState
from billing.metronome.account import Gateway
from billing.pages import standing
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import approve, by, propose


def events(change: ChangeRequest) -> list[str]:
    return list(
        AuditEvent.objects.filter(reference=change.reference)
        .order_by("pk")
        .values_list("event_type", flat=True)
    )


def refused(
    change: ChangeRequest, checker: User, error: type[Exception], simulator: RunningSimulator, **answers: Any
) -> None:
    """Deciding raises `error`, and nothing was decided, recorded or sent."""
    given = {"verdict": Verdict.APPROVE, "reason": "looks right", "digest": change.digest} | answers
    before = events(change), change.decisions.count(), change.status
    with pytest.raises(error):
        deciding.decide(change.pk, actor=by(checker), **given)
    change.refresh_from_db()
    assert (events(change), change.decisions.count(), change.status) == before
    assert simulator.ledger() == []


def test_one_manager_approves_an_everyday_change(submitted: ChangeRequest, checker: User) -> None:
    deciding.decide(
        submitted.pk, actor=by(checker), verdict=Verdict.APPROVE, reason="seen", digest=submitted.digest
    )

    submitted.refresh_from_db()
    assert submitted.status == "approved"
    decision = submitted.decisions.get()
    assert (decision.checker, decision.digest, decision.verdict) == (checker, submitted.digest, "approve")
    assert events(submitted) == ["change.submitted", "change.approved"]
    assert set(AuditEvent.objects.values_list("digest", flat=True).filter(reference=submitted.reference)) == {
        submitted.digest
    }


def test_a_maker_cannot_decide_their_own_request(
    snapshot: dict[str, Any], checker: User, simulator: RunningSimulator
) -> None:
    own = propose("customer.rename", checker, {"name": "Self Service"}, snapshot=snapshot)

    refused(own, checker, NotAllowed, simulator)


def test_other_roles_cannot_decide(
    submitted: ChangeRequest, auditor: User, administrator: User, simulator: RunningSimulator
) -> None:
    refused(submitted, auditor, NotAllowed, simulator)
    refused(submitted, administrator, NotAllowed, simulator)


def test_a_deactivated_person_decides_nothing(
    submitted: ChangeRequest, checker: User, simulator: RunningSimulator
) -> None:
    checker.is_active = False
    checker.save(update_fields=["is_active"])

    refused(submitted, checker, NotAllowed, simulator)


def test_another_digest_is_not_what_was_seen(
    submitted: ChangeRequest, checker: User, simulator: RunningSimulator
) -> None:
    refused(submitted, checker, NotWhatYouSaw, simulator, digest="0" * 64)


def test_a_rejection_needs_a_reason(
    submitted: ChangeRequest, checker: User, simulator: RunningSimulator
) -> None:
    refused(submitted, checker, BadInput, simulator, verdict=Verdict.REJECT, reason="  ")


def test_a_rejection_settles_the_request_and_frees_the_customer(
    submitted: ChangeRequest, checker: User, maker: User, snapshot: dict[str, Any]
) -> None:
    deciding.decide(
        submitted.pk, actor=by(checker), verdict=Verdict.REJECT, reason="wrong name", digest=submitted.digest
    )

    submitted.refresh_from_db()
    assert submitted.status == "rejected"
    assert events(submitted) == ["change.submitted", "change.rejected"]
    again = propose("customer.rename", maker, {"name": "Right Name"}, snapshot=snapshot)
    assert again.status == "submitted"


def test_a_decided_request_is_not_decided_again(
    approved: ChangeRequest, checker2: User, simulator: RunningSimulator
) -> None:
    refused(approved, checker2, WrongState, simulator)


def test_removing_an_alias_asks_two_different_managers(
    snapshot: dict[str, Any], maker: User, checker: User, checker2: User, simulator: RunningSimulator
) -> None:
    change = propose("customer.realias", maker, {"ingest_aliases": ["only-this-one"]}, snapshot=snapshot)

    approve(change, checker)
    assert change.status == "submitted"
    refused(change, checker, WrongState, simulator)
    approve(change, checker2)
    assert change.status == "approved"
    assert events(change) == ["change.submitted", "change.approved", "change.approved"]


def test_a_second_request_on_the_same_name_is_refused_and_names_the_first(
    submitted: ChangeRequest, snapshot: dict[str, Any], maker: User
) -> None:
    with pytest.raises(SubjectBusy, match=submitted.reference):
        propose("customer.rename", maker, {"name": "Another"}, snapshot=snapshot)

    assert ChangeRequest.objects.count() == 1


def test_the_maker_withdraws_and_nobody_else_does(
    submitted: ChangeRequest, maker: User, checker: User
) -> None:
    with pytest.raises(NotAllowed):
        deciding.withdraw(submitted.pk, actor=by(checker), reason="mine now")
    deciding.withdraw(submitted.pk, actor=by(maker), reason="typed the wrong name")

    submitted.refresh_from_db()
    assert submitted.status == "withdrawn"
    assert events(submitted) == ["change.submitted", "change.withdrawn"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_changerequest SET sealed = sealed || ' '",
        "UPDATE billing_changerequest SET digest = repeat('0', 64)",
        "UPDATE billing_changerequest SET maker_id = (SELECT max(id) FROM billing_user)",
        "UPDATE billing_changerequest SET status = 'approved'",
        "UPDATE billing_changerequest SET status = 'applied'",
        "DELETE FROM billing_changerequest",
        "UPDATE billing_approvalstep SET people = 1, role = 'finance'",
        "DELETE FROM billing_approvalstep",
        "UPDATE billing_call SET operation = 'customers.archive'",
        "DELETE FROM billing_call",
        "UPDATE billing_auditevent SET reason = 'never said'",
        "DELETE FROM billing_auditevent",
        "INSERT INTO billing_decision (change_id, maker_id, step_id, checker_id, number, verdict, reason, "
        "digest) SELECT c.id, c.maker_id, s.id, c.maker_id, 1, 'approve', '', c.digest "
        "FROM billing_changerequest c JOIN billing_approvalstep s ON s.change_id = c.id",
        "INSERT INTO billing_decision (change_id, maker_id, step_id, checker_id, number, verdict, reason, "
        "digest) SELECT c.id, u.id, s.id, u.id + 1, 1, 'approve', '', c.digest FROM billing_user u, "
        "billing_changerequest c JOIN billing_approvalstep s ON s.change_id = c.id "
        "WHERE u.id <> c.maker_id LIMIT 1",
    ],
)
def test_the_database_refuses_to_change_what_was_sealed(
    submitted: ChangeRequest, checker: User, statement: str
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_database_refuses_to_change_a_decision(approved: ChangeRequest) -> None:
    for statement in ("UPDATE billing_decision SET digest = repeat('1', 64)", "DELETE FROM billing_decision"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    assert Decision.objects.get().digest == approved.digest


@pytest.fixture
def checker3(house: None) -> User:
    return User.objects.create_user(
        username="manager3", password="countersign-demo", name="Mia Manager", role="manager"
    )


@pytest.fixture
def half_agreed(snapshot: dict[str, Any], maker: User, checker: User) -> ChangeRequest:
    """A request that asks two managers, with the approval of one."""
    change = propose("customer.realias", maker, {"ingest_aliases": ["only-this-one"]}, snapshot=snapshot)
    return approve(change, checker)


@pytest.mark.parametrize("what", [{"is_active": False}, {"role": "auditor"}])
def test_an_approval_counts_no_more_once_its_giver_may_not_give_it(
    half_agreed: ChangeRequest, checker: User, checker2: User, checker3: User, what: dict[str, Any]
) -> None:
    User.objects.filter(pk=checker.pk).update(**what)

    assert queries.approvals([half_agreed.pk])[half_agreed.pk] == queries.Progress(given=0, needed=2)
    assert [missing for _step, missing in deciding.open_steps(half_agreed)] == [2]
    approve(half_agreed, checker2)
    assert half_agreed.status == "submitted"
    assert list(queries.waiting_for(checker3)) == [half_agreed]
    assert [standing.of(person).waiting for person in (checker, checker2, checker3)] == [0, 0, 1]
    approve(half_agreed, checker3)
    assert half_agreed.status == "approved"


def test_an_approver_who_comes_back_counts_again(
    half_agreed: ChangeRequest, checker: User, checker2: User
) -> None:
    User.objects.filter(pk=checker.pk).update(is_active=False)
    approve(half_agreed, checker2)
    User.objects.filter(pk=checker.pk).update(is_active=True)

    assert deciding.open_steps(half_agreed) == []


@pytest.mark.parametrize("what", [{"is_active": False}, {"role": "auditor"}])
def test_the_database_counts_alike(
    half_agreed: ChangeRequest, checker: User, checker2: User, what: dict[str, Any]
) -> None:
    User.objects.filter(pk=checker.pk).update(**what)
    approve(half_agreed, checker2)

    with (
        pytest.raises(IntegrityError, match="may not give it any more"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE billing_changerequest SET status = 'approved'")


LEAVINGS = [
    ({"is_active": False}, "is not active any more"),
    ({"role": "auditor"}, "is no manager any more"),
]


@pytest.mark.parametrize(("what", "words"), LEAVINGS)
def test_nothing_is_sent_once_who_approved_it_may_not_any_more(
    approved: ChangeRequest,
    checker: User,
    gateway: Gateway,
    simulator: RunningSimulator,
    client: Client,
    maker: User,
    what: dict[str, Any],
    words: str,
) -> None:
    User.objects.filter(pk=checker.pk).update(**what)
    client.force_login(maker)
    page = client.get(f"/changes/{approved.reference}/").content.decode()
    assert f"approved, but {words}: nothing more is sent, and it has to be proposed again" in page

    apply.apply_change(approved.pk, gateway)

    approved.refresh_from_db()
    told = f"Mona Manager, who approved this, {words}."
    assert (approved.status, approved.explanation, simulator.ledger()) == ("stale", told, [])
    page = client.get(f"/changes/{approved.reference}/").content.decode()
    assert told in page
    assert "Propose again" in page


def test_who_leaves_while_a_turn_is_waited_for_stops_it_as_well(
    approved: ChangeRequest,
    checker: User,
    gateway: Gateway,
    simulator: RunningSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take = Gateway.take_write_token

    def leave_meanwhile(self: Gateway, seconds: float) -> None:
        take(self, seconds)
        User.objects.filter(pk=checker.pk).update(is_active=False)

    monkeypatch.setattr(Gateway, "take_write_token", leave_meanwhile)

    apply.apply_change(approved.pk, gateway)

    approved.refresh_from_db()
    assert (approved.status, simulator.ledger()) == ("approved", [])
    ChangeRequest.objects.filter(pk=approved.pk).update(next_try_at=None)
    apply.apply_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert (approved.status, simulator.ledger()) == ("stale", [])
