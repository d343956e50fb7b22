"""The notices page: one's own alone, newest first, read by a press and never by merely looking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.changes.models import ChangeRequest
from billing.notify.models import Mail, Notice
from billing.users import User
from tests.pages.conftest import add_customer, propose_rename, squeezed


def tell(person: User, number: int, **columns: Any) -> Notice:
    return Notice.objects.create(
        person=person,
        about="waits",
        key=f"k{number}",
        reference=f"CR-{number:06d}",
        headline=f"Rename number {number}",
        facts=[["Proposed by", "Priya Raman"], ["Customer", f"Customer {number}"]],
        path=f"/changes/CR-{number:06d}/",
        **columns,
    )


def unread(person: User) -> int:
    return Notice.objects.filter(person=person, read_at=None).count()


def test_a_notice_stands_there_until_its_reader_says_that_it_is_read(
    renaming: ChangeRequest, people: dict[str, User], manager: Client
) -> None:
    page = manager.get("/notices/")

    text = page.content.decode()
    assert f'<a href="/changes/{renaming.reference}/">' in text
    assert "Rename “Halcyon Freight GmbH” to “Halcyon Logistics GmbH”." in text
    assert ("Waits for you" in text, "1 unread" in text, "not mailed to you" in text) == (True, True, True)
    assert unread(people["manager"]) == 1
    ids = [str(number) for number in page.context["unread"]]

    answer = manager.post("/notices/read/", {"seen": ids})

    assert (answer.status_code, answer["Location"], unread(people["manager"])) == (302, "/notices/", 0)
    assert "All read" in manager.get("/notices/").content.decode()


def test_nobody_reads_or_marks_anothers_notices(
    people: dict[str, User], manager: Client, finance: Client
) -> None:
    notice = tell(people["manager"], 1)

    assert "Rename number 1" not in finance.get("/notices/").content.decode()
    finance.post("/notices/read/", {"seen": [notice.pk], "before": notice.pk + 1})

    assert unread(people["manager"]) == 1


def test_what_came_while_the_page_was_open_stays_unread(people: dict[str, User], manager: Client) -> None:
    tell(people["manager"], 1)
    page = manager.get("/notices/")
    tell(people["manager"], 2)

    manager.post("/notices/read/", {"seen": page.context["unread"]})

    assert list(Notice.objects.filter(read_at=None).values_list("reference", flat=True)) == ["CR-000002"]


def test_a_page_that_leads_on_marks_what_is_older_too(people: dict[str, User], manager: Client) -> None:
    for number in range(1, 53):
        tell(people["manager"], number)
    page = manager.get("/notices/")
    assert [notice.reference for notice in page.context["page"].rows] == [
        f"CR-{number:06d}" for number in range(52, 2, -1)
    ]
    older = manager.get("/notices/", {"cursor": page.context["page"].older})
    assert [notice.reference for notice in older.context["page"].rows] == ["CR-000002", "CR-000001"]

    manager.post("/notices/read/", {"seen": page.context["unread"], "before": page.context["before"]})

    assert unread(people["manager"]) == 0


@pytest.mark.parametrize(
    "sent", [{"seen": "x"}, {"seen": "1", "before": "-1"}, {"seen": "9" * 19}, {"seen": "१"}]
)
def test_a_form_that_names_no_notices_is_answered_400(
    people: dict[str, User], manager: Client, sent: dict[str, str]
) -> None:
    tell(people["manager"], 1)

    assert manager.post("/notices/read/", sent).status_code == 400
    assert unread(people["manager"]) == 1


def test_a_cursor_that_makes_no_sense_shows_the_first_page_and_says_so(
    people: dict[str, User], manager: Client
) -> None:
    tell(people["manager"], 1)

    text = manager.get("/notices/?cursor=x").content.decode()

    assert "here is the first page" in text
    assert "Rename number 1" in text


def test_an_empty_page_says_what_will_stand_there(manager: Client) -> None:
    assert "Nothing yet" in manager.get("/notices/").content.decode()


def test_the_badge_ends_at_99(people: dict[str, User], manager: Client) -> None:
    assert " unread</span>" not in manager.get("/plans/").content.decode()
    for number in range(100):
        tell(people["manager"], number)

    page = squeezed(manager.get("/plans/").content.decode())
    assert '<span class="visually-hidden">99+ unread</span>' in page


def test_a_name_from_outside_stays_text(people: dict[str, User], manager: Client) -> None:
    tell(people["manager"], 1, read_at=None)
    Notice.objects.update(headline="<script>alert(1)</script>")

    assert "&lt;script&gt;alert(1)" in manager.get("/notices/").content.decode()


def test_a_mail_that_could_not_be_delivered_is_told_to_its_reader_and_on_system(
    people: dict[str, User], browser: Callable[[str], Client], settings: Any
) -> None:
    settings.MAIL_FROM = "countersign@books.example"
    User.objects.filter(pk=people["manager"].pk).update(email="gone@books.example")
    Mail.objects.create(
        person=people["manager"],
        address="gone@books.example",
        state="given_up",
        tries=1,
        error="550 no such mailbox",
    )

    own = browser("manager").get("/notices/").content.decode()
    system = browser("administrator").get("/system/").content.decode()

    assert "The last mail to <bdi>gone@books.example</bdi> could not be delivered" in own
    assert "mailed to <bdi>gone@books.example</bdi>" in own
    assert "could not be delivered" not in browser("finance").get("/notices/").content.decode()
    assert "<bdi>Ingrid Solberg</bdi>" in system
    assert "<bdi>550 no such mailbox</bdi>" in system


def test_where_no_mail_is_set_up_system_says_nothing_of_it(admin: Client) -> None:
    assert 'id="mail"' not in admin.get("/system/").content.decode()


def test_the_number_of_queries_does_not_grow_with_the_notices(
    ready: None,
    people: dict[str, User],
    manager: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(2):
        propose_rename(add_customer(f"Customer {number}"), people["finance"], f"New {number}")
    with django_assert_num_queries(5):  # the frame’s three, the notices, the newest mail
        manager.get("/notices/")
    for number in range(2, 20):
        propose_rename(add_customer(f"Customer {number}"), people["finance"], f"New {number}")

    with django_assert_num_queries(5):
        manager.get("/notices/")
