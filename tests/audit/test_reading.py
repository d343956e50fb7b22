"""The record's page: newest first, narrowed, and turned both ways without losing or doubling a row."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import transaction

from billing.audit import log, queries
from billing.audit.actors import person, system
from billing.audit.events import Event
from billing.audit.log import NoTransaction
from billing.audit.models import AuditEvent
from billing.audit.queries import AuditFilter
from billing.lists.paging import Cursor, CursorRefused, FilterRefused
from billing.users import User

pytestmark = pytest.mark.django_db

CUSTOMER = UUID("9b85c1c1-5238-4f2a-a409-61412905e1e1")


def write(text: str, event: Event = Event.LIST_EXPORTED, *, user: User | None = None, **facts) -> AuditEvent:
    with transaction.atomic():
        return log.record(
            event,
            actor=person(user) if user else system("sweep"),
            subject=log.Subject(kind="change", id="7", text=text, **facts),
        )


def texts(wanted: AuditFilter) -> list[str]:
    return [event.subject_text for event in queries.page(wanted).rows]


@pytest.fixture
def mona() -> User:
    return User.objects.create_user(username="mona", password="x", name="Mona Manager", role="manager")


@pytest.mark.django_db(transaction=True)
def test_nothing_is_recorded_outside_the_transaction_of_the_fact() -> None:
    with pytest.raises(NoTransaction):
        log.record(Event.LIST_EXPORTED, actor=system("sweep"), subject=log.Subject(kind="change", id="1"))

    assert AuditEvent.objects.count() == 0


def test_pages_lead_on_and_back_through_rows_of_the_same_moment() -> None:
    for number in range(7):  # one transaction: all seven have the same time
        write(f"{number}")

    first = queries.page(AuditFilter(), limit=3)
    second = queries.page(AuditFilter(), first.older, limit=3)
    third = queries.page(AuditFilter(), second.older, limit=3)
    back = queries.page(AuditFilter(), third.newer, limit=3)
    front = queries.page(AuditFilter(), back.newer, limit=3)

    shown = [[event.subject_text for event in page.rows] for page in (first, second, third, back, front)]
    assert shown == [["6", "5", "4"], ["3", "2", "1"], ["0"], ["3", "2", "1"], ["6", "5", "4"]]
    assert (first.newer, third.older, front.newer) == (None, None, None)


def test_a_row_that_arrives_meanwhile_moves_no_other_row() -> None:
    for number in range(4):
        write(f"{number}")
    first = queries.page(AuditFilter(), limit=2)
    write("late")

    second = queries.page(AuditFilter(), first.older, limit=2)

    assert [event.subject_text for event in second.rows] == ["1", "0"]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!!!",
        "ä",
        "W10",
        "bnVsbA",
        "a" * 9_000,
        str(Cursor("name", True, "2026-01-01T00:00:00+00:00", "1")),
        str(Cursor("-occurred_at", True, "yesterday", "1")),
        str(Cursor("-occurred_at", True, "2026-01-01T00:00:00+00:00", "one")),
        str(Cursor("-occurred_at", True, "2026-01-01T00:00:00+00:00", "\x00")),
        str(Cursor("-occurred_at", 1, "2026-01-01T00:00:00+00:00", "1")),
    ],
)
def test_a_cursor_that_makes_no_sense_is_refused_in_words(cursor: str) -> None:
    write("row")

    with pytest.raises(CursorRefused, match="here is the first page"):
        queries.page(AuditFilter(), cursor)


@pytest.mark.usefixtures("mona")
def test_each_filter_narrows(mona: User) -> None:
    write("Halcyon", customer_id=CUSTOMER, reference="CR-000001", digest="ab" * 32)
    write("Larkspur", Event.CHANGE_SUBMITTED, user=mona)

    assert texts(AuditFilter()) == ["Larkspur", "Halcyon"]
    assert texts(AuditFilter(event="change.submitted")) == ["Larkspur"]
    assert texts(AuditFilter(actor="mona")) == ["Larkspur"]
    assert texts(AuditFilter(actor="MONA")) == ["Larkspur"]
    assert texts(AuditFilter(actor=str(mona.pk))) == ["Larkspur"]
    assert texts(AuditFilter(actor="sweep")) == ["Halcyon"]
    assert texts(AuditFilter(actor="nobody")) == []
    assert texts(AuditFilter(actor="9" * 40)) == []
    assert texts(AuditFilter(reference="CR-000001")) == ["Halcyon"]
    assert texts(AuditFilter(customer_id=CUSTOMER)) == ["Halcyon"]
    assert texts(AuditFilter(text="halcy")) == ["Halcyon"]
    assert texts(AuditFilter(text="mona")) == ["Larkspur"]
    assert texts(AuditFilter(text="%")) == []
    assert texts(AuditFilter(text="ABAB")) == ["Halcyon"]
    assert texts(AuditFilter(since=datetime(2999, 1, 1, tzinfo=UTC))) == []
    assert texts(AuditFilter(until=datetime(2000, 1, 1, tzinfo=UTC))) == []


def test_an_address_says_a_filter_and_an_end_date_includes_its_day() -> None:
    wanted = AuditFilter.from_get(
        {
            "q": " halc ",
            "event": "audit.exported",
            "actor": "mona",
            "reference": "cr-000001",
            "customer": str(CUSTOMER),
            "since": "2026-07-01",
            "until": "2026-07-31",
            "cursor": "ignored",
        }
    )

    assert wanted == AuditFilter(
        text="halc",
        event="audit.exported",
        actor="mona",
        reference="CR-000001",
        customer_id=CUSTOMER,
        since=datetime(2026, 7, 1, tzinfo=UTC),
        until=datetime(2026, 8, 1, tzinfo=UTC),
    )
    assert AuditFilter.from_get({"until": "2026-07-31T12:00:00+02:00"}).until == datetime(
        2026, 7, 31, 10, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ({"event": "coffees"}, "There is no event “coffees”."),
        ({"event": "coffee.spilt"}, "There is no event “coffee.spilt”."),
        ({"customer": "halcyon"}, "“halcyon” is not a customer’s id."),
        ({"q": "\x00"}, "The search holds a character that the record can’t hold."),
        ({"actor": "\ud800"}, "The search holds a character that the record can’t hold."),
        ({"q": "x" * 401}, "The search is longer than 400 characters."),
        ({"since": "2026-02-30"}, "“2026-02-30” is not a date such as 2026-07-01."),
        ({"since": "2026-07-01T00:00:00"}, "“2026-07-01T00:00:00” does not say its time zone, such as Z."),
        ({"until": "9999-12-31"}, "“9999-12-31” is not a date such as 2026-07-01."),
        ({"since": "2026-07-02", "until": "2026-07-01"}, "The record’s end is not after its beginning."),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_in_words(address: dict[str, str], sentence: str) -> None:
    with pytest.raises(FilterRefused) as refusal:
        AuditFilter.from_get(address)

    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    "text",
    [
        "halc",
        "LOGIST",
        "münch halcyon",
        "munchen",
        "o'rei",
        "O’Reilly",
        "CR-000001",
        "cr-0000",
        "9b85c1c1-5238-4f2a-a409-61412905e1e1",
        "9b85c1c1-52",
        "abab",
        "sweep",
        "株式会社",
        "last",
    ],
)
def test_a_text_finds_beginnings_of_words_ids_references_and_digests(text: str) -> None:
    with transaction.atomic():
        log.record(
            Event.LIST_EXPORTED,
            actor=system("sweep"),
            subject=log.Subject(
                kind="change",
                id="CR-000001",
                text="Halcyon/Logistics München, 株式会社東",
                customer_id=CUSTOMER,
                digest="ab" * 32,
            ),
            reason="As O’Reilly " + "agreed " * 275 + "at last",
        )

    assert len(texts(AuditFilter(text=text))) == 1


@pytest.mark.parametrize("text", ["CR-000012", "cr-12", "CR12", "12", " 000012 "])
def test_a_requests_number_finds_its_events_as_people_write_it(text: str) -> None:
    write("Halcyon", reference="CR-000012")
    write("Larkspur", reference="CR-000120")

    assert texts(AuditFilter.from_get({"q": text})) == ["Halcyon"]


@pytest.mark.parametrize("text", ["alcyon", "%", "_", "halcyon lark", "CR-00002", "会株式", "' | 'a", ":*"])
def test_a_text_finds_nothing_else(text: str) -> None:
    write("Halcyon 株式会社", reference="CR-000001")
    write("Larkspur", reference="CR-000010")

    assert texts(AuditFilter(text=text)) == []


def test_a_text_finds_what_somebody_did_by_the_name_they_sign_in_with() -> None:
    zoe = User.objects.create_user(username="z.adler@x", password="x", name="Zoë", role="finance")
    write("Halcyon", user=zoe)
    write("Larkspur")

    assert texts(AuditFilter(text="Z.Adler@")) == ["Halcyon"]


def test_a_text_that_only_old_events_hold_is_found_and_paged_both_ways(
    monkeypatch: pytest.MonkeyPatch, mona: User
) -> None:
    monkeypatch.setattr(queries, "READ_ON", (3, 5))
    for number in range(5):
        write(f"old {number}", user=mona)
    for number in range(4):
        write(f"new {number}")
    wanted = AuditFilter(text="old", actor="mona")

    first = queries.page(wanted, limit=2)
    second = queries.page(wanted, first.older, limit=2)
    third = queries.page(wanted, second.older, limit=2)
    back = queries.page(wanted, third.newer, limit=2)

    shown = [[event.subject_text for event in page.rows] for page in (first, second, third, back)]
    assert shown == [["old 4", "old 3"], ["old 2", "old 1"], ["old 0"], ["old 2", "old 1"]]
    assert (first.newer, third.older) == (None, None)


def test_an_event_of_the_longest_words_is_recorded(mona: User) -> None:
    with transaction.atomic():
        log.record(
            Event.LIST_EXPORTED,
            actor=person(mona),
            subject=log.Subject(kind="change", id="1", text="\U0001d400\u0e01" * 30_000),
            reason="\u0e01" * 2_000,
        )

    assert len(texts(AuditFilter(text="\u0e01" * 300))) == 1


def test_an_actor_may_be_a_person_and_a_part_of_the_system_at_once() -> None:
    sweep = User.objects.create_user(username="Sweep", password="x", name="A person", role="finance")
    write("by a person", user=sweep)
    write("by a part")

    assert texts(AuditFilter(actor="sweep")) == ["by a part", "by a person"]
    assert texts(AuditFilter(actor="SWEEP")) == ["by a person"]


@pytest.mark.parametrize("text", ["\u200b", "\u00ad"])
def test_a_text_that_shows_nothing_means_nobody(text: str, mona: User) -> None:
    write("Halcyon", user=mona)

    assert texts(AuditFilter(text=text)) == []


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        (AuditFilter(), 1),
        (AuditFilter(event="list.exported", customer_id=CUSTOMER), 1),
        (AuditFilter(actor="mona"), 2),
        (AuditFilter(text="1"), 1),
        (AuditFilter(text="zebra"), 2),
        (AuditFilter(text="CR-000012"), 1),
        (AuditFilter(text="mona"), 1),
        (AuditFilter(actor="mona", text="1"), 2),
        (AuditFilter(event="decisions"), 1),
    ],
)
def test_a_page_is_one_query_and_one_more_each_for_an_actor_and_a_rare_text(
    django_assert_num_queries, mona: User, wanted: AuditFilter, number: int
) -> None:
    for each in range(30):
        write(f"{each}", user=mona)

    with django_assert_num_queries(number):
        queries.page(wanted, limit=20)
