"""Roles and access change by a request that others agree to; one administrator ends access at any time."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from billing.audit.models import AuditEvent
from billing.changes import queries
from billing.changes.agreeing import deciding
from billing.changes.applying import apply
from billing.changes.asking import policy
from billing.changes.models import Attempt, ChangeRequest, Verdict
from billing.changes.refusals import BadInput, NotAllowed, SubjectBusy
from billing.metronome.account import Gateway
from billing.notify.models import Notice
from billing.people import access, tokens
from billing.people.access import AccessRefused
from billing.roles import Can
from billing.users import Access, User
from tests.simulator_server import RunningSimulator
from tests.world import approve, by, install_policy, propose

PASSWORD = "countersign-demo"
WHY = "Their work changes on Monday."


def carried_out(change: ChangeRequest, gateway: Gateway, *checkers: User) -> ChangeRequest:
    approve(change, *checkers)
    apply.apply_change(change.pk, gateway)
    change.refresh_from_db()
    return change


def events(subject: User) -> list[tuple[str, Any, Any]]:
    told = AuditEvent.objects.filter(subject_type="person", subject_id=str(subject.pk)).order_by("pk")
    return list(told.values_list("event_type", "old", "new"))


def test_a_role_changes_once_another_administrator_agreed_and_nothing_is_sent(
    promoted: ChangeRequest,
    maker: User,
    admin2: User,
    gateway: Gateway,
    simulator: RunningSimulator,
    as_application: None,
) -> None:
    assert promoted.sentence == "Change the role of Fiona Finance from finance to manager."
    assert [(step.role, step.people) for step in promoted.steps.all()] == [("administrator", 1)]
    assert list(Notice.objects.filter(reference=promoted.reference).values_list("person", flat=True)) == [
        admin2.pk
    ]

    carried_out(promoted, gateway, admin2)

    maker.refresh_from_db()
    assert (promoted.status, maker.role, maker.session_generation) == ("applied", "manager", 1)
    assert events(maker) == [("person.role_changed", {"role": "finance"}, {"role": "manager"})]
    assert AuditEvent.objects.get(event_type="person.role_changed").reference == promoted.reference
    assert (simulator.ledger(), Attempt.objects.count()) == ([], 0)


def test_who_asks_who_it_is_about_and_who_is_no_administrator_do_not_agree(
    administrator: User, admin2: User, admin3: User, managers: list[User], house: None
) -> None:
    entered = {"person": admin2, "role": "auditor"}
    change = propose("person.set_role", administrator, entered, reason=WHY)

    for person, words in (
        (administrator, "You proposed this"),
        (admin2, "about your own rights"),
        (managers[0], "No step of this request waits for your role"),
    ):
        assert list(queries.waiting_for(person)) == []
        with pytest.raises(NotAllowed, match=words):
            approve(change, person)
    assert list(queries.waiting_for(admin3)) == [change]
    told = Notice.objects.filter(reference=change.reference)
    assert list(told.values_list("person", flat=True)) == [admin3.pk]


@pytest.mark.parametrize("kind", ["person.set_role", "person.deactivate"])
def test_nobody_asks_for_a_change_of_their_own_rights(
    kind: str, administrator: User, admin2: User, admin3: User
) -> None:
    entered = {"person": administrator, "role": "auditor"}

    with pytest.raises(NotAllowed, match="their own rights"):
        propose(kind, administrator, entered)


@pytest.mark.parametrize("role", ["finance", "manager", "auditor"])
def test_only_administrators_ask(role: str, auditor: User, maker: User, managers: list[User]) -> None:
    person = {"finance": maker, "manager": managers[0], "auditor": auditor}[role]

    with pytest.raises(NotAllowed, match="may not propose"):
        propose("person.deactivate", person, {"person": managers[1]})


def test_administrators_still_decide_nothing_else(submitted: ChangeRequest, administrator: User) -> None:
    assert list(queries.waiting_for(administrator)) == []
    with pytest.raises(NotAllowed, match="No step of this request waits for your role"):
        approve(submitted, administrator)


def test_for_finance_and_auditors_the_policy_says_who_agrees(
    maker: User, administrator: User, admin2: User, checker: User
) -> None:
    change = propose("person.deactivate", administrator, {"person": maker})

    assert [(step.role, step.people) for step in change.steps.all()] == [("manager", 1)]
    assert list(queries.waiting_for(checker)) == [change]


def test_no_policy_makes_it_less_and_none_lets_administrators_decide_about_customers(
    administrator: User, admin2: User, admin3: User, house: None
) -> None:
    rule = {"name": "All", "kinds": ["*"], "when": [], "steps": [{"role": "manager", "people": 1}]}
    install_policy([rule])
    change = propose("person.set_role", administrator, {"person": admin2, "role": "finance"})
    assert [(step.role, step.people) for step in change.steps.all()] == [("administrator", 1), ("manager", 1)]

    steps = [{"role": "administrator", "people": 2}]
    policy.check_rules([{"name": "Two", "kinds": ["person.deactivate"], "when": [], "steps": steps}])
    for kinds in (["*"], ["person.deactivate", "customer.rename"]):
        with pytest.raises(policy.PolicyInvalid, match="administrator may not decide"):
            policy.check_rules([{"name": "Two", "kinds": kinds, "when": [], "steps": steps}])


def test_who_is_deactivated_is_out_at_once_and_comes_back_to_no_session_and_no_token(
    maker: User,
    administrator: User,
    admin2: User,
    checker: User,
    gateway: Gateway,
    as_application: None,
) -> None:
    session = Client()
    session.force_login(maker)
    assert session.get("/").status_code == 200
    token, secret = tokens.make(maker, "month end", ["customers"], 30, by(maker))
    left = propose("person.deactivate", administrator, {"person": maker}, reason=WHY)

    carried_out(left, gateway, checker)

    maker.refresh_from_db()
    assert (left.status, maker.access, maker.is_active) == ("applied", Access.LEFT, False)
    assert session.get("/").status_code == 302
    with pytest.raises(tokens.TokenRefused):
        tokens.admitted(secret, None)

    back = carried_out(propose("person.reactivate", admin2, {"person": maker}), gateway, checker)

    maker.refresh_from_db()
    token.refresh_from_db()
    assert (back.status, maker.access, maker.left_at) == ("applied", Access.ACTIVE, None)
    assert session.get("/").status_code == 302
    assert token.revoked_by == administrator
    with pytest.raises(tokens.TokenRefused, match="revoked"):
        tokens.admitted(secret, None)
    assert Client().login(username="finance", password=PASSWORD)
    told = [event for event, _old, _new in events(maker) if event != "person.signed_in"]
    assert told == ["person.deactivated", "person.reactivated"]


def test_one_administrator_ends_access_at_once_and_for_good(
    approved: ChangeRequest,
    checker: User,
    administrator: User,
    gateway: Gateway,
    simulator: RunningSimulator,
    as_application: None,
) -> None:
    """Also of somebody whom nobody could replace: their approval counts no more, and waits for nobody."""
    session = Client()
    session.force_login(checker)
    tokens.make(checker, "month end", ["customers"], 30, by(checker))

    access.end(checker.pk, by=administrator, actor=by(administrator), reason="Their laptop was stolen.")

    checker.refresh_from_db()
    assert (checker.access, checker.may(Can.DECIDE)) == (Access.ENDED, False)
    assert session.get("/").status_code == 302
    assert tokens.AccessToken.objects.get().revoked_by == administrator
    told = AuditEvent.objects.get(event_type="person.access_ended")
    assert (told.actor, told.reason, told.new) == (
        administrator,
        "Their laptop was stolen.",
        {"access": "ended", "tokens_revoked": 1},
    )
    apply.apply_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert (approved.status, simulator.ledger()) == ("stale", [])


def test_access_is_ended_by_administrators_of_others_who_have_it(
    maker: User, checker: User, administrator: User
) -> None:
    for person, whom, words in (
        (checker, maker, "Your role may not"),
        (administrator, administrator, "Nobody ends their own access"),
    ):
        with pytest.raises(AccessRefused, match=words):
            access.end(whom.pk, by=person, actor=by(person), reason="x")
    access.end(maker.pk, by=administrator, actor=by(administrator), reason="x")
    with pytest.raises(AccessRefused, match="may not come in as it is"):
        access.end(maker.pk, by=administrator, actor=by(administrator), reason="x")


def test_a_role_that_moved_meanwhile_makes_it_stale(
    promoted: ChangeRequest, maker: User, admin2: User, gateway: Gateway
) -> None:
    approve(promoted, admin2)
    User.objects.filter(pk=maker.pk).update(role="auditor")

    apply.apply_change(promoted.pk, gateway)

    promoted.refresh_from_db()
    assert (promoted.status, promoted.explanation) == (
        "stale",
        "The role changed here: it was “finance”, now it is “auditor”.",
    )


def test_one_person_has_one_open_request(promoted: ChangeRequest, maker: User, administrator: User) -> None:
    with pytest.raises(SubjectBusy, match=promoted.reference):
        propose("person.deactivate", administrator, {"person": maker})


@pytest.mark.parametrize(
    ("kind", "state", "entered", "words"),
    [
        ("person.set_role", {}, {"role": "finance"}, "has this role already"),
        ("person.set_role", {"is_active": False}, {"role": "auditor"}, "may not come in"),
        ("person.reactivate", {}, {}, "may come in already"),
        (
            "person.deactivate",
            {"is_active": False, "left_at": "2026-01-01T00:00Z"},
            {},
            "deactivated already",
        ),
    ],
)
def test_what_is_so_already_is_refused_in_words(
    kind: str, state: dict[str, Any], entered: dict[str, Any], words: str, maker: User, administrator: User
) -> None:
    User.objects.filter(pk=maker.pk).update(**state)
    maker.refresh_from_db()

    with pytest.raises(BadInput, match=words):
        propose(kind, administrator, {"person": maker, **entered})


def test_a_request_about_a_person_can_be_rejected_by_who_decides_it(
    promoted: ChangeRequest, maker: User, admin2: User
) -> None:
    deciding.decide(
        promoted.pk,
        actor=by(admin2),
        verdict=Verdict.REJECT,
        reason="After probation.",
        digest=promoted.digest,
    )

    promoted.refresh_from_db()
    maker.refresh_from_db()
    assert (promoted.status, maker.role) == ("rejected", "finance")
