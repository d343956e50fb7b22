"""A second person disagrees: nothing of the first word is done, and somebody has to say another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from psycopg.errors import RestrictViolation

from billing.audit.models import AuditEvent
from billing.changes import queries, telling
from billing.changes.agreeing import resolving
from billing.changes.applying.resending import _person_asked
from billing.changes.asking.survey import read_survey
from billing.changes.models import Attempt, ChangeRequest, Resolution, Word
from billing.changes.moves import database_now
from billing.changes.refusals import ActionRefused, BadInput, NotAllowed, WrongState
from billing.changes.statuses import Status
from billing.metronome.account import Gateway
from billing.notify.models import Notice
from billing.users import User
from tests.changes.test_status_by_action import bring
from tests.changes.test_take_back import together
from tests.simulator_server import RunningSimulator
from tests.world import by, install_policy, propose

ONE = [{"name": "One", "kinds": ["*"], "when": [], "steps": [{"role": "manager", "people": 1}]}]
WHY = "their support says that it did arrive"
TAKES_TWO = {
    Status.UNKNOWN: Word.TRY_AGAIN,
    Status.PARTLY_APPLIED: Word.GO_ON,
    Status.BLOCKED: Word.LEAVE_IT,
}


@pytest.fixture
def archiving(
    snapshot: dict[str, Any], gateway: Gateway, maker: User, checker2: User, administrator: User
) -> ChangeRequest:
    """A request that can't be undone, for one manager to decide."""
    install_policy(ONE)
    entered = {"clear_aliases": True, "open_business_reason": "moved"}
    survey = read_survey(gateway, snapshot["id"])
    return propose("customer.archive", maker, entered, snapshot=snapshot, survey=survey)


@pytest.fixture
def said(archiving: ChangeRequest, checker: User, administrator: User) -> Callable[[Status], ChangeRequest]:
    """Bring the request to a status, and have the administrator say the word that takes two there."""

    def bring_and_say(status: Status) -> ChangeRequest:
        bring(archiving, status, checker)
        resolving.resolve(
            archiving.pk, actor=by(administrator), verdict=TAKES_TWO[status], reason="seen there"
        )
        archiving.refresh_from_db()
        return archiving

    return bring_and_say


def disagree(change: ChangeRequest, person: User, reason: str = WHY) -> ChangeRequest:
    resolving.disagree(change.pk, actor=by(person), reason=reason)
    change.refresh_from_db()
    return change


@pytest.mark.parametrize("status", TAKES_TWO)
def test_nothing_is_done_and_another_word_is_needed(
    said: Callable[[Status], ChangeRequest],
    checker2: User,
    administrator: User,
    simulator: RunningSimulator,
    status: Status,
) -> None:
    change = said(status)
    assert telling.remind() == 0
    before = [(call.status, call.generation) for call in change.calls.all()]

    disagree(change, checker2)

    word = change.resolutions.get()
    assert (change.status, change.needs_person) == (status, True)
    assert (word.reason, word.disagreed_by, word.disagreement) == ("seen there", checker2, WHY)
    assert word.seconded_by is None
    assert [(call.status, call.generation) for call in change.calls.all()] == before
    assert simulator.ledger() == []
    event = AuditEvent.objects.get(event_type="change.disagreed")
    assert (event.actor, event.reason, event.old["by"]) == (checker2, WHY, administrator.name)
    assert change in queries.waiting_for(administrator)
    assert change not in queries.waiting_for(checker2)
    notice = Notice.objects.get(person=administrator, about="disagreed")
    assert ["Why", WHY] in [list(fact) for fact in notice.facts]
    assert not Notice.objects.filter(about="waits", read_at=None).exists()
    assert telling.remind() == 1
    resolving.resolve(change.pk, actor=by(administrator), verdict=TAKES_TWO[status], reason="looked again")
    resolving.second(change.pk, actor=by(checker2), reason="now I see it, too")
    assert change.resolutions.count() == 2


REFUSED: dict[str, tuple[str, str, type[ActionRefused], str]] = {
    "who said it": ("admin", WHY, NotAllowed, "You said it first"),
    "the maker": ("finance", WHY, NotAllowed, "a manager or an administrator"),
    "an auditor": ("auditor", WHY, NotAllowed, "a manager or an administrator"),
    "no reason": ("manager2", " ", BadInput, "Say why"),
    "a second time": ("manager2", WHY, WrongState, "Nothing on this request waits for a second person"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_who_may_not_agree_may_not_disagree(
    said: Callable[[Status], ChangeRequest], auditor: User, checker2: User, what: str
) -> None:
    username, reason, error, words = REFUSED[what]
    change = said(Status.PARTLY_APPLIED)
    if what == "a second time":
        disagree(change, checker2)
    before = AuditEvent.objects.count(), list(change.resolutions.values())

    with pytest.raises(error, match=words):
        resolving.disagree(change.pk, actor=by(User.objects.get(username=username)), reason=reason)

    assert (AuditEvent.objects.count(), list(change.resolutions.values())) == before


def test_of_two_second_persons_at_once_the_first_wins(
    said: Callable[[Status], ChangeRequest], checker2: User, manager3: User
) -> None:
    change = said(Status.BLOCKED)

    ends = together(
        lambda: resolving.second(change.pk, actor=by(manager3), reason="so it is"),
        lambda: resolving.disagree(change.pk, actor=by(checker2), reason=WHY),
    )

    change.refresh_from_db()
    word = change.resolutions.get()
    assert sorted(words.partition(" on ")[0] for words in ends) == ["Nothing", "done"]
    assert (change.status == "closed") == (word.seconded_by_id is not None) == (word.disagreed_by_id is None)


@pytest.mark.parametrize(
    ("needs_second", "ended", "asked"),
    [
        (False, "carried out", True),
        (True, "seconded", True),
        (True, "carried out", False),
        (True, "disagreed", False),
        (True, "waits", False),
    ],
)
def test_a_resend_is_asked_for_only_by_a_word_that_everybody_agreed_to(
    archiving: ChangeRequest, checker2: User, administrator: User, needs_second: bool, ended: str, asked: bool
) -> None:
    call, now = archiving.calls.first(), database_now()
    Attempt.objects.create(call=call, number=1, generation=1, reference="x", claim_token=uuid4(), sent_at=now)
    also = {
        "waits": {},
        "carried out": {"carried_out_at": database_now()},
        "seconded": {"carried_out_at": database_now(), "seconded_by": checker2, "seconded_at": now},
        "disagreed": {"carried_out_at": database_now(), "disagreed_by": checker2, "disagreement": WHY},
    }[ended]
    Resolution.objects.create(
        change=archiving,
        verdict=Word.TRY_AGAIN,
        reason="seen",
        by=administrator,
        needs_second=needs_second,
        **also,
    )

    assert _person_asked(archiving, call) is asked


@pytest.mark.parametrize(
    "values",
    [
        {"disagreed_by": "admin", "disagreement": WHY, "carried_out_at": "now"},
        {"disagreed_by": "manager2", "disagreement": "", "carried_out_at": "now"},
        {"disagreed_by": "manager2", "disagreement": WHY},
        {"disagreed_by": "manager2", "disagreement": WHY, "carried_out_at": "now", "seconded_by": "manager"},
        {"disagreement": WHY},
    ],
)
def test_the_database_knows_what_a_disagreement_is(
    said: Callable[[Status], ChangeRequest], values: dict[str, Any]
) -> None:
    change = said(Status.PARTLY_APPLIED)
    given = {
        name: User.objects.get(username=value) if name.endswith("_by") else value
        for name, value in values.items()
    }
    if "carried_out_at" in given:
        given["carried_out_at"] = database_now()

    with pytest.raises(IntegrityError, match="who_disagrees_is_another"), transaction.atomic():
        change.resolutions.update(**given)


RAW = {
    "by a person who may not": ("auditor", "the application does nothing like it"),
    "by the maker": ("finance", "the application does nothing like it"),
    "that nobody is told of": ("manager2", "the record does not tell of it"),
}


@pytest.mark.parametrize("what", RAW)
def test_the_applications_role_is_refused_a_disagreement(
    said: Callable[[Status], ChangeRequest], auditor: User, application_url: str, what: str
) -> None:
    who, words = RAW[what]
    change = said(Status.PARTLY_APPLIED)

    with (
        psycopg.connect(application_url, autocommit=True) as speaker,
        pytest.raises(RestrictViolation, match=words),
    ):
        speaker.execute(
            "UPDATE billing_resolution SET disagreement = 'x', carried_out_at = now(), disagreed_by_id ="
            " (SELECT id FROM billing_user WHERE username = %s)",
            [who],
        )

    assert change.resolutions.get().disagreed_by is None


def test_it_is_said_on_the_page_by_the_application(
    said: Callable[[Status], ChangeRequest], checker2: User, administrator: User, as_application: None
) -> None:
    change = said(Status.PARTLY_APPLIED)
    browser, here = Client(), f"/changes/{change.reference}/"
    browser.force_login(checker2)
    assert 'formaction="' + f'{here}disagree/"' in browser.get(here).text
    assert browser.post(f"{here}disagree/", {"reason": ""}).status_code == 422

    answer = browser.post(f"{here}disagree/", {"reason": WHY}, follow=True)

    assert "You disagree, and nothing of it is done." in answer.text
    first = Client()
    first.force_login(administrator)
    page = " ".join(first.get(here).text.split())
    assert (
        f"<bdi>{administrator.name}</bdi> said: Go on with the remaining calls. <bdi>{checker2.name}</bdi>"
        in page
    )
    assert f"<blockquote>{WHY}</blockquote>" in page
    late = browser.post(f"{here}second/", {"reason": "I changed my mind"})
    assert late.status_code == 409
    assert "Nothing on this request waits for a second person." in late.text
