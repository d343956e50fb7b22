"""The docket: where people land, what narrows it, what a line says, and what moves while it is open."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from billing import clock
from billing.changes.models import ChangeRequest
from billing.pages.requests.lines import Line
from billing.users import User
from tests.pages.conftest import squeezed
from tests.world import approve, propose

SignIn = Callable[[User], Client]


@pytest.fixture
def creating(maker: User) -> ChangeRequest:
    """A second request, to create a customer."""
    fields = {"name": "Orchard & Pine LLC", "ingest_aliases": ["orchard"], "custom_fields": {}}
    return propose("customer.create", maker, fields)


def shown(page: str) -> list[str]:
    """The references on a page, in order."""
    return re.findall(r'<li id="row-(CR-\d+)"', page)


def row(page: str, change: ChangeRequest) -> str:
    """The line of one request."""
    return page[page.index(f'id="row-{change.reference}"') :].partition("</li>")[0]


def poll(page: str) -> str:
    """The address that an open page asks for what moved."""
    return html.unescape(re.search(r'id="rows-poll" hx-get="([^"]+)"', page)[1])


def current_tab(page: str) -> str:
    return re.search(r'<a href="\?view=(\w+)" aria-current="page"', page)[1]


def test_nobody_lands_on_an_empty_tab(
    submitted: ChangeRequest, maker: User, checker: User, auditor: User, as_person: SignIn
) -> None:
    tabs = {
        person.username: current_tab(as_person(person).get("/changes/").text)
        for person in (maker, checker, auditor)
    }
    assert tabs == {maker.username: "mine", checker.username: "waiting", auditor.username: "all"}

    empty = as_person(auditor).get("/changes/?view=waiting").text
    assert current_tab(empty) == "waiting"
    assert "your role decides none" in empty


def test_a_line_says_kind_person_approvals_and_expiry_in_words(
    submitted: ChangeRequest, checker: User, as_person: SignIn
) -> None:
    line = squeezed(row(as_person(checker).get("/changes/").text, submitted))

    assert "<span>Rename customer</span>" in line
    assert f"by <bdi>{submitted.maker.name}</bdi>" in line
    assert '0 of 1<span class="visually-hidden"> approval</span>' in line
    assert re.search(r'<span class="quiet">expires in 13 d</span><span class="when"><time', line)


@pytest.mark.parametrize(
    ("left", "words", "tone"),
    [
        (timedelta(days=3, hours=2), "expires in 3 d", ""),
        (timedelta(hours=20, minutes=5), "expires in 20 h", "warn"),
        (timedelta(minutes=7, seconds=5), "expires in 7 min", "warn"),
        (timedelta(seconds=-5), "expires now", "warn"),
    ],
)
def test_what_expires_soon_stands_out(left: timedelta, words: str, tone: str) -> None:
    line = Line(
        ChangeRequest(expires_at=clock.now() + left), "", 0, 1, None, [], is_gone=False, may_be_ticked=False
    )

    assert (line.expires_words, line.expires_soon) == (words, tone == "warn")


@pytest.fixture(autouse=True)
def long_numbers(house: None) -> Iterator[None]:
    """Numbers so long that no id or digest, by whose beginnings requests are found too, begins with one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('billing_change_number')")
        (before,) = cursor.fetchone()
        cursor.execute("SELECT setval('billing_change_number', 700000)")
    yield
    with connection.cursor() as cursor:  # others count from where they were
        cursor.execute("SELECT setval('billing_change_number', %s)", [before])


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("kind=customer.create", ["creating"]),
        ("kind=customer.rename", ["submitted"]),
        ("q=orchard", ["creating"]),
        ("q=ORCH", ["creating"]),
        ("q={number}", ["submitted"]),
        ("customer={alias}", ["submitted"]),
        ("customer={id}", ["submitted"]),
        ("customer=nobody-of-this-name", []),
        ("person={maker}", ["submitted", "creating"]),
        ("person={checker}", []),
        ("since=2020-01-01&until=2099-12-31", ["submitted", "creating"]),
        ("until=2020-01-01", []),
        ("kind=customer.create&q=orchard&person={maker}", ["creating"]),
    ],
)
@pytest.mark.parametrize("view", ["waiting", "all"])
def test_what_narrows_the_list(
    view: str,
    filters: str,
    found: list[str],
    submitted: ChangeRequest,
    creating: ChangeRequest,
    snapshot: dict[str, Any],
    maker: User,
    checker: User,
    as_person: SignIn,
) -> None:
    asked = filters.format(
        number=submitted.reference.removeprefix("CR-").lstrip("0"),
        alias=snapshot["ingest_aliases"][0],
        id=snapshot["id"],
        maker=maker.username,
        checker=checker.username,
    )
    browser = as_person(checker)

    page = browser.get(f"/changes/?view={view}&{asked}").text
    file = b"".join(browser.get(f"/changes.csv?view={view}&{asked}").streaming_content).decode()

    wanted = {"submitted": submitted.reference, "creating": creating.reference}
    assert sorted(shown(page)) == sorted(wanted[name] for name in found)
    assert sorted(set(re.findall(r"CR-\d{6}", file))) == sorted(wanted[name] for name in found)


@pytest.mark.parametrize("view", ["waiting", "mine", "all"])
def test_a_number_with_its_letters_leads_to_the_request_however_it_is_written(
    view: str, submitted: ChangeRequest, creating: ChangeRequest, checker: User, as_person: SignIn
) -> None:
    browser, number = as_person(checker), submitted.reference.removeprefix("CR-").lstrip("0")
    here = f"/changes/{submitted.reference}/"

    for written in (submitted.reference, submitted.reference.lower(), f"cr-{number}", f" CR{number} "):
        answer = browser.get("/changes/", {"view": view, "q": written})
        assert (answer.status_code, answer["Location"]) == (302, here), written
        file = b"".join(browser.get("/changes.csv", {"view": "all", "q": written}).streaming_content)
        assert set(re.findall(r"CR-\d{6}", file.decode())) == {submitted.reference}
    for written in (submitted.reference.lower(), f"cr-{number}", f"cr{number}", number):
        answer = browser.get(f"/changes/{written}/")
        assert (answer.status_code, answer["Location"]) == (302, here), written
    assert shown(browser.get("/changes/", {"view": view, "q": "cr-999999"}).text) == []
    for nobody in ("cr-999999", "999999", "9" * 12, "CR-" + "9" * 12, "cr--1", "CR"):
        assert browser.get(f"/changes/{nobody}/").status_code == 404, nobody


def test_who_decided_is_found_and_the_status_narrows_all(
    submitted: ChangeRequest, creating: ChangeRequest, checker: User, as_person: SignIn
) -> None:
    approve(creating, checker)
    browser = as_person(checker)

    by_me = browser.get(f"/changes/?view=all&person={checker.username}").text
    approved = browser.get("/changes/?view=all&status=approved").text

    assert shown(by_me) == shown(approved) == [creating.reference]


@pytest.mark.parametrize(
    "nonsense",
    [
        "kind=none",
        "since=yesterday",
        "until=2026-13-01",
        "since=2026-02-01&until=2026-01-01",
        "q=" + "x" * 401,
    ],
)
def test_a_filter_that_makes_no_sense_is_said_and_refused_in_files(
    nonsense: str, submitted: ChangeRequest, checker: User, as_person: SignIn
) -> None:
    browser = as_person(checker)

    page = browser.get(f"/changes/?view=all&{nonsense}")

    assert page.status_code == 400
    assert '<p class="band" data-tone="warn"' in page.text
    assert browser.get(f"/changes.csv?view=all&{nonsense}").status_code == 400


def test_rows_keep_their_place_while_new_ones_join_at_the_end_and_decided_ones_turn_grey(
    submitted: ChangeRequest, maker: User, checker: User, checker2: User, as_person: SignIn
) -> None:
    browser = as_person(checker)
    page = browser.get("/changes/?view=waiting").text
    assert shown(page) == [submitted.reference]
    asked = poll(page)
    assert browser.get(asked).status_code == 204

    fields = {"name": "Later", "ingest_aliases": ["later"], "custom_fields": {}}
    later = propose("customer.create", maker, fields)
    joined = browser.get(asked).text
    assert shown(joined) == [later.reference]
    assert joined.index('<ol hx-swap-oob="beforeend:#queue">') < joined.index(f"row-{later.reference}")
    assert '<div id="docket-empty" hx-swap-oob="true" hidden>' in joined
    assert re.search(r'id="waiting-tab"\s+hx-swap-oob="true">2</span>', joined)
    assert "1 more at the end of the list." in joined
    asked = poll(joined)
    assert browser.get(asked).status_code == 204

    approve(submitted, checker2)
    greyed = browser.get(asked).text
    assert shown(greyed) == [submitted.reference]
    line = row(greyed, submitted)
    assert line.startswith(f'id="row-{submitted.reference}" data-gone hx-swap-oob="true">')
    assert "Approved, queued" in line
    assert "it stays here until you leave" in line
    assert re.search(r'id="waiting-tab"\s+hx-swap-oob="true">1</span>', greyed)
    assert browser.get(poll(greyed)).status_code == 204
    assert shown(browser.get("/changes/?view=waiting").text) == [later.reference]


def test_new_ones_join_only_where_the_filter_lets_them(
    submitted: ChangeRequest, maker: User, checker: User, as_person: SignIn
) -> None:
    browser = as_person(checker)
    asked = poll(browser.get("/changes/?view=waiting&kind=customer.rename").text)
    propose("customer.create", maker, {"name": "L", "ingest_aliases": ["l"], "custom_fields": {}})

    moved = browser.get(asked).text

    assert shown(moved) == []
    assert re.search(r'id="waiting-tab"\s+hx-swap-oob="true">2</span>', moved)


def test_in_the_other_views_a_row_changes_in_place(
    submitted: ChangeRequest, maker: User, checker: User, as_person: SignIn
) -> None:
    browser = as_person(maker)
    asked = poll(browser.get("/changes/").text)
    assert browser.get(asked).status_code == 204

    approve(submitted, checker)

    line = row(browser.get(asked).text, submitted)
    assert "Approved, queued" in line
    assert "data-gone" not in line


@pytest.mark.parametrize(
    "query",
    [
        "",
        "view=none",
        "view=all&rows=x",
        "view=all&rows=1.a.0",
        "view=all&rows=" + ",".join(["1.a.0.00"] * 201),
    ],
)
def test_an_address_that_names_no_open_list_is_refused(checker: User, as_person: SignIn, query: str) -> None:
    assert as_person(checker).get(f"/changes/moved/?{query}").status_code == 400


def test_a_reference_of_another_list_shows_nothing_that_its_page_would_not(
    submitted: ChangeRequest, auditor: User, as_person: SignIn
) -> None:
    moved = as_person(auditor).get(f"/changes/moved/?view=all&count=0&rows={submitted.pk}.applied.0.00")

    assert shown(moved.text) == [submitted.reference]
    assert "Waiting for approval" in moved.text
