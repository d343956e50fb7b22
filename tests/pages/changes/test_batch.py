"""Everyday requests decided together from the docket, without a script."""

from __future__ import annotations

import html
import importlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from billing.changes.agreeing import deciding
from billing.changes.models import ChangeRequest, Decision, Verdict
from billing.users import User
from tests.world import by, install_policy, propose

SignIn = Callable[[User], Client]
RULES = importlib.import_module("billing.migrations.0026_everyday_changes_may_be_batched").RULES


@pytest.fixture
def waiting(house: None, maker: User, snapshot: dict[str, Any]) -> list[ChangeRequest]:
    """Three everyday requests and, last, one that two managers judge on its own page."""
    install_policy(RULES)
    everyday = [
        propose("customer.create", maker, {"name": name, "ingest_aliases": [name], "custom_fields": {}})
        for name in ("first", "second", "third")
    ]
    return [*everyday, propose("customer.realias", maker, {"ingest_aliases": []}, snapshot=snapshot)]


def ticks(page: str) -> list[str]:
    return re.findall(r'name="decided" value="([^"]+)"', page)


def action(page: str) -> str:
    return html.unescape(re.search(r'id="batch" method="post" action="([^"]+)"', page)[1])


def test_what_is_ticked_is_decided_by_the_digests_of_the_page(
    waiting: list[ChangeRequest], checker: User, as_person: SignIn
) -> None:
    browser, (*everyday, gated) = as_person(checker), waiting
    page = browser.get("/changes/").text
    assert ticks(page) == [f"{change.reference}:{change.digest}" for change in everyday]
    for change in everyday:
        assert html.escape(change.sentence) in html.unescape(page) or change.sentence in html.unescape(page)
        assert "".join(f"<span>{change.digest[at : at + 8]}</span>" for at in range(0, 64, 8)) in page

    answer = browser.post(action(page), {"decided": ticks(page), "verdict": "approve"}, follow=True)

    assert answer.redirect_chain == [("/changes/", 302)]
    assert "3 requests approved; what has all its approvals is queued." in answer.text
    assert {change.status for change in ChangeRequest.objects.exclude(pk=gated.pk)} == {"approved"}
    assert set(Decision.objects.values_list("change_id", "digest")) == {
        (change.pk, change.digest) for change in everyday
    }
    gated.refresh_from_db()
    assert gated.status == "submitted"


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"verdict": "reject"}, 422, "Say why."),
        ({"verdict": "approve", "decided": []}, 422, "Tick between 1 and 50 requests."),
        ({"verdict": "approve", "decided": ["CR-1:x"]}, 422, "What was ticked can’t be read."),
        ({"decided": []}, 422, "Choose to approve or to reject."),
        ({"verdict": "approve", "gated": True}, 409, "is judged on its own page"),
    ],
)
def test_a_refused_batch_keeps_the_ticks_and_decides_nothing(
    sent: dict[str, Any],
    status: int,
    words: str,
    waiting: list[ChangeRequest],
    checker: User,
    as_person: SignIn,
) -> None:
    browser, gated = as_person(checker), waiting[-1]
    ticked = ticks(browser.get("/changes/").text)[:2]
    entered = {"decided": ticked, **sent}
    if entered.pop("gated", False):
        entered["decided"] = [*ticked, f"{gated.reference}:{gated.digest}"]

    answer = browser.post("/changes/decide/", entered)

    assert answer.status_code == status
    assert words in answer.text
    kept = re.findall(r'name="decided" value="([^"]+)"[^>]* checked>', answer.text)
    assert kept == (ticked if entered["decided"][:2] == ticked else [])
    assert not Decision.objects.exists()


def test_a_batch_that_comes_too_late_says_who_was_first_and_keeps_the_reason(
    waiting: list[ChangeRequest], checker: User, checker2: User, as_person: SignIn
) -> None:
    browser, first = as_person(checker), waiting[0]
    ticked = ticks(browser.get("/changes/").text)
    deciding.decide(
        first.pk, actor=by(checker2), verdict=Verdict.REJECT, reason="a twin", digest=first.digest
    )
    entered = {"decided": ticked, "verdict": "approve", "reason": "read every row"}

    answer = browser.post("/changes/decide/", entered)

    assert answer.status_code == 409
    assert f"<li>{first.reference} is rejected; there is nothing left to decide.</li>" in answer.text
    assert "<li><strong>Rejected</strong> by <bdi>Max Manager</bdi>" in answer.text
    assert "<blockquote>a twin</blockquote>" in answer.text
    assert 'value="read every row"' in answer.text
    assert re.findall(r'name="decided" value="([^"]+)"[^>]* checked>', answer.text) == ticked[1:]
    assert Decision.objects.count() == 1


def test_only_who_decides_gets_ticks_and_only_for_what_waits(
    waiting: list[ChangeRequest], maker: User, checker: User, administrator: User, as_person: SignIn
) -> None:
    for person in (maker, administrator):
        for view in ("waiting", "mine", "all"):
            assert ticks(as_person(person).get(f"/changes/?view={view}").text) == []
    assert ticks(as_person(checker).get("/changes/?view=all").text) == []


def test_a_row_that_joins_may_be_ticked_and_a_grey_one_no_more(
    waiting: list[ChangeRequest], maker: User, checker: User, checker2: User, as_person: SignIn
) -> None:
    browser = as_person(checker)
    page = browser.get("/changes/?view=waiting").text
    asked = html.unescape(re.search(r'id="rows-poll" hx-get="([^"]+)"', page)[1])
    later = propose("customer.create", maker, {"name": "l", "ingest_aliases": ["l"], "custom_fields": {}})
    other = as_person(checker2)
    other.post("/changes/decide/", {"decided": ticks(page)[:1], "verdict": "approve"})

    moved = browser.get(asked).text

    assert ticks(moved) == [f"{later.reference}:{later.digest}"]
    assert f'id="row-{waiting[0].reference}" data-gone' in moved
