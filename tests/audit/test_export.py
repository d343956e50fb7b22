"""The record as CSV: every row, fixed columns, times in UTC, formulas defused, and the export recorded."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, OperationalError, connection, transaction
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from billing.audit import log
from billing.audit.actors import Actor, system
from billing.audit.events import Event
from billing.audit.export import stream
from billing.audit.models import AuditEvent
from billing.audit.queries import AuditFilter
from billing.audit.taking import take
from billing.lists.csv import copy_into

pytestmark = pytest.mark.django_db(transaction=True)

HEADING = (
    "id,occurred_at,event,actor,actor_id,actor_username,actor_role,subject_type,subject_id,subject,customer_id,"
    "customer_name,reference,old,new,reason,digest,ip,user_agent,request_id"
)


CUSTOMER = "3e40c495-43b3-405e-b8c3-447824be4fe3"


def write(text: str = "Halcyon", *, reason: str = "", actor: Actor | None = None, **facts: str) -> AuditEvent:
    with transaction.atomic():
        event = log.record(
            Event.LIST_EXPORTED,
            actor=actor or system("a test"),
            subject=log.Subject(kind="change", id="1", text=text, **facts),
            old={"name": "Händler & Söhne"},
            reason=reason,
        )
    event.refresh_from_db()
    return event


def read(wanted: AuditFilter | None = None) -> list[dict[str, str]]:
    exported = b"".join(stream(wanted or AuditFilter(), system("an auditor")))
    return list(csv.DictReader(io.StringIO(exported.decode(), newline="")))


def test_the_columns_are_fixed_and_the_rows_come_oldest_first() -> None:
    first = write(
        "Halcyon",
        reason="agreed,\n“by mail”",
        reference="CR-000001",
        digest="d" * 64,
        customer_id=CUSTOMER,
        customer_name="Halcyon Freight",
    )
    second = write("Larkspur")

    exported = b"".join(stream(AuditFilter(event="list.exported"), system("an auditor"))).decode()

    assert exported.split("\n", 1)[0] == HEADING
    rows = list(csv.DictReader(io.StringIO(exported, newline="")))
    assert [row["id"] for row in rows] == [str(first.pk), str(second.pk)]
    assert rows[0] == {
        "id": str(first.pk),
        "occurred_at": f"{first.occurred_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
        "event": "list.exported",
        "actor": "a test",
        "actor_id": "",
        "actor_username": "",
        "actor_role": "",
        "subject_type": "change",
        "subject_id": "1",
        "subject": "Halcyon",
        "customer_id": CUSTOMER,
        "customer_name": "Halcyon Freight",
        "reference": "CR-000001",
        "old": '{"name": "Händler & Söhne"}',
        "new": "",
        "reason": "agreed,\n“by mail”",
        "digest": "d" * 64,
        "ip": "",
        "user_agent": "",
        "request_id": "",
    }


def test_times_are_utc_whatever_the_session_says() -> None:
    event = write()
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'Pacific/Auckland'")
    try:
        row = read(AuditFilter(event="list.exported"))[0]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")

    assert datetime.fromisoformat(row["occurred_at"]) == event.occurred_at


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_what_a_spreadsheet_would_run_is_defused_everywhere(first: str) -> None:
    evil = f"{first}cmd|' /C calc'!A0"
    actor = Actor(user=None, text=evil, user_agent=evil, request_id=evil, ip="127.0.0.1")
    write(evil, reason=evil, actor=actor, customer_name=evil)

    row = read(AuditFilter(event="list.exported"))[0]

    columns = ("actor", "subject", "customer_name", "reason", "user_agent", "request_id")
    assert [row[column] for column in columns] == [f"'{evil}"] * 6
    assert row["ip"] == "127.0.0.1"


@pytest.mark.parametrize("text", ["", "'quoted'", "A=1", "0 net", "ä-b", "!x", "1-2", "𝔸"])
def test_other_text_is_left_as_it_is(text: str) -> None:
    write(text)

    assert read(AuditFilter(event="list.exported"))[0]["subject"] == text


def test_an_export_is_recorded_before_its_first_byte() -> None:
    wanted = AuditFilter(text="Halcyon")

    taking = stream(wanted, system("an auditor"))

    event = AuditEvent.objects.get()
    taking.close()
    assert event.event_type == "audit.exported"
    assert event.actor_text == "an auditor"
    assert event.new == {"filter": {"q": "Halcyon"}}


def test_an_export_holds_what_the_filter_lets_through_and_all_of_it() -> None:
    for number in range(120):
        write("Halcyon" if number % 2 else "Larkspur", reference=f"CR-{number:06d}")

    rows = read(AuditFilter(text="halcyon", event="list.exported"))

    assert [row["reference"] for row in rows] == [f"CR-{number:06d}" for number in range(1, 120, 2)]


def test_the_command_writes_the_period_asked_for_and_never_over_a_file(tmp_path) -> None:
    write()
    path = tmp_path / "record.csv"
    today = datetime.now(UTC).date()

    call_command("export_audit", since=str(today), until=str(today), output=str(path))

    first = path.read_bytes()
    assert [row["event"] for row in csv.DictReader(io.StringIO(first.decode()))] == [
        "list.exported",
        "audit.exported",
    ]
    with pytest.raises(CommandError, match="there is such a file already"):
        call_command("export_audit", output=str(path))
    assert path.read_bytes() == first
    assert [event.event_type for event in AuditEvent.objects.order_by("id")] == [
        "list.exported",
        "audit.exported",
        "export.delivered",
    ]


def test_the_command_refuses_a_period_that_makes_no_sense() -> None:
    later = str(datetime.now(UTC).date() + timedelta(days=1))

    with pytest.raises(CommandError, match="The record’s end is not after its beginning"):
        call_command("export_audit", since=later, until="2020-01-01")
    with pytest.raises(CommandError, match="is not a date such as"):
        call_command("export_audit", since="soon")
    with pytest.raises(CommandError, match="does not say its time zone"):
        call_command("export_audit", since="2026-07-01T10:00:00")
    assert AuditEvent.objects.count() == 0


def test_a_reader_who_goes_away_leaves_the_connection_usable() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO billing_auditevent (event_type, actor_text, actor_role, subject_type, subject_id,
                      subject_text, reference, reason, digest, user_agent, request_id)
               SELECT 'list.exported', 'a test', '', 'change', n, repeat('x', 200), '', '', '', '', ''
                 FROM generate_series(1, 20000) AS n"""
        )
    chunks = stream(AuditFilter(), system("an auditor"))
    read_so_far = [next(chunks), next(chunks), next(chunks)]

    chunks.close()

    assert read_so_far[0].decode().startswith(f"{HEADING}\n")
    asked, ended = AuditEvent.objects.order_by("-id")[:2][::-1]
    assert AuditEvent.objects.count() == 20_002
    assert (asked.event_type, ended.event_type) == ("audit.exported", "export.cut_short")
    assert (ended.actor_text, ended.new) == ("an auditor", {"asked": asked.pk, "rows": 20_001})


def test_a_file_read_to_its_end_is_on_record_as_delivered_once_with_its_rows() -> None:
    write("Halcyon")
    taking = stream(AuditFilter(event="list.exported"), system("an auditor"))

    exported = b"".join(taking)
    taking.close()

    asked, ended = AuditEvent.objects.order_by("id")[1:]
    assert (taking.rows, taking.size) == (1, len(exported))
    assert (ended.event_type, ended.subject_text, ended.new) == (
        "export.delivered",
        "Audit record",
        {"asked": asked.pk, "rows": 1},
    )


def test_a_list_that_breaks_while_it_is_made_hands_over_nothing_and_says_so() -> None:
    write("Halcyon")
    wanted = AuditFilter(event="list.exported")
    columns = {"id": "id", "broken": RawSQL("1 / (id - id)", ())}

    with pytest.raises(DataError, match="division by zero"):
        take(Event.AUDIT_EXPORTED, system("an auditor"), "Audit record", {}, wanted.rows(), columns)

    asked, ended = AuditEvent.objects.order_by("id")[1:]
    assert (asked.event_type, ended.event_type, ended.new) == (
        "audit.exported",
        "export.cut_short",
        {"asked": asked.pk},
    )


def test_a_connection_that_ends_while_the_file_is_made_hands_over_nothing_and_says_so() -> None:
    write("Halcyon")
    kill = RawSQL("pg_terminate_backend(pg_backend_pid())", (), output_field=BooleanField())

    with pytest.raises(OperationalError):
        take(Event.LIST_EXPORTED, system("an auditor"), "Plans", {}, AuditEvent.objects.all(), {"dead": kill})

    assert [event.event_type for event in AuditEvent.objects.order_by("id")] == [
        "list.exported",
        "list.exported",
        "export.cut_short",
    ]


def test_a_list_without_rows_still_has_its_header() -> None:
    file = io.BytesIO()

    assert copy_into(file, AuditEvent.objects.none(), {"id": "id", "event": "event_type"}) == 0
    assert file.getvalue() == b"id,event\n"
