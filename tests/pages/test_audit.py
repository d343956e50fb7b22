"""The record's page and its CSV."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes.models import ChangeRequest
from billing.mirror.models import Customer
from tests.pages.conftest import recorded


def events_in(answer) -> list[str]:
    rows = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
    return [row["event"] for row in rows]


def test_the_page_and_its_csv_hold_what_the_filter_lets_through(
    manager: Client, renaming: ChangeRequest, halcyon: Customer
) -> None:
    manager.post("/system/refresh/")
    expected = {
        f"?reference={renaming.reference}": ["change.submitted"],
        f"?customer={halcyon.pk}": ["change.submitted"],
        "?actor=manager&event=mirror.refresh_requested": ["mirror.refresh_requested"],
        "?q=Halcyon": ["change.submitted"],
        "?until=2020-01-01": [],
    }

    for query, events in expected.items():
        assert [event.event_type for event in manager.get(f"/audit/{query}").context["page"].rows] == events
        assert events_in(manager.get(f"/audit/export.csv{query}")) == events


def test_an_export_is_an_event_with_its_filter(manager: Client, renaming: ChangeRequest) -> None:
    answer = manager.get("/audit/export.csv?event=change.submitted")
    answer.getvalue()

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="audit-event-change-submitted-20')
    event = AuditEvent.objects.get(event_type=Event.AUDIT_EXPORTED)
    assert (event.actor_text, event.new) == ("Ingrid Solberg", {"filter": {"event": "change.submitted"}})


def test_a_row_shows_who_from_where_and_why(manager: Client, renaming: ChangeRequest) -> None:
    page = manager.get(f"/audit/?reference={renaming.reference}").content.decode()

    assert "<code>change.submitted</code>" in page
    assert "<bdi>Priya Raman</bdi>" in page
    assert "“As agreed with the customer.”" in page
    assert f'title="{renaming.digest}">{renaming.digest[:8]}</span>' in page
    assert f'<a class="nowrap" href="/changes/{renaming.reference}/">{renaming.reference}</a>' in page


@pytest.mark.parametrize(
    "query",
    ["event=bogus", "customer=bogus", "since=yesterday", "since=2026-02-01&until=2026-01-01", "q=%00"],
)
def test_a_filter_that_makes_no_sense_is_said_and_refused(manager: Client, query: str) -> None:
    answer = manager.get(f"/audit/?{query}")

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert manager.get(f"/audit/export.csv?{query}").status_code == 400
    assert recorded() == []


def test_filtered_to_nothing_offers_a_clear_record(manager: Client) -> None:
    page = manager.get("/audit/?reference=CR-000999").content.decode()

    assert "No event is left by these filters" in page
    assert '<a class="button" href="/audit/">Clear filters</a>' in page
