"""The pages of people: who may come in, one person, and what administrators ask for and end there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from billing.audit.models import AuditEvent
from billing.changes.applying import apply
from billing.changes.models import ChangeRequest
from billing.metronome.account import Gateway
from billing.people import tokens
from billing.users import Access, User
from tests.world import by, propose


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def read(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


@pytest.fixture
def staff(
    maker: User, administrator: User, admin2: User, admin3: User, managers: list[User], auditor: User
) -> dict[str, User]:
    """Enough people to change the rights of any one of them."""
    return {"finance": maker, "admin": administrator, "admin2": admin2, "manager": managers[0]}


def test_a_role_changes_by_two_people_at_their_pages(
    staff: dict[str, User], gateway: Gateway, as_application: None
) -> None:
    first, second, whom = browser(staff["admin"]), browser(staff["admin2"]), staff["finance"]
    page = first.get(f"/people/{whom.pk}/").content.decode()
    assert "Change a role" in page

    sent = first.post(
        f"/people/{whom.pk}/ask/",
        {"kind": "person.set_role", "role": "manager", "reason": "Takes over from Mona."},
    )

    change = ChangeRequest.objects.get()
    assert sent["Location"] == f"/changes/{change.reference}/"
    assert change.reference in second.get("/changes/").content.decode()
    assert f'name="digest" value="{change.digest}"' in second.get(sent["Location"]).content.decode()
    own = first.post(f"{sent['Location']}decide/", {"verdict": "approve", "digest": change.digest})
    assert own.status_code == 403
    decided = second.post(f"{sent['Location']}decide/", {"verdict": "approve", "digest": change.digest})
    assert decided.status_code == 302
    apply.apply_change(change.pk, gateway)
    whom.refresh_from_db()
    assert whom.role == "manager"
    assert "Applied" in first.get(sent["Location"]).content.decode()


def test_the_page_tells_what_somebody_holds_and_what_is_open_about_them(
    staff: dict[str, User], snapshot: dict[str, Any]
) -> None:
    whom = staff["finance"]
    own = propose("customer.rename", whom, {"name": "Halcyon Freight GmbH"}, snapshot=snapshot)
    tokens.make(whom, "month end", ["customers"], 30, by(whom))
    about = propose("person.deactivate", staff["admin"], {"person": whom})

    page = browser(staff["admin2"]).get(f"/people/{whom.pk}/").content.decode()
    waiting = browser(staff["admin2"]).get(f"/people/{staff['manager'].pk}/").content.decode()

    for words in (own.reference, about.reference, "month end", "End access of Fiona Finance"):
        assert words in page
    assert "Ask to deactivate" not in page
    assert own.reference in waiting


def test_what_is_refused_keeps_what_was_typed_and_says_why(staff: dict[str, User]) -> None:
    first = browser(staff["admin"])
    address = f"/people/{staff['finance'].pk}/"
    for sent, status, words in (
        ({"kind": "person.set_role", "role": "auditor"}, 422, "Fill this in."),
        ({"kind": "person.set_role", "role": "king", "reason": "Typed before."}, 422, "Typed before."),
        ({"kind": "person.reactivate", "reason": "x"}, 422, "asked for of them as they stand"),
        ({"kind": "customer.rename", "reason": "x"}, 422, "asked for of them as they stand"),
        ({}, 422, "asked for of them as they stand"),
    ):
        answer = first.post(f"{address}ask/", sent)
        assert (answer.status_code, words in answer.content.decode()) == (status, True), sent
    assert first.post(f"{address}end-access/", {"reason": " "}).status_code == 422
    assert first.get("/people/99999999999999999999/").status_code == 404
    assert not ChangeRequest.objects.exists()


def test_one_administrator_ends_access_at_the_page(staff: dict[str, User], as_application: None) -> None:
    whom = staff["finance"]
    session, first = browser(whom), browser(staff["admin"])

    answer = first.post(f"/people/{whom.pk}/end-access/", {"reason": "Their laptop was stolen."})

    whom.refresh_from_db()
    assert (answer.status_code, whom.access) == (302, Access.ENDED)
    assert session.get("/").status_code == 302
    assert AuditEvent.objects.get(event_type="person.access_ended").reason == "Their laptop was stolen."
    page = first.get(f"/people/{whom.pk}/").content.decode()
    assert ("Ask to reactivate" in page, "Ask for the role" in page, "End access of" in page) == (
        True,
        False,
        False,
    )
    assert first.post(f"/people/{whom.pk}/end-access/", {"reason": "Twice."}).status_code == 409


def test_an_administrator_hands_over_a_link_that_sets_a_password_once(staff: dict[str, User]) -> None:
    whom, first = staff["finance"], browser(staff["admin"])

    made = first.post(f"/people/{whom.pk}/reset-link/").content.decode()

    [address] = set(re.findall(r"/accounts/password/reset/key/[\w-]+/", made))
    assert address not in first.get(f"/people/{whom.pk}/").content.decode()
    told = AuditEvent.objects.get(event_type="person.reset_link_made")
    assert (told.actor_text, told.subject_text) == (staff["admin"].name, whom.name)
    form = Client().get(address, follow=True)
    assert (form.status_code, 'name="password1"' in form.content.decode()) == (200, True)
    own = first.post(f"/people/{staff['admin'].pk}/reset-link/")
    assert (own.status_code, "your own password" in own.content.decode()) == (409, True)


def test_nobody_is_offered_a_change_of_their_own_rights_and_auditors_none(staff: dict[str, User]) -> None:
    admin = staff["admin"]
    own = browser(admin).get(f"/people/{admin.pk}/").content.decode()
    read_only = browser(User.objects.get(username="auditor")).get(f"/people/{admin.pk}/").content.decode()
    for page in (own, read_only):
        assert "<form" in page  # the frame's
        assert "End access" not in page
        assert "Ask to" not in page
    assert browser(admin).post(f"/people/{admin.pk}/end-access/", {"reason": "x"}).status_code == 409
    asked = browser(admin).post(f"/people/{admin.pk}/ask/", {"kind": "person.deactivate", "reason": "x"})
    assert asked.status_code == 403


def test_the_list_is_narrowed_and_its_file_has_the_same_rows(staff: dict[str, User]) -> None:
    User.objects.filter(pk=staff["finance"].pk).update(is_active=False)
    client = browser(staff["admin"])

    for query, names in (
        ("?role=administrator", {"Alex Administrator", "Admin2", "Admin3"}),
        ("?access=ended", {"Fiona Finance"}),
        ("?q=mona", {"Mona Manager"}),
        ("?sort=-seen&q=fiona", {"Fiona Finance"}),
    ):
        page = client.get(f"/people/{query}").content.decode()
        header, *rows = read(client.get(f"/people.csv{query}")).splitlines()
        assert header.startswith("name,signs_in_as,role,last_signed_in,open_requests,live_tokens,access")
        assert {row.split(",")[0] for row in rows} == names, query
        assert all(f"<bdi>{name}</bdi></a>" in page for name in names)
        assert page.count('<a class="name"') == len(names)
    for query in ("?role=king", "?access=maybe", "?sort=age", "?q=%00"):
        assert client.get(f"/people/{query}").status_code == 400, query
        assert client.get(f"/people.csv{query}").status_code == 400, query
