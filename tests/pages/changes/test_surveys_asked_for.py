"""Opening a form or a page asks for reads of Metronome; opening many, or one often, doesn't pile them up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from billing.changes.alone import alone
from billing.changes.applying import preflight
from billing.changes.asking import survey
from billing.changes.models import ChangeRequest, Survey
from billing.changes.moves import database_now
from billing.metronome.account import Gateway
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import mirrored

SignIn = Callable[[User], Client]


def address(snapshot: dict[str, Any]) -> str:
    return f"/changes/new/customer.archive/?customer={snapshot['id']}"


def test_a_form_opened_often_and_by_several_asks_once(
    snapshot: dict[str, Any], maker: User, checker: User, gateway: Gateway, as_person: SignIn
) -> None:
    for _each in range(20):
        assert as_person(maker).get(address(snapshot)).status_code == 200
    assert as_person(checker).get(address(snapshot)).status_code == 200

    asked = Survey.objects.get()

    survey.answer(asked.uuid, gateway)

    assert "Send for approval" in as_person(checker).get(address(snapshot)).text
    assert Survey.objects.count() == 1


def test_somebody_who_waits_for_several_surveys_is_told_so_and_asks_for_no_more(
    gateway: Gateway, simulator: RunningSimulator, maker: User, checker: User, as_person: SignIn
) -> None:
    customers = [mirrored(gateway, simulator, position) for position in range(survey.MOST_WAITING + 1)]
    browser = as_person(maker)
    pages = [browser.get(address(customer)).text for customer in customers]

    waiting = "You wait for several surveys already."
    assert [waiting in page for page in pages] == [False] * survey.MOST_WAITING + [True]
    assert Survey.objects.count() == survey.MOST_WAITING
    assert waiting not in as_person(checker).get(address(customers[-1])).text

    for asked in Survey.objects.all():
        survey.answer(asked.uuid, gateway)
    assert "Send for approval" in browser.get(address(customers[-1])).text


def test_a_worker_is_woken_for_a_new_survey_and_for_one_whose_call_was_lost(
    snapshot: dict[str, Any], maker: User, gateway: Gateway
) -> None:
    asked = survey.ask(snapshot["id"], asked_by=maker)
    asked.refresh_from_db()

    ages = [timedelta(0), timedelta(seconds=5), timedelta(seconds=61)]
    nudged = []
    for age in ages:
        asked.asked_at = database_now() - age
        nudged.append(survey.needs_nudge(asked))
    assert nudged == [True, False, True]

    survey.answer(asked.uuid, gateway)
    asked.refresh_from_db()
    assert not survey.needs_nudge(asked)


def test_while_one_worker_is_on_it_another_reads_nothing(
    submitted: ChangeRequest,
    snapshot: dict[str, Any],
    maker: User,
    gateway: Gateway,
    on_another_connection: Any,
) -> None:
    asked = survey.ask(snapshot["id"], asked_by=maker)
    spent = gateway.requests_spent

    with alone(f"check of request {submitted.pk}"), alone(f"survey {asked.uuid}"):
        on_another_connection(lambda: preflight.check_change(submitted.pk, gateway))
        on_another_connection(lambda: survey.answer(asked.uuid, gateway))

    assert gateway.requests_spent == spent
    preflight.check_change(submitted.pk, gateway)
    survey.answer(asked.uuid, gateway)
    assert gateway.requests_spent > spent


def test_what_an_earlier_check_has_answered_is_not_read_again(
    submitted: ChangeRequest, gateway: Gateway
) -> None:
    assert preflight.ask(submitted)
    preflight.check_change(submitted.pk, gateway)
    spent = gateway.requests_spent

    preflight.check_change(submitted.pk, gateway)

    assert gateway.requests_spent == spent


@pytest.fixture
def on_another_connection() -> Callable[[Callable[[], None]], None]:
    """Does something on a thread, and so on a connection, of its own."""

    def run(work: Callable[[], None]) -> None:
        def and_close() -> None:
            try:
                work()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as pool:
            pool.submit(and_close).result()

    return run
