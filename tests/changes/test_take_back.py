"""An approval taken back: while others are awaited, by whoever gave it, and each word stays on record."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection, connections, transaction

from billing.audit.models import AuditEvent
from billing.changes import queries
from billing.changes.agreeing import deciding, resolving
from billing.changes.applying import apply
from billing.changes.models import ChangeRequest, Decision, Verdict
from billing.changes.refusals import ActionRefused, BadInput, NotAllowed, WrongState
from billing.metronome.account import Gateway
from billing.notify.models import Notice
from billing.pages.requests.signatures import signatures
from billing.users import User
from tests.changes.test_export import rows
from tests.changes.test_tampering import without_guards
from tests.simulator_server import RunningSimulator
from tests.world import approve, by, propose

WHY = "the order was changed since"


@pytest.fixture
def half(snapshot: dict[str, Any], maker: User, checker: User) -> ChangeRequest:
    """A request that asks two managers, with the approval of one."""
    change = propose("customer.realias", maker, {"ingest_aliases": ["only-this-one"]}, snapshot=snapshot)
    return approve(change, checker)


def take_back(change: ChangeRequest, person: User, reason: str = WHY) -> ChangeRequest:
    deciding.take_back(change.pk, actor=by(person), reason=reason)
    change.refresh_from_db()
    return change


def said(change: ChangeRequest) -> list[tuple[int, str, str]]:
    return list(change.decisions.values_list("number", "checker__username", "verdict"))


def test_an_approval_taken_back_counts_no_more_and_may_be_given_again(
    half: ChangeRequest, checker: User, checker2: User, gateway: Gateway, simulator: RunningSimulator
) -> None:
    take_back(half, checker)

    assert half.status == "submitted"
    assert queries.approvals([half.pk])[half.pk] == queries.Progress(given=0, needed=2)
    assert list(queries.waiting_for(checker)) == [half]
    approve(half, checker2)
    assert half.status == "submitted"
    approve(half, checker)
    assert half.status == "approved"
    assert said(half) == [
        (1, "manager", "approve"),
        (2, "manager", "take_back"),
        (3, "manager2", "approve"),
        (4, "manager", "approve"),
    ]
    apply.apply_change(half.pk, gateway)
    half.refresh_from_db()
    assert half.status == "applied"
    assert len(simulator.ledger()) == 1


def test_it_is_on_record_and_the_maker_is_told(half: ChangeRequest, maker: User, checker: User) -> None:
    take_back(half, checker)

    event = AuditEvent.objects.get(event_type="decision.taken_back")
    assert (event.actor, event.reason, event.digest, event.reference) == (
        checker,
        WHY,
        half.digest,
        half.reference,
    )
    assert (event.old["decision"], event.new["decision"]) == tuple(
        half.decisions.values_list("pk", flat=True)
    )
    notice = Notice.objects.get(person=maker)
    assert (notice.about, notice.reference) == ("taken_back", half.reference)
    assert ["Why", WHY] in [list(fact) for fact in notice.facts]


def refusals() -> dict[str, tuple[Callable[..., object], type[ActionRefused], str]]:
    """What happened before, who asks with which words, and what they are told."""

    def deactivated(people: dict[str, User]) -> None:
        User.objects.filter(username="manager").update(is_active=False)

    def demoted(people: dict[str, User]) -> None:
        User.objects.filter(username="manager").update(role="auditor")

    return {
        "by another": (lambda change, people: None, WrongState, "No approval of yours stands"),
        "by the maker": (lambda change, people: None, NotAllowed, "Your role may not decide"),
        "twice": (
            lambda change, people: take_back(change, people["manager"]),
            WrongState,
            "No approval of yours stands",
        ),
        "after the last approval": (
            lambda change, people: approve(change, people["manager2"]),
            WrongState,
            "is approved, queued by now",
        ),
        "after a rejection": (
            lambda change, people: deciding.decide(
                change.pk,
                actor=by(people["manager2"]),
                verdict=Verdict.REJECT,
                reason="no",
                digest=change.digest,
            ),
            WrongState,
            "is rejected by now",
        ),
        "without a reason": (lambda change, people: None, BadInput, "Say why"),
        "once deactivated": (lambda change, people: deactivated(people), NotAllowed, "Your role may not"),
        "in another role": (lambda change, people: demoted(people), NotAllowed, "Your role may not"),
    }


@pytest.mark.parametrize("what", refusals())
def test_who_may_not_take_back_is_told_and_nothing_moves(
    half: ChangeRequest, maker: User, checker: User, checker2: User, what: str
) -> None:
    first, error, words = refusals()[what]
    first(half, {"manager": checker, "manager2": checker2})
    half.refresh_from_db()
    before = said(half), half.status, AuditEvent.objects.count()
    person = {"by another": checker2, "by the maker": maker}.get(what, checker)

    with pytest.raises(error, match=words):
        deciding.take_back(half.pk, actor=by(person), reason=" " if what == "without a reason" else WHY)

    half.refresh_from_db()
    assert (said(half), half.status, AuditEvent.objects.count()) == before


def test_what_is_said_in_a_decision_is_to_approve_or_to_reject(half: ChangeRequest, checker: User) -> None:
    with pytest.raises(BadInput, match="approve or to reject"):
        deciding.decide(half.pk, actor=by(checker), verdict=Verdict.TAKE_BACK, reason=WHY, digest=half.digest)

    assert half.decisions.count() == 1


def test_whoever_has_taken_back_still_resolves_nothing(
    half: ChangeRequest, checker: User, administrator: User
) -> None:
    take_back(half, checker)
    User.objects.filter(pk=checker.pk).update(role="administrator")
    checker.refresh_from_db()

    assert resolving.why_not(half, checker) == "You decided this request, so somebody else has to resolve it."


def together(*acts: Callable[[], object]) -> list[str]:
    """What came of acts that begin at one instant, each in a session of its own, in their order."""
    start = Barrier(len(acts))

    def run(act: Callable[[], object]) -> str:
        try:
            start.wait(timeout=10)
            act()
        except ActionRefused as refusal:
            return refusal.message
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_two_sessions_at_once_take_back_one_approval(half: ChangeRequest, checker: User) -> None:
    def act() -> ChangeRequest:
        return deciding.take_back(half.pk, actor=by(checker), reason=WHY)

    ends = sorted(together(act, act))

    assert [words.partition(" on ")[0] for words in ends] == ["No approval of yours stands", "done"]
    assert said(half) == [(1, "manager", "approve"), (2, "manager", "take_back")]


@pytest.mark.parametrize("round_", range(6))
def test_of_the_last_approval_and_what_takes_one_back_the_first_wins(
    half: ChangeRequest, checker: User, checker2: User, round_: int
) -> None:
    given = {"verdict": Verdict.APPROVE, "reason": "seen", "digest": half.digest}
    given["typed"] = half.subject_text
    back, approved = together(
        lambda: deciding.take_back(half.pk, actor=by(checker), reason=WHY),
        lambda: deciding.decide(half.pk, actor=by(checker2), **given),
    )

    half.refresh_from_db()
    assert approved == "done"
    if half.status == "approved":
        assert "is approved, queued by now" in back
        assert len(said(half)) == 2
    else:
        assert (half.status, back) == ("submitted", "done")
        assert queries.approvals([half.pk])[half.pk].given == 1


DECISION = (
    "INSERT INTO billing_decision (change_id, maker_id, step_id, checker_id, number, verdict, reason, digest)"
    " SELECT c.id, c.maker_id, s.id, u.id, {number}, '{verdict}', 'x', c.digest"
    " FROM billing_user u, billing_changerequest c JOIN billing_approvalstep s ON s.change_id = c.id"
    " WHERE u.username = '{who}'"
)
RAW = {
    "a second approval of one person": ("manager", "approve", 2, "one verdict of a person stands at a time"),
    "a rejection over one's own approval": ("manager", "reject", 2, "one verdict of a person stands"),
    "an approval of another's taken back": ("manager2", "take_back", 2, "no approval of theirs"),
    "a number left out": ("manager2", "approve", 3, "numbers its decisions one after another"),
    "a number taken": ("manager2", "approve", 1, "numbers its decisions one after another"),
    "no number": ("manager2", "approve", "NULL", "numbers its decisions one after another"),
    "the maker": ("finance", "approve", 2, "a part in asking"),
    "untold": ("manager", "take_back", 2, "the record does not tell of it"),
    "an unknown word": ("manager2", "perhaps", 2, "verdict_is_known"),
}


@pytest.mark.parametrize("what", RAW)
def test_the_applications_role_is_refused(
    half: ChangeRequest, checker2: User, application_url: str, what: str
) -> None:
    who, verdict, number, words = RAW[what]

    with (
        psycopg.connect(application_url, autocommit=True) as speaker,
        pytest.raises(psycopg.errors.IntegrityError, match=words),
    ):
        speaker.execute(DECISION.format(who=who, verdict=verdict, number=number))

    assert said(half) == [(1, "manager", "approve")]


def test_the_database_counts_each_persons_last_word(
    half: ChangeRequest, checker: User, checker2: User
) -> None:
    take_back(half, checker)
    approve(half, checker2)

    with (
        pytest.raises(IntegrityError, match="not approved by everybody it needs"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE billing_changerequest SET status = 'approved'")


def test_two_sessions_of_the_role_decide_one_after_another(
    half: ChangeRequest, checker2: User, application_url: str
) -> None:
    """Whoever decides holds the request: the other session waits, and then sees what was decided."""
    with psycopg.connect(application_url) as first, psycopg.connect(application_url) as second:
        second.execute("SET lock_timeout = '200ms'")
        first.execute(DECISION.format(who="manager", verdict="take_back", number=2))

        with pytest.raises(psycopg.errors.LockNotAvailable):
            second.execute(DECISION.format(who="manager2", verdict="approve", number=2))
        first.rollback()
        second.rollback()


EDITS = {
    "what was taken back counts again": "DELETE FROM billing_decision WHERE number = 2",
    "the other's approval is taken back, too": "UPDATE billing_decision SET verdict = 'take_back',"
    " reason = 'x' WHERE number = 3",
    "another order": "UPDATE billing_decision SET number = 9 WHERE number = 3",
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edited_row_of_decisions_is_blocked_and_nothing_is_sent(
    half: ChangeRequest,
    checker: User,
    checker2: User,
    gateway: Gateway,
    simulator: RunningSimulator,
    what: str,
) -> None:
    take_back(half, checker)
    approve(half, checker2, checker)
    with without_guards("billing_decision") as cursor:
        cursor.execute(EDITS[what])

    apply.apply_change(half.pk, gateway)

    half.refresh_from_db()
    assert half.status == "blocked"
    assert simulator.ledger() == []


def test_the_life_of_it_as_the_application(
    half: ChangeRequest,
    checker: User,
    checker2: User,
    gateway: Gateway,
    as_application: None,
) -> None:
    take_back(half, checker)
    approve(half, checker2, checker)
    apply.apply_change(half.pk, gateway)

    half.refresh_from_db()
    assert half.status == "applied"


def test_the_signatures_show_it_until_they_approve_again(half: ChangeRequest, checker: User) -> None:
    take_back(half, checker)
    shown = [(line.who, line.title, line.state) for line in signatures(half, waits_for_me=False)]
    assert shown[1:4] == [
        (checker.name, "Took their approval back", "open"),
        ("Another manager", "Approval", "open"),
        ("Another manager", "Approval", "open"),
    ]

    approve(half, checker)
    shown = [(line.who, line.title, line.state) for line in signatures(half, waits_for_me=False)]
    assert shown[1:3] == [(checker.name, "Approved", "signed"), ("Another manager", "Approval", "open")]


def test_the_file_keeps_what_was_taken_back_apart(half: ChangeRequest, checker: User, checker2: User) -> None:
    take_back(half, checker, "=1+1")
    approve(half, checker2)

    row = rows()[half.reference]
    assert json.loads(row["approvers"]) == [checker2.name]
    assert json.loads(row["taken_back_by"]) == [checker.name]
    assert json.loads(row["taken_back_by_usernames"]) == [checker.username]
    assert json.loads(row["taken_back_reasons"]) == ["=1+1"]
    assert Decision.objects.filter(verdict="approve").count() == 2
