"""Second factors: set up, asked for, demanded by role, and each on record."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core.management import call_command
from django.template.loader import get_template
from django.test import Client
from django.urls import get_resolver

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.people import factors
from billing.users import User
from tests.pages.conftest import PASSWORD
from tests.pages.test_access import addresses

ROOT = Path(__file__).resolve().parents[2]


def code_of(secret: str) -> str:
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))


def enter(client: Client, name: str = "manager") -> Any:
    return client.post("/accounts/login/", {"login": name, "password": PASSWORD})


def set_up(client: Client) -> str:
    """Turn on an authenticator app as its page asks for it; the secret."""
    secret = re.search(
        r"<code>([A-Z2-7]{32})</code>", client.get("/accounts/2fa/totp/activate/").content.decode()
    )[1]
    answer = client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert answer["Location"] == "/accounts/2fa/recovery-codes/"
    return secret


@pytest.fixture
def demanded(settings: Any) -> None:
    settings.SECOND_FACTOR_DEMANDED = True


def told() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("event_type", flat=True))


def test_a_second_step_is_asked_for_and_each_code_works_once(
    people: dict[str, User], transactional_db: None
) -> None:
    first = Client()
    enter(first)
    secret = set_up(first)
    codes = re.findall(
        r"<li><code>(\d{8})</code>", first.get("/accounts/2fa/recovery-codes/").content.decode()
    )
    assert len(codes) == 10

    second = Client()
    assert enter(second)["Location"] == "/accounts/2fa/authenticate/"
    assert second.get("/")["Location"].startswith("/accounts/login/")
    assert (
        "That code is wrong"
        in second.post("/accounts/2fa/authenticate/", {"code": "000000"}).content.decode()
    )
    with time_machine.travel(time.time() + 60, tick=True):
        assert second.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})["Location"] == "/"
        third = Client()
        enter(third)
        assert third.post("/accounts/2fa/authenticate/", {"code": code_of(secret)}).status_code == 200
        assert third.post("/accounts/2fa/authenticate/", {"code": codes[0]})["Location"] == "/"
        fourth = Client()
        enter(fourth)
        assert fourth.post("/accounts/2fa/authenticate/", {"code": codes[0]}).status_code == 200

    assert told() == [
        Event.PERSON_SIGNED_IN,
        Event.PERSON_FACTOR_ADDED,
        Event.PERSON_CODES_MADE,
        Event.PERSON_STEP_FAILED,
        Event.PERSON_SIGNED_IN,
        Event.PERSON_STEP_FAILED,
        Event.PERSON_CODE_USED,
        Event.PERSON_SIGNED_IN,
        Event.PERSON_STEP_FAILED,
    ]


def test_secrets_of_factors_are_sealed_in_the_database(
    people: dict[str, User], transactional_db: None
) -> None:
    client = Client()
    enter(client)
    secret = set_up(client)

    kept = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in kept
    assert factors.decrypt(kept) == secret


@pytest.mark.parametrize("role", ["manager", "administrator"])
def test_a_demanded_factor_comes_before_everything_else(
    people: dict[str, User], demanded: None, role: str
) -> None:
    client = Client()
    enter(client, role)

    for page in ("/", "/account/", "/customers/", "/tokens/", "/accounts/password/change/"):
        assert client.get(page)["Location"] == "/account/second-factor/"
    assert client.post("/system/freeze/", {"reason": "x"})["Location"] == "/account/second-factor/"
    assert "Set up an authenticator app" in client.get("/account/second-factor/").content.decode()
    set_up(client)
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("role", ["finance", "auditor"])
def test_of_the_other_roles_none_is_demanded(people: dict[str, User], demanded: None, role: str) -> None:
    client = Client()
    enter(client, role)

    assert client.get("/").status_code == 200


def test_switched_off_the_password_alone_opens_and_the_pages_say_so(people: dict[str, User]) -> None:
    client = Client()
    assert (
        "Practice: with real data managers and administrators"
        in client.get("/accounts/login/").content.decode()
    )
    enter(client)

    assert client.get("/").status_code == 200
    assert "This is practice, so the password alone will do." in client.get("/account/").content.decode()


def test_the_last_demanded_factor_stays(people: dict[str, User], demanded: None) -> None:
    client = Client()
    enter(client)
    set_up(client)

    page = client.post("/accounts/2fa/totp/deactivate/").content.decode()

    assert "add another before this one goes" in page
    assert factors.has_factor(people["manager"])


def test_changing_factors_asks_for_a_proof_that_is_fresh(
    people: dict[str, User], transactional_db: None
) -> None:
    with time_machine.travel(time.time(), tick=True) as clock:
        client = Client()
        enter(client)
        set_up(client)
        clock.shift(301)
        asked = client.post("/accounts/2fa/recovery-codes/generate/")
        assert asked["Location"].startswith("/accounts/reauthenticate/")
        assert client.post(asked["Location"], {"password": "wrong"}).status_code == 200
        assert (
            client.post(asked["Location"], {"password": PASSWORD})["Location"]
            == "/accounts/2fa/recovery-codes/"
        )

    assert told()[-2:] == [Event.PERSON_CONFIRMED, Event.PERSON_CODES_MADE]


def test_second_steps_are_limited_too(people: dict[str, User]) -> None:
    client = Client()
    enter(client)
    set_up(client)
    guesser = Client()
    enter(guesser)

    answers = [
        guesser.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code for _guess in range(6)
    ]

    assert answers == [200] * 5 + [429]


def test_who_lost_everything_begins_again(people: dict[str, User], demanded: None) -> None:
    client = Client()
    enter(client)
    set_up(client)

    call_command("reset_second_factor", "manager", reason="Called back on the known number.")

    assert not factors.factors_of(people["manager"])
    assert client.get("/")["Location"].startswith("/accounts/login/")
    enter(client)
    assert client.get("/")["Location"] == "/account/second-factor/"
    events = AuditEvent.objects.filter(reason="Called back on the known number.")
    kinds = [Event.PERSON_FACTOR_REMOVED, Event.PERSON_FACTOR_REMOVED, Event.PERSON_SESSION_ENDED]
    assert list(events.order_by("pk").values_list("event_type", flat=True)) == kinds


def test_no_page_of_allauths_is_drawn_in_its_own_clothes() -> None:
    """Each template that a reachable view names is one of ours."""
    drawn, closed = set(), ("signup", "email", "set_password", "login_code", "index", "list")
    for name, pattern in addresses(get_resolver().url_patterns):
        view = getattr(pattern.callback, "view_class", None)
        template = getattr(view, "template_name", None)
        if template and not any(word in name for word in closed):
            drawn.add(template)
            assert Path(get_template(template).origin.name).is_relative_to(ROOT / "templates"), name
    assert len(drawn) > 15
