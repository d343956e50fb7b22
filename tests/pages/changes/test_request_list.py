"""The list of requests and its file, page by page."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from billing.audit.models import AuditEvent
from billing.changes.applying import apply, comparing
from billing.changes.models import ChangeRequest, Upshot
from billing.metronome.account import Gateway
from billing.users import User
from tests.world import propose

SignIn = Callable[[User], Client]


@pytest.mark.parametrize("view", ["waiting", "mine", "all"])
def test_the_inbox_shows_each_view_in_a_constant_number_of_queries(
    submitted: ChangeRequest,
    checker: User,
    maker: User,
    snapshot: dict[str, Any],
    as_person: SignIn,
    view: str,
    django_assert_num_queries: Any,
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    browser = as_person(checker if view != "mine" else maker)
    with CaptureQueriesContext(connection) as few:
        page = browser.get(f"/changes/?view={view}")
    assert submitted.reference in page.text
    for number in range(12):
        propose(
            "customer.create",
            maker,
            {"name": f"New {number}", "ingest_aliases": [f"new-{number}"], "custom_fields": {}},
        )
    with CaptureQueriesContext(connection) as many:
        assert browser.get(f"/changes/?view={view}").status_code == 200

    assert len(many) == len(few)


@pytest.mark.parametrize("missed", [0, 1])
def test_a_request_that_came_out_differently_says_so_in_every_list(
    missed: int,
    approved: ChangeRequest,
    maker: User,
    gateway: Gateway,
    as_person: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparing, "compare", lambda *_read: None)  # it comes later than the list
    apply.apply_change(approved.pk, gateway)
    browser = as_person(maker)
    moved = f"/changes/moved/?view=all&count=0&rows={approved.pk}.applied.1.00"
    addresses = ["/changes/?view=mine", "/changes/?view=all", f"/customers/{approved.customer_id}/"]
    assert browser.get(moved).status_code == 204
    for address in addresses:
        assert "Came out differently" not in browser.get(address).text

    Upshot.objects.create(change=approved, compared=2, missed=missed)

    for address in addresses:
        assert browser.get(address).text.count("Came out differently") == missed
    assert ("Came out differently" in browser.get(moved).text) == bool(missed)


def test_the_csv_of_requests_is_the_list_with_the_same_filters(
    submitted: ChangeRequest, maker: User, checker: User, as_person: SignIn
) -> None:
    browser = as_person(checker)

    waiting = b"".join(browser.get("/changes.csv?view=waiting").streaming_content).decode()
    none = b"".join(browser.get("/changes.csv?view=all&status=applied").streaming_content).decode()

    assert [line.split(",")[0] for line in waiting.splitlines()] == ["reference", submitted.reference]
    assert submitted.digest in waiting
    assert len(none.splitlines()) == 1
    assert AuditEvent.objects.filter(event_type="list.exported", actor=checker).count() == 2


def test_a_long_inbox_is_paged_there_and_back(
    submitted: ChangeRequest, maker: User, as_person: SignIn
) -> None:
    for number in range(50):
        fields = {"name": f"New {number}", "ingest_aliases": [f"new-{number}"], "custom_fields": {}}
        propose("customer.create", maker, fields)
    browser = as_person(maker)

    first = browser.get("/changes/?view=all")
    older = browser.get(f"/changes/{_link(first.text, 'next')}")
    back = browser.get(f"/changes/{_link(older.text, 'prev')}")

    assert submitted.reference not in first.text
    assert submitted.reference in older.text
    assert submitted.reference not in back.text
    assert back.text.count('<ol class="queue"') == 1


@pytest.mark.parametrize("cursor", ["nonsense", "%00", "2026-01-01T00:00:00_1"])
def test_a_broken_place_in_the_inbox_shows_its_first_page_and_says_so(
    submitted: ChangeRequest, maker: User, as_person: SignIn, cursor: str
) -> None:
    page = as_person(maker).get(f"/changes/?view=all&cursor={cursor}")

    assert page.status_code == 200
    assert submitted.reference in page.text
    assert "here is the first page" in page.text


def _link(page: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    assert found is not None
    return html.unescape(found[1])
