"""A person's word on what the worker could not settle: who may say it, and what each word does."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.test import Client
from django.utils.html import escape
from psycopg.errors import RestrictViolation

from billing.audit.models import AuditEvent
from billing.changes import queries, sealed
from billing.changes.agreeing import resolving
from billing.changes.applying import apply
from billing.changes.asking.survey import read_survey
from billing.changes.models import ChangeRequest, Resolution, Word
from billing.changes.refusals import BadInput, NotAllowed, WrongState
from billing.metronome.account import Gateway
from billing.mirror.resources.customer import queries as mirror
from billing.notify.models import Notice
from billing.pages import standing
from billing.pages.audit.lines import line_of
from billing.pages.requests import story
from billing.pages.templatetags.countersign import event_sentence
from billing.users import User
from tests.changes.test_apply import SET_NAME, settle_until_known
from tests.changes.test_decide import events
from tests.simulator_server import RunningSimulator
from tests.world import approve, by, propose


@pytest.fixture
def doubtful(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any]
) -> ChangeRequest:
    """A renaming that nobody can tell about: a third name stands."""
    simulator.fault(SET_NAME, "drop_before")
    apply.apply_change(approved.pk, gateway)
    simulator.change("rename", snapshot["id"], name="A third name")
    settle_until_known(approved, gateway)
    assert approved.needs_person
    return approved


@pytest.fixture
def partly(
    snapshot: dict[str, Any],
    gateway: Gateway,
    simulator: RunningSimulator,
    maker: User,
    checker: User,
    checker2: User,
) -> ChangeRequest:
    """An archiving whose aliases are cleared and whose second call Metronome refused."""
    survey = read_survey(gateway, snapshot["id"])
    entered = {"clear_aliases": True, "open_business_reason": "moved"}
    change = propose("customer.archive", maker, entered, snapshot=snapshot, survey=survey)
    approve(change, checker, checker2)
    simulator.fault("POST /v1/customers/archive", "status_before", status=400, message="Not now")
    apply.apply_change(change.pk, gateway)
    change.refresh_from_db()
    assert (change.status, change.needs_person) == ("partly_applied", True)
    return change


def test_only_an_administrator_outside_the_request_may_say(
    doubtful: ChangeRequest, maker: User, checker: User, checker2: User, auditor: User
) -> None:
    before = events(doubtful)
    for person in (maker, checker, checker2, auditor):
        with pytest.raises(NotAllowed):
            resolving.resolve(doubtful.pk, actor=by(person), verdict=Word.TOOK_EFFECT, reason="sure")

    assert events(doubtful) == before
    assert not doubtful.resolutions.exists()


def test_a_word_needs_a_reason_and_a_fitting_state(doubtful: ChangeRequest, administrator: User) -> None:
    with pytest.raises(BadInput):
        resolving.resolve(doubtful.pk, actor=by(administrator), verdict=Word.LEAVE_IT, reason=" ")
    with pytest.raises(WrongState):
        resolving.resolve(doubtful.pk, actor=by(administrator), verdict=Word.GO_ON, reason="on with it")


def test_try_again_looks_first_and_then_sends_once_more(
    doubtful: ChangeRequest,
    administrator: User,
    gateway: Gateway,
    simulator: RunningSimulator,
    snapshot: dict[str, Any],
) -> None:
    simulator.change("rename", snapshot["id"], name=snapshot["name"])
    resolving.resolve(
        doubtful.pk, actor=by(administrator), verdict=Word.TRY_AGAIN, reason="seen in their app"
    )

    settle_until_known(doubtful, gateway)

    assert doubtful.status == "applied"
    assert doubtful.calls.get().attempts.count() == 2
    assert simulator.customer(id=snapshot["id"])["name"] == "Halcyon Freight GmbH"
    assert doubtful.resolutions.get().carried_out_at is not None


def test_a_resend_that_finds_the_customer_moved_goes_back_to_a_person_and_is_never_called_stale(
    doubtful: ChangeRequest, administrator: User, gateway: Gateway, simulator: RunningSimulator
) -> None:
    resolving.resolve(doubtful.pk, actor=by(administrator), verdict=Word.TRY_AGAIN, reason="try it")
    before = len(simulator.ledger())

    settle_until_known(doubtful, gateway)

    assert (doubtful.status, doubtful.needs_person) == ("unknown", True)
    assert doubtful.explanation.startswith("It was not sent again. The name changed in Metronome")
    assert doubtful.calls.get().attempts.count() == 1
    assert len(simulator.ledger()) == before


def test_the_mirror_follows_a_request_that_was_half_applied(
    partly: ChangeRequest, snapshot: dict[str, Any]
) -> None:
    assert mirror.snapshot(snapshot["id"])["ingest_aliases"] == []


def test_what_waits_for_a_second_person_waits_for_others_than_the_first_and_than_who_decided(
    partly: ChangeRequest, administrator: User, manager3: User, checker: User, maker: User
) -> None:
    assert partly in queries.waiting_for(administrator)

    resolving.resolve(partly.pk, actor=by(administrator), verdict=Word.GO_ON, reason="the block is gone")

    assert partly not in queries.waiting_for(administrator)
    assert partly in queries.waiting_for(manager3)
    assert partly not in queries.waiting_for(checker)
    assert partly not in queries.waiting_for(maker)
    told = Notice.objects.filter(reference=partly.reference, about="waits", read_at=None)
    assert [notice.person for notice in told] == [manager3]


def counted_as_listed(*persons: User) -> list[int]:
    """The counts of what waits, each as long as its list."""
    counts = [standing.of(person).waiting for person in persons]
    assert counts == [len(queries.waiting_for(person)) for person in persons]
    return counts


def test_the_count_of_what_waits_is_its_list_in_every_state(
    partly: ChangeRequest, administrator: User, manager3: User, checker: User, maker: User
) -> None:
    everybody = (administrator, manager3, checker, maker)
    assert counted_as_listed(*everybody) == [1, 0, 0, 0]
    resolving.resolve(partly.pk, actor=by(administrator), verdict=Word.GO_ON, reason="the block is gone")
    assert counted_as_listed(*everybody) == [0, 1, 0, 0]
    User.objects.filter(pk=manager3.pk).update(is_active=False)
    manager3.refresh_from_db()
    assert counted_as_listed(*everybody) == [0, 0, 0, 0]


def test_partly_applied_goes_on_only_with_a_second_person(
    partly: ChangeRequest,
    administrator: User,
    maker: User,
    checker: User,
    manager3: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    resolving.resolve(partly.pk, actor=by(administrator), verdict=Word.GO_ON, reason="the block is gone")
    partly.refresh_from_db()
    assert partly.status == "partly_applied"
    for person in (administrator, maker, checker):
        for say in (resolving.second, resolving.disagree):
            with pytest.raises(NotAllowed):
                say(partly.pk, actor=by(person), reason="me too")

    resolving.second(partly.pk, actor=by(manager3), reason="seen it as well")
    settle_until_known(partly, gateway)

    assert partly.status == "applied"
    verbs = [effect["route"].rpartition("/")[2] for effect in simulator.ledger()]
    assert verbs == ["setIngestAliases", "archive"]
    assert [call.generation for call in partly.calls.all()] == [1, 2]


def test_the_second_person_agrees_in_words_of_their_own(
    partly: ChangeRequest, administrator: User, auditor: User, manager3: User
) -> None:
    resolving.resolve(partly.pk, actor=by(administrator), verdict=Word.GO_ON, reason="the block is gone")
    resolving.second(partly.pk, actor=by(manager3), reason="seen it as well")

    first, agreed = AuditEvent.objects.filter(event_type="change.resolved").order_by("pk")
    assert (line_of(first), line_of(agreed)) == ("Resolved: go on", "Agreed: go on")
    assert "agreed with what was said of" in event_sentence(agreed)
    assert "said what became of" in event_sentence(first)
    said = [
        moment for moment in story.timeline(partly, sealed.read(partly.sealed)) if moment.event == first.event
    ]
    assert [(moment.title, moment.who, moment.quote) for moment in said] == [
        ("Resolved", administrator.name, "the block is gone"),
        ("Agreed", manager3.name, "seen it as well"),
    ]


def test_who_decided_is_offered_no_second_word_and_the_page_says_where_nobody_is_left(
    partly: ChangeRequest, administrator: User, checker: User
) -> None:
    resolving.resolve(partly.pk, actor=by(administrator), verdict=Word.GO_ON, reason="the block is gone")
    here, pages = f"/changes/{partly.reference}/", {}
    for person in (administrator, checker):
        browser = Client()
        browser.force_login(person)
        pages[person] = browser.get(here).text
        assert f"{here}second/" not in pages[person]
        assert "Nobody is left who could agree." in pages[person]
        refused = browser.post(f"{here}second/", {"reason": "as agreed"})
        assert refused.status_code == 403
    assert "You decided this request, so somebody else has to agree." in pages[checker]
    User.objects.create_user("manager3", password="x", name="Marit", role="manager")
    assert "Nobody is left" not in browser.get(here).text


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_resolution SET seconded_at = now(), seconded_by_id = %s",
        "UPDATE billing_resolution SET disagreement = 'x', carried_out_at = now(), disagreed_by_id = %s",
    ],
)
def test_the_applications_role_is_refused_a_second_person_who_decided(
    partly: ChangeRequest, administrator: User, checker: User, application_url: str, statement: str
) -> None:
    resolving.resolve(partly.pk, actor=by(administrator), verdict=Word.GO_ON, reason="the block is gone")

    with (
        psycopg.connect(application_url, autocommit=True) as speaker,
        pytest.raises(RestrictViolation, match="the second person has decided this request"),
    ):
        speaker.execute(statement, [checker.pk])

    assert partly.resolutions.get().seconded_by is None


def test_leaving_it_so_closes_the_request_and_frees_the_customer(
    partly: ChangeRequest, administrator: User, simulator: RunningSimulator
) -> None:
    resolving.resolve(partly.pk, actor=by(administrator), verdict=Word.LEAVE_IT, reason="customer stays")

    partly.refresh_from_db()
    assert partly.status == "closed"
    assert not partly.holds.filter(is_open=True).exists()
    assert len(simulator.ledger()) == 1


def test_while_it_waits_nothing_else_is_sent_for_this_customer(
    partly: ChangeRequest,
    gateway: Gateway,
    simulator: RunningSimulator,
    snapshot: dict[str, Any],
    maker: User,
) -> None:
    from billing.changes.refusals import SubjectBusy

    with pytest.raises(SubjectBusy):
        propose("customer.rename", maker, {"name": "Meanwhile"}, snapshot={**snapshot, "ingest_aliases": []})

    assert len(simulator.ledger()) == 1


def test_the_page_lists_the_evidence_in_order_and_explains_each_word(
    doubtful: ChangeRequest, administrator: User
) -> None:
    browser = Client()
    browser.force_login(administrator)

    answer = browser.get(f"/changes/{doubtful.reference}/")

    [line] = answer.context["page"].calls
    assert (line.number, line.row.operation) == (1, "customers.setName")
    assert line.exhibits[0].attempt is not None
    assert [exhibit.at for exhibit in line.exhibits] == sorted(exhibit.at for exhibit in line.exhibits)
    for word in (Word.TOOK_EFFECT, Word.TRY_AGAIN, Word.LEAVE_IT):
        assert f'name="verdict" value="{word.value}" required' in answer.text
        assert escape(resolving.MEANINGS[word]) in answer.text


def test_a_resolution_without_a_word_or_a_reason_keeps_the_form_as_it_was(
    doubtful: ChangeRequest, administrator: User
) -> None:
    browser = Client()
    browser.force_login(administrator)
    address = f"/changes/{doubtful.reference}/resolve/"

    silent = browser.post(address, {"reason": "I looked"})
    unexplained = browser.post(address, {"verdict": "leave_it"})

    assert (silent.status_code, unexplained.status_code) == (422, 422)
    assert "Choose what became of it." in silent.text
    assert "I looked" in silent.text
    chosen = 'value="leave_it" required aria-describedby="verdict-leave_it-help" checked'
    assert chosen in " ".join(unexplained.text.split())
    assert not Resolution.objects.exists()


def test_what_a_person_vouched_for_is_never_shown_as_read_from_metronome(
    doubtful: ChangeRequest, administrator: User
) -> None:
    resolving.resolve(doubtful.pk, actor=by(administrator), verdict=Word.TOOK_EFFECT, reason="seen there")
    browser = Client()
    browser.force_login(administrator)

    answer = browser.get(f"/changes/{doubtful.reference}/")

    assert answer.context["page"].signatures[-1].detail == "by a person’s word"
    assert "as Metronome shows it" not in answer.text


def test_trying_again_after_a_set_back_is_a_new_effect_and_no_replayed_answer(
    approved: ChangeRequest,
    administrator: User,
    gateway: Gateway,
    simulator: RunningSimulator,
    snapshot: dict[str, Any],
) -> None:
    simulator.fault(SET_NAME, "drop_after")
    apply.apply_change(approved.pk, gateway)
    simulator.change("rename", snapshot["id"], name=snapshot["name"])
    settle_until_known(approved, gateway)
    assert (approved.status, approved.needs_person) == ("unknown", True)
    assert "somebody set it back" in approved.explanation

    resolving.resolve(approved.pk, actor=by(administrator), verdict=Word.TRY_AGAIN, reason="ours is right")
    settle_until_known(approved, gateway)

    assert approved.status == "applied"
    call = approved.calls.get()
    assert [attempt.generation for attempt in call.attempts.order_by("number")] == [1, 2]
    assert simulator.customer(id=snapshot["id"])["name"] == "Halcyon Freight GmbH"
    assert [effect["after"]["name"] for effect in simulator.ledger()] == [
        "Halcyon Freight GmbH",
        snapshot["name"],
        "Halcyon Freight GmbH",
    ]
