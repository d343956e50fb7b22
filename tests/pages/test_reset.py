"""A forgotten password: by a mailed link or one that an administrator hands over, once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing import tasks
from billing.audit.actors import person
from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.people import reset
from billing.people.models import ResetLink
from billing.users import User
from tests.notify.conftest import Mailroom, mailroom, port
from tests.pages.conftest import add_people, signed_in

__all__ = ["mailroom", "port"]
ASK, NEW = "/accounts/password/reset/", "a much longer one 7"
TYPED = {"password1": NEW, "password2": NEW}


@pytest.fixture
def people(transactional_db: None, port: int) -> dict[str, User]:
    """One person of each role, each with a mailbox; mail is sent between transactions only."""
    people = add_people()
    for name, each in people.items():
        each.email = f"{name}@books.example"
        each.save(update_fields=["email"])
    return people


def link_in(mailroom: Mailroom) -> str:
    """The path of the newest mailed link."""
    body = mailroom.letters[-1].get_content()
    return re.search(r"https://countersign\.example(/\S+)", body)[1]


def open_link(client: Client, path: str) -> str:
    """Follow a link as a browser does; the address of its form."""
    answer = client.get(path)
    assert answer.status_code == 302
    return answer["Location"]


def asked_by_mail(client: Client, mailroom: Mailroom, address: str = "finance@books.example") -> str:
    client.post(ASK, {"email": address})
    tasks.tell_people()
    return link_in(mailroom)


def test_a_mailed_link_sets_a_new_password_once(
    client: Client, people: dict[str, User], mailroom: Mailroom
) -> None:
    elsewhere = signed_in(people["finance"])

    path = asked_by_mail(client, mailroom)
    assert client.post(open_link(client, path), TYPED)["Location"] == "/accounts/password/reset/key/done/"

    people["finance"].refresh_from_db()
    assert people["finance"].check_password(NEW)
    assert elsewhere.get("/").status_code == 302
    assert "This link works no more" in Client().get(path).content.decode()
    told = AuditEvent.objects.filter(event_type__in=[Event.PERSON_RESET_ASKED, Event.PERSON_PASSWORD_CHANGED])
    assert [(event.event_type, event.subject_text, event.reason) for event in told.order_by("pk")] == [
        (Event.PERSON_RESET_ASKED, "Priya Raman", ""),
        (Event.PERSON_PASSWORD_CHANGED, "Priya Raman", "By a link that was mailed."),
    ]
    assert mailroom.addressees == ["finance@books.example"]


def test_the_secret_lies_in_no_row(client: Client, people: dict[str, User], mailroom: Mailroom) -> None:
    client.post(ASK, {"email": "finance@books.example"})
    assert ResetLink.objects.get().digest == ""

    tasks.tell_people()

    secret = link_in(mailroom).rstrip("/").rpartition("/")[2].partition("-")[2]
    assert len(secret) == 43
    assert secret not in str(list(ResetLink.objects.values()) + list(AuditEvent.objects.values()))


@pytest.mark.parametrize("address", ["nobody@books.example", "left@books.example", "company@books.example"])
def test_who_has_no_password_here_gets_the_same_answer_and_no_mail(
    client: Client, people: dict[str, User], mailroom: Mailroom, address: str, django_assert_num_queries: Any
) -> None:
    User.objects.filter(username="auditor").update(email="left@books.example", is_active=False)
    User.objects.filter(username="manager").update(email="company@books.example", password="!none")
    client.get(ASK)
    with django_assert_num_queries(_queries_of(client, "finance@books.example")):
        answer = client.post(ASK, {"email": address})
    known = client.post(ASK, {"email": "administrator@books.example"})

    assert (answer.status_code, answer["Location"]) == (known.status_code, known["Location"])
    tasks.tell_people()
    assert mailroom.addressees == ["administrator@books.example", "finance@books.example"]
    asked = AuditEvent.objects.filter(event_type=Event.PERSON_RESET_ASKED).order_by("pk")
    assert [event.subject_text for event in asked] == [
        "Priya Raman",
        "an address that nobody here has",
        "Nadia Petrov",
    ]


def _queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        client.post(ASK, {"email": address})
    return len(queries)


@pytest.mark.parametrize("what", ["expired", "password changed", "deactivated", "another person"])
def test_a_link_that_should_open_nothing_opens_nothing(
    client: Client, people: dict[str, User], mailroom: Mailroom, what: str
) -> None:
    path = asked_by_mail(client, mailroom)
    form = open_link(client, path)
    match what:
        case "expired":
            ResetLink.objects.update(expires_at=F("expires_at") - timedelta(minutes=31))
        case "password changed":
            other = signed_in(people["finance"])
            typed = {"oldpassword": "countersign-demo", "password1": "yet another one 8"}
            other.post("/accounts/password/change/", {**typed, "password2": "yet another one 8"})
        case "deactivated":
            User.objects.filter(username="finance").update(is_active=False)
        case "another person":
            uid = path.rstrip("/").rpartition("/")[2].partition("-")[0]
            path = path.replace(f"/{uid}-", f"/{people['manager'].pk}-")
            form = form.replace(f"/{uid}-", f"/{people['manager'].pk}-")

    for page in (client.post(form, TYPED), Client().get(path)):
        assert "This link works no more" in page.content.decode()
    assert not any(each.check_password(NEW) for each in User.objects.all())


def test_a_weak_password_is_refused_and_the_link_goes_on(
    client: Client, people: dict[str, User], mailroom: Mailroom
) -> None:
    form = open_link(client, asked_by_mail(client, mailroom))

    page = client.post(form, {"password1": "a" * 12, "password2": "a" * 12})

    assert "repeats few characters" in page.content.decode()
    assert client.post(form, TYPED).status_code == 302


def test_two_browsers_with_one_link_set_one_password(
    people: dict[str, User], mailroom: Mailroom, client: Client
) -> None:
    path = asked_by_mail(client, mailroom)
    first, second = Client(), Client()
    forms = [(each, open_link(each, path)) for each in (first, second)]
    assert first.post(forms[0][1], TYPED).status_code == 302

    second.post(forms[1][1], {"password1": "the slower one 99", "password2": "the slower one 99"})

    people["finance"].refresh_from_db()
    assert people["finance"].check_password(NEW)


def test_a_link_is_mailed_when_the_server_is_back(
    client: Client, people: dict[str, User], mailroom: Mailroom
) -> None:
    mailroom.answers["finance@books.example"] = "451 later"
    client.post(ASK, {"email": "finance@books.example"})
    tasks.tell_people()
    assert mailroom.arrived == []
    mailroom.answers.clear()
    tasks.tell_people()
    assert mailroom.arrived == []

    ResetLink.objects.update(next_try_at=F("next_try_at") - timedelta(minutes=1))
    tasks.tell_people()
    tasks.tell_people()

    assert len(mailroom.arrived) == 1
    assert open_link(client, link_in(mailroom))


def test_without_mail_the_page_says_who_helps(client: Client, people: dict[str, User], settings: Any) -> None:
    settings.MAIL_FROM = ""

    for page in (client.get(ASK), client.post(ASK, {"email": "finance@books.example"})):
        assert "This installation sends no mail" in page.content.decode()
    assert not ResetLink.objects.exists()


def test_an_administrator_makes_a_link_that_works_once(people: dict[str, User]) -> None:
    address = reset.one_time_link(people["finance"], person(people["administrator"]))

    client, path = Client(), address.removeprefix("https://countersign.example")
    assert client.post(open_link(client, path), TYPED).status_code == 302
    assert "This link works no more" in Client().get(path).content.decode()
    people["finance"].refresh_from_db()
    assert people["finance"].check_password(NEW)
    told = AuditEvent.objects.exclude(event_type=Event.PERSON_SIGNED_IN).order_by("pk")
    assert [(event.event_type, event.actor_text, event.reason) for event in told] == [
        (Event.PERSON_RESET_LINK_MADE, "Nadia Petrov", ""),
        (Event.PERSON_PASSWORD_CHANGED, "Priya Raman", "By a link that Nadia Petrov made."),
    ]


@pytest.mark.parametrize(
    ("maker", "for_whom", "words"),
    [
        ("manager", "finance", "Only an administrator"),
        ("administrator", "administrator", "your own password"),
        ("administrator", "auditor", "is deactivated"),
    ],
)
def test_a_link_is_refused_in_words(people: dict[str, User], maker: str, for_whom: str, words: str) -> None:
    User.objects.filter(username="auditor").update(is_active=False)

    with pytest.raises(reset.LinkRefused, match=words):
        reset.one_time_link(User.objects.get(username=for_whom), person(people[maker]))

    assert not ResetLink.objects.exists()
    assert not AuditEvent.objects.exists()
