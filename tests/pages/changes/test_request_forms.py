"""What is typed about a request survives a refusal, and every status says how it stands."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.template.loader import get_template
from django.test import Client

from billing.changes.agreeing import deciding, resolving
from billing.changes.models import ChangeRequest, Verdict, Word
from billing.changes.statuses import Status
from billing.pages.requests import facts
from billing.users import User
from tests.changes.test_status_by_action import bring
from tests.world import approve, by, propose

TYPED = "Read the order of 12 November:\n<2 aliases> & a name"
SignIn = Callable[[User], Client]


def test_every_status_has_its_own_template(submitted: ChangeRequest, checker: User) -> None:
    page = facts.read(submitted, checker)
    for status in Status:
        row = ChangeRequest(status=status)
        get_template(replace(page, change=row).state_template)


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"verdict": "approve", "digest": "0" * 64}, 409, "not this request. Read it again"),
        ({"verdict": "maybe"}, 422, "Choose to approve or to reject."),
        ({}, 422, "Choose to approve or to reject."),
        ({"verdict": "reject", "reason": "x" * 2001}, 422, "It has 2001 characters: shorten it to 2000."),
    ],
)
def test_a_refused_decision_keeps_the_reason_and_names_the_digest_anew(
    sent: dict[str, str], status: int, words: str, submitted: ChangeRequest, checker: User, as_person: SignIn
) -> None:
    entered = {"digest": submitted.digest, "reason": "seen the order", **sent}

    answer = as_person(checker).post(f"/changes/{submitted.reference}/decide/", entered)

    assert answer.status_code == status
    assert words in answer.text
    assert f"{entered['reason']}</textarea>" in answer.text
    assert f'name="digest" value="{submitted.digest}"' in answer.text
    submitted.refresh_from_db()
    assert (submitted.status, submitted.decisions.count()) == ("submitted", 0)


def test_a_decision_that_comes_too_late_says_so_on_the_page_as_it_is_now(
    approved: ChangeRequest, checker2: User, as_person: SignIn
) -> None:
    sent = {"verdict": "approve", "digest": approved.digest}

    answer = as_person(checker2).post(f"/changes/{approved.reference}/decide/", sent)

    assert answer.status_code == 409
    assert "is approved, queued; there is nothing left to decide." in answer.text
    assert "Your decision" not in answer.text
    assert approved.decisions.count() == 1


def test_who_comes_too_late_reads_who_was_first_and_gets_the_reason_back(
    submitted: ChangeRequest, maker: User, checker: User, checker2: User, as_person: SignIn
) -> None:
    deciding.decide(
        submitted.pk,
        actor=by(checker),
        verdict=Verdict.REJECT,
        reason="not on the order",
        digest=submitted.digest,
    )
    decision = {"verdict": "approve", "digest": submitted.digest}

    late = {
        "decide": as_person(checker2).post(
            f"/changes/{submitted.reference}/decide/", decision | {"reason": TYPED}
        ),
        "withdraw": as_person(maker).post(f"/changes/{submitted.reference}/withdraw/", {"reason": TYPED}),
    }

    for answer in late.values():
        assert answer.status_code == 409
        assert overtaken(answer.text) == (TYPED, ["Rejected by Mona Manager", "not on the order"])
    assert f"{submitted.reference} is rejected; there is nothing left to decide." in late["decide"].text
    submitted.refresh_from_db()
    assert (submitted.status, submitted.decisions.count()) == ("rejected", 1)


@pytest.mark.parametrize("act", ["resolve", "second"])
def test_a_word_that_comes_too_late_is_given_back(
    act: str, submitted: ChangeRequest, checker: User, administrator: User, as_person: SignIn
) -> None:
    bring(submitted, Status.UNKNOWN, checker)
    other = User.objects.create_user("admin2", password="x", name="Olga Other", role="administrator")
    resolving.resolve(submitted.pk, actor=by(other), verdict=Word.LEAVE_IT, reason="asked Metronome")

    answer = as_person(administrator).post(
        f"/changes/{submitted.reference}/{act}/", {"verdict": "took_effect", "reason": TYPED}
    )

    assert answer.status_code == 409
    assert overtaken(answer.text) == (TYPED, ["Closed by Olga Other", "asked Metronome"])


def test_two_tabs_of_one_person_are_told_as_any_two(
    snapshot: dict[str, Any], maker: User, checker: User, as_person: SignIn
) -> None:
    change = propose("customer.realias", maker, {"ingest_aliases": []}, snapshot=snapshot)
    approve(change, checker)
    sent = {"verdict": "reject", "digest": change.digest, "reason": TYPED}

    answer = as_person(checker).post(f"/changes/{change.reference}/decide/", sent)

    assert answer.status_code == 409
    assert "You have already decided this request" in answer.text
    assert overtaken(answer.text)[0] == TYPED


def test_an_approval_is_taken_back_on_its_page_and_given_again(
    snapshot: dict[str, Any], maker: User, checker: User, checker2: User, as_person: SignIn
) -> None:
    change = propose("customer.realias", maker, {"ingest_aliases": []}, snapshot=snapshot)
    approve(change, checker)
    browser, here = as_person(checker), f"/changes/{change.reference}/"
    assert "Take back your approval" not in as_person(checker2).get(here).text
    assert "Take back your approval" in browser.get(here).text

    empty = browser.post(f"{here}take-back/", {"reason": " "})
    assert (empty.status_code, change.decisions.count()) == (422, 1)
    assert "Say why. The reason is kept in the audit record." in empty.text
    said = browser.post(f"{here}take-back/", {"reason": TYPED}, follow=True)

    page = html.unescape(said.text)
    assert f"Your approval of {change.reference} is taken back. You may decide it again." in page
    assert "Took their approval back" in page
    assert "Your decision" in page
    assert "Take back your approval" not in page
    assert "Approval taken back</strong> by" in page
    late = browser.post(f"{here}take-back/", {"reason": TYPED})
    assert late.status_code == 409
    assert overtaken(late.text)[0] == TYPED


def test_the_address_of_a_form_leads_to_its_page(
    submitted: ChangeRequest, checker: User, as_person: SignIn
) -> None:
    browser, here = as_person(checker), f"/changes/{submitted.reference}/"
    for act in ("decide", "take-back", "withdraw", "resolve", "second", "disagree", "check"):
        answer = browser.get(f"{here}{act}/")
        if answer.status_code != 403:
            assert (answer.status_code, answer["Location"]) == (302, here), act
    answer = browser.get("/changes/decide/?view=mine")
    assert (answer.status_code, answer["Location"]) == (302, "/changes/?view=mine")
    assert browser.put(f"{here}decide/").status_code == 405


def overtaken(page: str) -> tuple[str, list[str]]:
    """What somebody who came too late had typed, and who did what before; the last word and its reason."""
    box = page[page.index('<section class="overtaken error-summary"') :]
    box = html.unescape(box[: box.index("</section>")])
    typed = re.search(r'<textarea id="overtaken-typed" rows="3" readonly>\n(.*?)</textarea>', box, re.DOTALL)
    first = re.search(r'id="came-first">\s*<li>(.*?), <time.*?<blockquote>(.*?)</blockquote>', box, re.DOTALL)
    return typed[1], [re.sub("<[^>]+>", "", first[1]), first[2]]
