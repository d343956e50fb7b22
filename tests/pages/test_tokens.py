"""Access tokens through the pages: made once, shown once, reading what they say and doing nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver, reverse

from billing.audit.actors import person
from billing.audit.models import AuditEvent
from billing.mirror.resources.customer.models import Customer
from billing.pages import nouns
from billing.people import tokens
from billing.people.tokens import AccessToken
from billing.users import User
from tests.pages.conftest import now, signed_in
from tests.pages.test_access import TABLE, addresses

pytestmark = pytest.mark.django_db(transaction=True)
ENTERED = {"name": "Month-end archive", "lists": ["customers", "audit"], "days": "90"}


def script(secret: str, address: str = "/customers.csv", method: str = "get") -> HttpResponse:
    """What a script with this secret is answered; `said` is all of it, read and closed."""
    answer = getattr(Client(), method)(address, headers={"Authorization": f"Bearer {secret}"})
    answer.said = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
    answer.close()
    return answer


@pytest.fixture
def secret(people: dict[str, User]) -> str:
    """Of an auditor's token for the audit record and customers."""
    auditor = people["auditor"]
    return tokens.make(auditor, "Archive", ["customers", "audit"], 30, person(auditor))[1]


def test_a_token_is_made_its_secret_shown_once_and_recorded(
    browser: Callable[[str], Client], halcyon: Customer
) -> None:
    auditor = browser("auditor")

    answer = auditor.post("/tokens/", ENTERED)

    assert answer.status_code == 201
    [shown] = set(re.findall(r"countersign_[\w-]{43}", answer.content.decode()))
    assert shown not in auditor.get("/tokens/").content.decode()
    made = AuditEvent.objects.get(event_type="token.made")
    assert (made.subject_text, made.new["lists"]) == (
        "Month-end archive of Amara Diallo",
        ["audit", "customers"],
    )
    assert shown not in f"{made.new} {made.subject_text}"
    taken = script(shown)
    assert (taken.status_code, "Halcyon Freight GmbH" in taken.said) == (200, True)
    asked, delivered = AuditEvent.objects.filter(subject_type="export").order_by("pk")
    assert (asked.actor_text, asked.new["token"], delivered.new["token"]) == (
        "Amara Diallo",
        "Month-end archive",
        "Month-end archive",
    )
    assert "from 127.0.0.1" in auditor.get("/tokens/").content.decode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "Fill this in."),
        ({"name": "x" * 61}, "It has 61 characters: shorten it to 60."),
        ({"name": "a\u202eb"}, "can’t be seen"),
        ({"name": "a\x00b"}, "can’t be sent"),
        ({"lists": []}, "Choose at least one."),
        ({"lists": ["passwords"]}, "not offered"),
        ({"days": "4000"}, "not offered"),
        ({"days": ""}, "Choose one."),
    ],
)
def test_what_is_entered_wrongly_is_told_and_kept(
    browser: Callable[[str], Client], change: dict[str, Any], words: str
) -> None:
    answer = browser("auditor").post("/tokens/", {**ENTERED, **change})

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not AccessToken.objects.exists()
    [(leads_to, said)] = re.findall(r'<li><a href="#([^"]*)">[^:]*:\s*([^<]*)</a>', answer.content.decode())
    assert words in said
    assert f'id="{leads_to}"' in answer.content.decode()
    if "name" not in change:
        assert 'value="Month-end archive"' in answer.content.decode()


def test_two_in_use_of_one_name_are_refused_and_a_reload_makes_no_second(
    browser: Callable[[str], Client],
) -> None:
    auditor = browser("auditor")
    auditor.post("/tokens/", ENTERED)

    again = auditor.post("/tokens/", ENTERED)

    assert (again.status_code, AccessToken.objects.count()) == (422, 1)
    assert "You have a token of this name" in again.content.decode()


def test_nobody_can_make_one_for_what_they_may_not_read(browser: Callable[[str], Client]) -> None:
    answer = browser("finance").post("/tokens/", ENTERED)

    assert answer.status_code == 422
    assert "not offered" in answer.content.decode()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_a_token_changes_nothing(secret: str, method: str) -> None:
    before = AuditEvent.objects.count()

    answer = script(secret, "/customers.csv", method)

    assert (answer.status_code, AuditEvent.objects.count()) == (403, before)


def test_a_cookie_lends_a_script_nothing(secret: str, people: dict[str, User]) -> None:
    both = signed_in(people["administrator"])

    refused = both.get("/plans.csv", headers={"Authorization": f"Bearer {secret}"})
    unknown = both.get("/customers.csv", headers={"Authorization": "Bearer countersign_" + "x" * 43})

    assert (refused.status_code, unknown.status_code) == (403, 401)


@pytest.mark.parametrize(
    "given", ["", "x", "countersign_", "countersign_" + "x" * 43, "\u0660" * 55, "x" * 9_000]
)
def test_what_is_no_token_is_told_so(given: str, people: dict[str, User]) -> None:
    answer = script(given)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer ")
    assert "no access token of ours" in answer.said


def test_a_token_ends_with_its_time_its_revocation_and_its_owner(
    secret: str, people: dict[str, User]
) -> None:
    assert script(secret).status_code == 200
    AccessToken.objects.update(made_at=now() - timedelta(days=31), expires_at=now() - timedelta(seconds=1))
    late = script(secret)
    AccessToken.objects.update(expires_at=now() + timedelta(days=1))
    people["auditor"].is_active = False
    people["auditor"].save(update_fields=["is_active"])
    left = script(secret)
    people["auditor"].is_active = True
    people["auditor"].save(update_fields=["is_active"])
    browser = signed_in(people["auditor"])
    browser.post("/tokens/revoke/", {"token": str(AccessToken.objects.get().pk)})
    revoked = script(secret)

    assert [late.status_code, left.status_code, revoked.status_code] == [401, 401, 401]
    assert "expired" in late.said
    assert "may not come in any more" in left.said
    assert "was revoked" in revoked.said
    assert AuditEvent.objects.get(event_type="token.revoked").actor_text == "Amara Diallo"


def test_a_role_that_is_taken_away_takes_the_token_along(secret: str, people: dict[str, User]) -> None:
    people["auditor"].role = "finance"
    people["auditor"].save(update_fields=["role"])

    record, customers = script(secret, "/audit/export.csv"), script(secret)

    assert (record.status_code, customers.status_code) == (403, 200)
    assert record.said.startswith("The role finance may not read the audit record")
    assert record["Content-Type"].startswith("text/plain")


def test_somebody_elses_is_revoked_by_an_administrator_alone(
    secret: str, browser: Callable[[str], Client]
) -> None:
    token = AccessToken.objects.get()
    for role, status in (("finance", 403), ("manager", 403), ("administrator", 302)):
        assert browser(role).post("/tokens/revoke/", {"token": str(token.pk)}).status_code == status
    token.refresh_from_db()

    assert token.revoked_by.role == "administrator"
    assert "Everybody else’s" in browser("administrator").get("/tokens/").content.decode()
    assert "Everybody else’s" not in browser("manager").get("/tokens/").content.decode()


@pytest.mark.parametrize("name", [name for name, (_method, row) in TABLE.items() if row[0] == 401])
def test_a_script_without_a_token_is_told_and_a_browser_led_to_sign_in(
    name: str, people: dict[str, User]
) -> None:
    script_, browser_ = Client(), Client()
    browser_.cookies["sessionid"] = "over"

    told, led = script_.get(reverse(name)), browser_.get(reverse(name))

    assert (told.status_code, told["WWW-Authenticate"]) == (401, 'Bearer realm="Countersign"')
    assert "Send an access token" in told.content.decode()
    assert (led.status_code, led["Location"].partition("?")[0]) == (302, "/accounts/login/")


def test_a_form_sent_with_a_token_is_refused_in_text(secret: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(
        "/tokens/", ENTERED, headers={"Authorization": f"Bearer {secret}"}
    )

    assert (answer.status_code, answer["Content-Type"]) == (403, "text/plain; charset=utf-8")


@pytest.mark.parametrize("sent", ["", "x", "00000000-0000-0000-0000-000000000009", "\x00"])
def test_revoking_what_is_not_there_is_told(sent: str, browser: Callable[[str], Client]) -> None:
    assert browser("auditor").post("/tokens/revoke/", {"token": sent}).status_code == 404


def test_a_filter_that_is_wrong_is_told_to_the_script_in_text(secret: str) -> None:
    answer = script(secret, "/customers.csv?plan=x")

    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/plain")


def test_every_file_there_is_can_be_named_by_a_token(people: dict[str, User]) -> None:
    files = {
        getattr(pattern.callback, "list_name", "")
        for name, pattern in addresses(get_resolver().url_patterns)
        if name.endswith("-csv")
    }

    assert "" not in files
    assert files == {"requests", *(face.name for face in nouns.lists_with_pages())}
