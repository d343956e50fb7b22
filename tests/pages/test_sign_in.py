"""The door: what goes on record, what is closed, and that it holds while Redis is away."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.cache import caches
from django.test import Client

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.users import User
from tests.pages.conftest import PASSWORD

LOGIN = "/accounts/login/"


def sign_in(client: Client, name: str, password: str = PASSWORD) -> Any:
    return client.post(LOGIN, {"login": name, "password": password}, headers={"User-Agent": "Firefox"})


def test_signing_in_and_out_goes_on_record(client: Client, people: dict[str, User]) -> None:
    assert sign_in(client, "finance")["Location"] == "/"
    assert client.post("/accounts/logout/")["Location"] == LOGIN

    events = AuditEvent.objects.order_by("pk")
    assert [event.event_type for event in events] == [Event.PERSON_SIGNED_IN, Event.PERSON_SIGNED_OUT]
    for event in events:
        assert (event.actor, event.actor_role, event.subject_text) == (
            people["finance"],
            "finance",
            "Priya Raman",
        )
        assert event.ip == "127.0.0.1"
    assert events[0].user_agent == "Firefox"
    assert len(events[0].request_id) == 36


def test_a_wrong_password_goes_on_record_with_the_person_it_was_for(
    client: Client, people: dict[str, User]
) -> None:
    answer = sign_in(client, "finance", "wrong")

    event = AuditEvent.objects.get()
    assert (event.event_type, event.subject_text) == (Event.PERSON_SIGN_IN_FAILED, "Priya Raman")
    assert (event.actor, event.actor_text) == (None, "somebody not signed in")
    assert "That did not work" in answer.content.decode()


def test_what_was_typed_as_a_name_is_not_kept_when_nobody_has_it(
    client: Client, people: dict[str, User]
) -> None:
    sign_in(client, "my secret password", "x")

    event = AuditEvent.objects.get()
    assert (event.subject_id, event.subject_text) == ("unknown", "a name that nobody here has")
    assert "secret" not in str(list(AuditEvent.objects.values()))


def test_a_deactivated_person_stays_outside(client: Client, people: dict[str, User]) -> None:
    User.objects.filter(username="finance").update(is_active=False)

    sign_in(client, "finance")

    assert client.get("/")["Location"] == f"{LOGIN}?next=/"
    assert not AuditEvent.objects.filter(event_type=Event.PERSON_SIGNED_IN).exists()


@pytest.mark.parametrize("redis_is_away", [False, True])
def test_guessing_is_stopped_with_redis_and_without(
    client: Client, people: dict[str, User], settings: Any, redis_is_away: bool
) -> None:
    if redis_is_away:
        away = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
        settings.CACHES = {"default": away}
        caches["default"]._own.clear()

    for _guess in range(5):
        sign_in(client, "finance", "wrong")
    answers = [sign_in(client, "finance") for _again in range(3)]

    for answer in answers:
        assert (answer.status_code, answer["Retry-After"]) == (429, "300")
        assert "Nobody’s account is locked" in answer.content.decode()
    assert client.get("/").status_code == 302
    event = AuditEvent.objects.get(event_type=Event.PERSON_TURNED_AWAY)
    assert (event.subject_text, event.actor, event.ip) == ("Priya Raman", None, "127.0.0.1")


def test_nobody_locks_a_person_out_from_elsewhere(client: Client, people: dict[str, User]) -> None:
    for host in range(1, 5):
        stranger = Client(REMOTE_ADDR=f"203.0.113.{host}")
        for _guess in range(6):
            sign_in(stranger, "finance", "wrong")
        assert sign_in(stranger, "finance").status_code == 429

    assert sign_in(client, "finance")["Location"] == "/"


def test_one_address_that_tries_many_names_is_slowed_down(client: Client, people: dict[str, User]) -> None:
    answers = [sign_in(client, f"name-{number}", "wrong").status_code for number in range(11)]

    assert answers == [200] * 10 + [429]


def test_without_the_limits_guessing_goes_on(client: Client, people: dict[str, User], settings: Any) -> None:
    """Were the limits switched off, the tests above would see this."""
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": None, "login": None}

    assert {sign_in(client, "finance", "wrong").status_code for _guess in range(12)} == {200}


def test_a_wrong_password_and_a_name_nobody_has_are_answered_alike(
    client: Client, people: dict[str, User]
) -> None:
    def page(name: str) -> str:
        answer = sign_in(Client(), name, "wrong")
        return re.sub(r'(csrf\w+" value|X-CSRFToken)[^>]+', "", answer.content.decode()).replace(
            f'value="{name}"', ""
        )

    User.objects.filter(username="auditor").update(is_active=False)

    assert page("finance") == page("nobody") == page("auditor")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "address", ["signup/", "signup", "email/", "login/code/confirm/", "password/set/", "confirm-email/x/"]
)
def test_the_other_doors_are_closed(client: Client, db: None, method: str, address: str) -> None:
    answer = getattr(client, method)(f"/accounts/{address}", {"username": "x"})

    assert answer.status_code == 404
    assert not User.objects.exists()


def test_signing_in_leads_nowhere_but_to_our_own_pages(client: Client, people: dict[str, User]) -> None:
    answer = client.post(LOGIN, {"login": "finance", "password": PASSWORD, "next": "https://evil.example/"})

    assert answer["Location"] == "/"


def test_a_person_changes_their_password(client: Client, people: dict[str, User]) -> None:
    client.force_login(people["finance"])
    typed = {"oldpassword": PASSWORD, "password1": "a much longer one 7", "password2": "a much longer one 7"}

    assert client.post("/accounts/password/change/", {**typed, "oldpassword": "no"}).status_code == 200
    assert client.post("/accounts/password/change/", typed).status_code == 302

    people["finance"].refresh_from_db()
    assert people["finance"].check_password("a much longer one 7")
    event = AuditEvent.objects.get(event_type=Event.PERSON_PASSWORD_CHANGED)
    assert (event.actor, event.subject_text, event.ip) == (people["finance"], "Priya Raman", "127.0.0.1")
    assert "much longer" not in str(AuditEvent.objects.values().get(pk=event.pk))


def test_a_password_whose_change_cannot_be_recorded_stays(
    client: Client, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: Any, **_words: Any) -> None:
        raise RuntimeError("the record is closed")

    client.force_login(people["finance"])
    monkeypatch.setattr("billing.audit.log.record", broken)
    client.raise_request_exception = False
    typed = {"oldpassword": PASSWORD, "password1": "a much longer one 7", "password2": "a much longer one 7"}

    assert client.post("/accounts/password/change/", typed).status_code == 500

    people["finance"].refresh_from_db()
    assert people["finance"].check_password(PASSWORD)


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        ("http://testserver/changes/CR-000001/?a=1", "/changes/CR-000001/?a=1"),
        ("http://elsewhere.example/changes/", "/"),
        ("", "/"),
    ],
)
def test_a_form_sent_without_a_session_leads_back_to_its_page_and_says_that_nothing_was_sent(
    db: None, referer: str, page: str
) -> None:
    answer = Client().post("/changes/CR-000001/decide/", {"reason": "typed"}, headers={"Referer": referer})

    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?" + urlencode({"next": page, "unsent": 1})
    assert "Your session had ended, so nothing was sent." in Client().get(answer["Location"]).content.decode()
