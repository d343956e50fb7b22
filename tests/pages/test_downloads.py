"""HEAD takes nothing, so nothing is on record; a refresh with odd numbers or a odd way back is no error."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client

from billing.audit.models import AuditEvent
from billing.mirror.resources.customer.models import Customer

pytestmark = pytest.mark.django_db(transaction=True)

FILES = ["/audit/export.csv", "/customers.csv", "/plans.csv", "/changes.csv"]


@pytest.mark.parametrize("address", FILES)
def test_head_is_no_export(address: str, browser: Callable[[str], Client]) -> None:
    auditor = browser("auditor")
    before = AuditEvent.objects.count()

    answer = auditor.head(address)

    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, b"")
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("address", FILES)
def test_a_file_says_its_length_and_rows_and_how_it_ended(
    address: str, browser: Callable[[str], Client], halcyon: Customer
) -> None:
    whole = browser("auditor").get(address)
    text = b"".join(whole.streaming_content)
    cut = browser("auditor").get(address)
    cut.close()

    assert whole["Content-Length"] == str(len(text))
    assert whole["Countersign-Rows"] == str(len(list(csv.reader(io.StringIO(text.decode(), newline="")))) - 1)
    ends = AuditEvent.objects.filter(event_type__startswith="export.").order_by("id")
    assert [(end.event_type, end.new["rows"]) for end in ends] == [
        ("export.delivered", int(whole["Countersign-Rows"])),
        ("export.cut_short", int(cut["Countersign-Rows"])),
    ]


def test_an_empty_list_of_requests_is_a_header(browser: Callable[[str], Client]) -> None:
    answer = browser("auditor").get("/changes.csv")

    assert b"".join(answer.streaming_content).startswith(b"reference,kind,status,")


@pytest.mark.parametrize("name", ["asked", "after"])
@pytest.mark.parametrize("number", ["9" * 19, "9" * 20, "9" * 6_000, "-1", "٣"])
def test_odd_numbers_in_a_refresh_are_no_error(name: str, number: str, finance: Client) -> None:
    assert finance.get("/system/refresh/", {name: number}).status_code == 200


@pytest.mark.parametrize("way", ["x", "http://[", "javascript:alert(1)", "//evil.example", "a b"])
def test_an_odd_way_back_leads_home(way: str, finance: Client) -> None:
    answer = finance.post("/system/refresh/", {"next": way})

    assert (answer.status_code, answer["Location"]) == (302, "/system/")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/changes.csv?view=all", "requests-view-all"),
        ("/changes.csv?view=all&status=applied", "requests-view-all-status-applied"),
        (
            "/customers.csv?q=M%C3%BCller%20%26%20%22S%C3%B6hne%22%0D%0A",
            "customers-q-muller-sohne-status-active-sort-name",
        ),
        ("/customers.csv?q=%E6%9D%B1%E4%BA%AC", "customers-q-status-active-sort-name"),
        ("/customers.csv?q=../../etc/passwd", "customers-q-etc-passwd-status-active-sort-name"),
        ("/plans.csv", "plans"),
        ("/audit/export.csv", "audit"),
        (
            "/audit/export.csv?event=change.submitted&since=2026-07-01",
            "audit-event-change-submitted-since-2026-07-01",
        ),
        (
            "/audit/export.csv?event=decisions&since=2026-11-29&until=2026-11-29",
            "audit-event-decisions-since-2026-11-29-through-2026-11-29",
        ),
        (
            "/changes.csv?view=all&since=2026-11-01T10:30%2B00:00&until=2026-12-01T00:00Z",
            "requests-view-all-since-2026-11-01t10-30-00-00-00-through-2026-11-30",
        ),
        (
            f"/audit/export.csv?event=decisions&customer={UUID(int=1)}&since=2026-11-29",
            f"audit-event-decisions-customer-{UUID(int=1)}-and-more",
        ),
        (f"/audit/export.csv?q={'x' * 300}", f"audit-q-{'x' * 60}"),
    ],
)
@pytest.mark.parametrize("method", ["get", "head"])
def test_the_name_of_a_file_says_its_filter(
    address: str, name: str, method: str, browser: Callable[[str], Client]
) -> None:
    answer = getattr(browser("auditor"), method)(address)
    answer.close()

    said = answer["Content-Disposition"]
    assert said.isascii()
    assert re.fullmatch(rf'attachment; filename="{re.escape(name)}-\d{{4}}-\d\d-\d\d\.csv"', said)
    assert len(said) < 120
