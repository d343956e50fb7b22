"""After a decision the next request that waits for its checker opens by itself, with how many are left."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from billing.changes.models import ChangeRequest
from billing.pages.requests.queue import around
from billing.users import User
from tests.pages.conftest import squeezed
from tests.world import propose

SignIn = Callable[[User], Client]


@pytest.fixture
def three(submitted: ChangeRequest, maker: User) -> list[ChangeRequest]:
    """Three requests that wait for a manager, the oldest first."""
    more = [
        propose("customer.create", maker, {"name": name, "ingest_aliases": [name], "custom_fields": {}})
        for name in ("second", "third")
    ]
    return [submitted, *more]


def decide(browser: Client, change: ChangeRequest, verdict: str) -> str:
    """Decide through the page; the address it leads on to."""
    sent = {"verdict": verdict, "digest": change.digest, "reason": "as the order says"}
    answer = browser.post(f"/changes/{change.reference}/decide/", sent)
    assert answer.status_code == 302
    return answer["Location"]


def test_each_decision_opens_the_next_and_the_last_stays(
    three: list[ChangeRequest], checker: User, as_person: SignIn
) -> None:
    browser, (first, second, third) = as_person(checker), three
    page = browser.get(f"/changes/{second.reference}/").text
    assert re.search(r"<strong>2 left for you</strong> after this one", page)

    onward = decide(browser, second, "approve")
    assert onward == f"/changes/{third.reference}/?after={second.reference}"
    page = squeezed(browser.get(onward).text)
    assert f'You approved <strong class="nowrap">{second.reference}</strong> at ' in page
    assert f'<a href="/changes/{second.reference}/">Back to {second.reference}</a>' in page
    assert "<strong>1 left for you</strong> after this one" in page

    onward = decide(browser, third, "reject")
    assert onward == f"/changes/{first.reference}/?after={third.reference}"
    page = squeezed(browser.get(onward).text)
    assert f'You rejected <strong class="nowrap">{third.reference}</strong> at ' in page
    assert "; nothing was sent. The next one opened by itself." in page
    assert "<strong>The last one for you</strong>" in page

    assert decide(browser, first, "approve") == f"/changes/{first.reference}/"
    assert " left for you" not in browser.get(f"/changes/{first.reference}/").text


def test_the_way_there_and_back_goes_round(three: list[ChangeRequest], checker: User, maker: User) -> None:
    first, second, third = three
    places = {change.reference: around(change, checker) for change in three}

    assert [place.next.reference for place in places.values()] == [
        second.reference,
        third.reference,
        first.reference,
    ]
    assert [place.previous.reference for place in places.values()] == [
        third.reference,
        first.reference,
        second.reference,
    ]
    assert {(place.count, place.is_in_it, place.left) for place in places.values()} == {(3, True, 2)}
    assert (around(first, maker).count, around(first, maker).next) == (0, None)


@pytest.mark.parametrize("after", ["CR-999999", "%00", "", "<script>"])
def test_what_was_never_decided_is_not_said_to_be(
    after: str, three: list[ChangeRequest], checker: User, as_person: SignIn
) -> None:
    page = as_person(checker).get(f"/changes/{three[0].reference}/?after={after}")

    assert page.status_code == 200
    assert "opened by itself" not in page.text


def test_nobody_is_told_of_anothers_decision_as_their_own(
    three: list[ChangeRequest], checker: User, checker2: User, as_person: SignIn
) -> None:
    decide(as_person(checker), three[0], "approve")

    page = as_person(checker2).get(f"/changes/{three[1].reference}/?after={three[0].reference}")

    assert "opened by itself" not in page.text


def test_the_first_of_two_approvals_says_that_another_is_needed(
    three: list[ChangeRequest], maker: User, checker: User, as_person: SignIn, snapshot: dict
) -> None:
    other = snapshot | {"id": "00000000-0000-4000-8000-000000000001", "ingest_aliases": ["gone"]}
    removing = propose("customer.realias", maker, {"ingest_aliases": []}, snapshot=other)
    browser = as_person(checker)

    page = squeezed(browser.get(decide(browser, removing, "approve")).text)

    assert "; somebody else has to agree as well. The next one opened by itself." in page


def test_keys_are_switched_off_and_on_in_one_browser(checker: User, as_person: SignIn) -> None:
    browser = as_person(checker)
    assert 'data-keys="off"' not in browser.get("/changes/").text

    answer = browser.post("/keys/", {"keys": "off"}, headers={"Referer": "http://testserver/changes/"})
    assert (answer.status_code, answer["Location"]) == (302, "http://testserver/changes/")
    assert 'data-keys="off"' in browser.get("/changes/").text

    browser.post("/keys/", {"keys": "on"})
    assert 'data-keys="off"' not in browser.get("/changes/").text
