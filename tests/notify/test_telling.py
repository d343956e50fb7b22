"""Who is told what as a request moves: once, with the fact, and no longer than it is true."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from billing.audit.actors import person, system
from billing.audit.events import Event
from billing.changes import telling
from billing.changes.agreeing import deciding, resolving
from billing.changes.holds import occupy
from billing.changes.models import ChangeRequest, Resolution, Verdict, Word
from billing.changes.moves import locked, move
from billing.changes.statuses import Status
from billing.mirror.resources.customer.models import Customer
from billing.notify.models import About, Notice
from billing.notify.telling import NoTransaction, tell
from billing.users import User
from tests.notify.conftest import decide, told
from tests.pages.conftest import propose_rename

UNREAD, READ = False, True


def go(change: ChangeRequest, *statuses: Status, needs_person: bool = False) -> ChangeRequest:
    """Move a request on as the worker would, the last time perhaps into a person's hands."""
    for status in statuses:
        with transaction.atomic():
            change = locked(change.pk)
            columns: dict[str, Any] = {"needs_person": needs_person and status == statuses[-1]}
            move(change, status, actor=system("worker"), event=Event.CHANGE_CHECKED, **columns)
            if status == Status.APPLYING:
                assert occupy(change)
                ChangeRequest.objects.filter(pk=change.pk).update(claim_token=change.uuid, lease_until=Now())
    return change


@pytest.fixture
def in_need(renaming: ChangeRequest, people: dict[str, User], owner_writes: None) -> ChangeRequest:
    """A request whose outcome nobody knows, and no look-up could tell."""
    decide(renaming, people["manager"])
    change = ChangeRequest.objects.get(pk=renaming.pk)
    with transaction.atomic():
        assert occupy(change)
        ChangeRequest.objects.filter(pk=change.pk).update(
            status=Status.APPLYING, claim_token=change.uuid, lease_until=Now()
        )
    return go(change, Status.UNKNOWN, needs_person=True)


@pytest.fixture
def owner_writes() -> None:
    """The tests' own role owns the tables, so that it may tell a story in few steps."""


def test_a_request_waits_for_everybody_who_may_decide_it_and_for_nobody_else(
    renaming: ChangeRequest, people: dict[str, User]
) -> None:
    assert {name: told(user) for name, user in people.items()} == {
        "finance": [],
        "manager": [("waits", UNREAD)],
        "manager2": [("waits", UNREAD)],
        "auditor": [],
        "administrator": [],
    }
    notice = Notice.objects.filter(person=people["manager"]).get()
    assert (notice.reference, notice.path) == (renaming.reference, f"/changes/{renaming.reference}/")
    assert notice.headline == renaming.sentence
    assert notice.facts == [
        ["Request", renaming.reference],
        ["What", renaming.sentence],
        ["Customer", "Halcyon Freight GmbH"],
        ["Proposed by", "Priya Raman"],
        ["Status", "Waiting for approval"],
        ["Expires", f"{renaming.expires_at:%Y-%m-%d %H:%M} UTC"],
    ]


def test_a_manager_who_proposes_is_not_told_that_it_waits_for_them(
    customer: Customer, people: dict[str, User]
) -> None:
    propose_rename(customer, people["manager"], "Halcyon Logistics GmbH")

    assert told(people["manager"]) == []
    assert told(people["manager2"]) == [("waits", UNREAD)]


def test_who_has_left_is_told_nothing(customer: Customer, people: dict[str, User]) -> None:
    User.objects.filter(pk=people["manager2"].pk).update(is_active=False)

    propose_rename(customer, people["finance"], "Halcyon Logistics GmbH")

    assert told(people["manager2"]) == []


@pytest.mark.parametrize(("verdict", "about"), [("approve", "approved"), ("reject", "rejected")])
def test_a_decision_is_told_to_the_maker_and_ends_the_waiting_of_all(
    renaming: ChangeRequest, people: dict[str, User], verdict: str, about: str
) -> None:
    decide(renaming, people["manager"], Verdict(verdict))

    assert told(people["finance"]) == [(about, UNREAD)]
    assert told(people["manager"]) == told(people["manager2"]) == [("waits", READ)]


def test_of_two_approvals_the_first_ends_the_waiting_of_its_giver_alone(
    renaming: ChangeRequest, people: dict[str, User]
) -> None:
    with transaction.atomic():
        telling.decided(renaming, people["manager"])

    assert told(people["manager"]) == [("waits", READ)]
    assert told(people["manager2"]) == [("waits", UNREAD)]


def test_a_withdrawal_is_no_news_to_its_maker_and_ends_the_waiting(
    renaming: ChangeRequest, people: dict[str, User]
) -> None:
    deciding.withdraw(renaming.pk, actor=person(people["finance"]), reason="The contract fell through.")

    assert told(people["finance"]) == []
    assert told(people["manager"]) == [("waits", READ)]


@pytest.mark.parametrize("status", ["stale", "expired"])
def test_what_became_of_it_by_itself_is_told_to_the_maker(
    renaming: ChangeRequest, people: dict[str, User], status: str
) -> None:
    go(renaming, Status(status))

    assert told(people["finance"]) == [(status, UNREAD)]
    assert told(people["manager"]) == [("waits", READ)]


def test_a_need_is_told_once_to_those_who_may_settle_it_and_to_the_maker(
    in_need: ChangeRequest, people: dict[str, User]
) -> None:
    assert [telling.remind(), telling.remind()] == [1, 0]

    assert told(people["administrator"]) == [("unknown", UNREAD)]
    assert told(people["finance"]) == [("approved", UNREAD), ("unknown", UNREAD)]
    assert told(people["manager2"]) == [("waits", READ)]


def test_a_need_that_comes_again_after_a_persons_word_is_told_again(
    in_need: ChangeRequest, people: dict[str, User]
) -> None:
    telling.remind()
    resolving.resolve(
        in_need.pk,
        actor=person(people["administrator"]),
        verdict=Word.TRY_AGAIN,
        reason="Metronome's support says that nothing arrived.",
    )
    assert told(people["administrator"]) == [("unknown", READ)]
    assert telling.remind() == 0

    ChangeRequest.objects.filter(pk=in_need.pk).update(needs_person=True)

    assert telling.remind() == 1
    assert told(people["administrator"]) == [("unknown", READ), ("unknown", UNREAD)]


def test_a_persons_last_word_is_told_to_the_maker(in_need: ChangeRequest, people: dict[str, User]) -> None:
    telling.remind()

    resolving.resolve(
        in_need.pk,
        actor=person(people["administrator"]),
        verdict=Word.LEAVE_IT,
        reason="The customer is gone.",
    )

    assert told(people["administrator"]) == [("unknown", READ)]
    assert told(people["finance"]) == [("approved", UNREAD), ("unknown", READ), ("closed", UNREAD)]


@pytest.mark.parametrize("needed", [False, True])
def test_that_it_was_applied_is_news_only_after_a_person_was_needed(
    in_need: ChangeRequest, people: dict[str, User], needed: bool
) -> None:
    if needed:
        telling.remind()

    go(in_need, Status.APPLIED)

    rest = [("unknown", READ), ("applied", UNREAD)] if needed else []
    assert told(people["finance"]) == [("approved", UNREAD), *rest]


def test_a_word_that_takes_two_waits_for_the_second_person(
    in_need: ChangeRequest, people: dict[str, User]
) -> None:
    word = Resolution(
        pk=7,
        change=in_need,
        verdict="try_again",
        reason="Look.",
        by=people["administrator"],
        needs_second=True,
    )
    with transaction.atomic():
        telling.said(in_need, word)

    assert told(people["manager2"]) == [("waits", READ), ("waits", UNREAD)]
    assert told(people["administrator"]) == []
    notice = Notice.objects.get(person=people["manager2"], read_at=None)
    assert notice.facts[-3:] == [["Said", "Try again"], ["By", "Nadia Petrov"], ["Why", "Look."]]

    word.seconded_by = people["manager2"]
    with transaction.atomic():
        telling.said(in_need, word)

    assert told(people["manager2"]) == [("waits", READ), ("waits", READ)]


def test_what_expires_within_a_day_is_told_once_to_deciders_and_maker(
    renaming: ChangeRequest, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert telling.remind() == 0
    monkeypatch.setattr(telling, "LAPSES_WITHIN", renaming.expires_at - renaming.submitted_at)

    assert [telling.remind(), telling.remind()] == [1, 0]

    assert told(people["manager"]) == [("waits", UNREAD), ("lapses", UNREAD)]
    assert told(people["finance"]) == [("lapses", UNREAD)]
    assert told(people["auditor"]) == []


def test_what_was_decided_between_the_look_and_the_telling_is_told_to_nobody(
    renaming: ChangeRequest, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "LAPSES_WITHIN", renaming.expires_at - renaming.submitted_at)
    found = telling._lapsing

    def find_and_be_late() -> list[int]:
        ids = found()
        decide(renaming, people["manager"])
        return ids

    monkeypatch.setattr(telling, "_lapsing", find_and_be_late)

    assert telling.remind() == 0
    assert told(people["manager2"]) == [("waits", READ)]


def test_nobody_is_told_outside_the_facts_transaction_or_of_what_was_undone(
    renaming: ChangeRequest, people: dict[str, User]
) -> None:
    before = list(Notice.objects.values())
    words = {"key": "k", "reference": "CR-1", "headline": "h", "facts": [], "path": "/changes/CR-1/"}
    with pytest.raises(NoTransaction):
        tell([people["auditor"]], About.WAITS, **words)
    with transaction.atomic():
        tell([people["auditor"]], About.WAITS, **words)
        transaction.set_rollback(True)

    assert list(Notice.objects.values()) == before


def test_names_that_would_turn_a_line_around_are_spelled_out(people: dict[str, User]) -> None:
    from tests.pages.conftest import add_customer

    odd = add_customer("Halcyon \u202eGmbH")

    propose_rename(odd, people["finance"], "Halcyon Logistics GmbH")

    notice = Notice.objects.filter(person=people["manager"]).get()
    assert ["Customer", "Halcyon [U+202E]GmbH"] in notice.facts
    assert "\u202e" not in notice.headline
