"""Where somebody is signed in: listed, ended by hand, by time, and on record each time."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.test import Client

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.people import sessions
from billing.users import User
from tests.pages.conftest import PASSWORD, signed_in

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605 Version/18.1 Mobile Safari/604"
)


def enter(user_agent: str = FIREFOX, address: str = "203.0.113.8", name: str = "finance") -> Client:
    client = Client(REMOTE_ADDR=address, HTTP_USER_AGENT=user_agent)
    assert client.post("/accounts/login/", {"login": name, "password": PASSWORD}).status_code == 302
    return client


def ended() -> list[tuple[str, str]]:
    events = AuditEvent.objects.filter(event_type=Event.PERSON_SESSION_ENDED).order_by("pk")
    return [(event.actor_text, event.reason) for event in events]


def test_my_account_lists_where_i_am_signed_in(people: dict[str, User]) -> None:
    here = enter()
    enter(SAFARI, "2001:db8::31")
    enter(name="manager")

    page = here.get("/account/").content.decode()

    found = [words.strip() for words in re.findall(r'<th scope="row">((?:Firefox|Safari)[^<]+)', page)]
    assert found == ["Safari 18, iPhone", "Firefox 145, Windows"]
    assert "2001:db8::31" in page
    assert page.count("this one</span>") == 1


def test_one_of_mine_is_ended_by_me_and_told(people: dict[str, User]) -> None:
    here, there = enter(), enter(SAFARI)
    other = UserSession.objects.get(user_agent=SAFARI)

    here.post("/account/sessions/end/", {"session": str(other.pk)})

    assert there.get("/")["Location"].startswith("/accounts/login/")
    assert here.get("/").status_code == 200
    assert ended() == [("Priya Raman", "Ended by its owner.")]
    event = AuditEvent.objects.get(event_type=Event.PERSON_SESSION_ENDED)
    assert event.old == {"browser": "Safari 18, iPhone", "place": "203.0.113.8"}


def test_all_but_this_one_are_ended(people: dict[str, User]) -> None:
    here, others = enter(), [enter(SAFARI), enter()]

    here.post("/account/sessions/end/", {"session": "others"})

    assert [each.get("/").status_code for each in (here, *others)] == [200, 302, 302]


@pytest.mark.parametrize("typed", ["", "x", "0", "9" * 30, "٣"])
def test_nonsense_ends_nothing(people: dict[str, User], typed: str) -> None:
    here, there = enter(), enter(SAFARI)

    assert here.post("/account/sessions/end/", {"session": typed}).status_code == 302

    assert (there.get("/").status_code, ended()) == (200, [])


def test_somebody_elses_session_is_not_mine_to_end(people: dict[str, User]) -> None:
    here, theirs = enter(), enter(name="manager")
    session = UserSession.objects.get(user=people["manager"])

    here.post("/account/sessions/end/", {"session": str(session.pk)})

    assert theirs.get("/").status_code == 200
    assert ended() == []


def test_all_sessions_of_a_person_are_ended_with_a_reason(people: dict[str, User]) -> None:
    clients = [enter(), signed_in(people["finance"])]

    assert sessions.end_sessions(people["finance"], "Left the company.") == 2

    assert [each.get("/").status_code for each in clients] == [302, 302]
    assert sessions.sessions_of(people["finance"]) == []
    assert ended() == [("sign-in", "Left the company.")] * 2


@pytest.mark.parametrize(
    ("minutes", "times", "why"),
    [(61, 1, "Not used for 60 minutes."), (50, 15, "Begun more than 12 hours ago.")],
)
def test_a_session_ends_by_time_and_says_so(
    people: dict[str, User], minutes: int, times: int, why: str
) -> None:
    with time_machine.travel(time.time(), tick=True) as clock:
        here = enter()
        for _step in range(times):
            clock.shift(minutes * 60)
            answer = here.get("/account/")
        assert answer["Location"].startswith("/accounts/login/")
        page = here.get(answer["Location"]).content.decode()

    assert why in page
    assert ended() == [("sign-in", why)]
    assert not UserSession.objects.exists()


def test_without_the_time_outs_it_goes_on(people: dict[str, User], settings: Any) -> None:
    settings.SESSION_IDLE_SECONDS = 10**9
    with time_machine.travel(time.time(), tick=True) as clock:
        here = enter()
        clock.shift(3 * 3600)
        assert here.get("/account/").status_code == 200


def test_what_a_page_asks_by_itself_is_no_use(people: dict[str, User]) -> None:
    with time_machine.travel(time.time(), tick=True) as clock:
        here = enter()
        for _poll in range(4):
            clock.shift(20 * 60)
            answer = here.get("/system/?seen=x", headers={"HX-Request": "true"})

    assert answer.status_code == 401


def test_signing_out_takes_the_session_off_the_list(people: dict[str, User]) -> None:
    here = enter()
    here.post("/accounts/logout/")

    assert not UserSession.objects.exists()
