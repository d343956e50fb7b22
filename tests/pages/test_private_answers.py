"""No answer is kept by a cache, no page uses the machine's senses, and a refusal is a line of the log."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client

from billing.audit.models import AuditEvent
from billing.users import User

pytestmark = pytest.mark.django_db

SENSES = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), serial=(), display-capture=()"
MOST = django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE


@pytest.fixture
def auditor_browser(people: dict[str, User]) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(people["auditor"])
    return client


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("get", "/", 200),
        ("get", "/audit/", 200),
        ("get", "/audit/export.csv", 200),
        ("get", "/accounts/password/change/", 200),
        ("get", "/accounts/reauthenticate/", 200),
        ("get", "/nowhere/", 404),
        ("get", "/customers/?page=x", 200),
        ("post", "/system/freeze/", 403),
        ("put", "/accounts/login/", 302),
    ],
)
def test_no_cache_keeps_what_a_person_was_answered(
    auditor_browser: Client, method: str, address: str, status: int
) -> None:
    answer = getattr(auditor_browser, method)(address)
    answer.close()

    assert answer.status_code == status
    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]
    assert answer["Permissions-Policy"] == SENSES


def test_a_broken_page_is_kept_by_no_cache_either(
    auditor_browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("billing.pages.web.render", breaks)
    answer = auditor_browser.get("/audit/")

    assert (answer.status_code, answer["Cache-Control"]) == (500, "private, no-store")


def test_the_door_and_what_it_refuses_are_kept_by_no_cache() -> None:
    strangers = Client()
    charset = "application/x-www-form-urlencoded; charset=hex"

    for answer in (
        strangers.get("/accounts/login/"),
        strangers.get("/customers/"),
        strangers.generic("POST", "/accounts/login/", b"login=a", content_type=charset),
    ):
        assert "no-store" in answer["Cache-Control"]


def test_a_static_file_says_itself_how_long_it_is_kept() -> None:
    answer = Client().get("/static/js/app.js")

    assert answer.status_code == 200
    assert "no-store" not in answer["Cache-Control"]
    answer.close()


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json",
        "text/plain",
        "",
    ],
)
def test_a_body_larger_than_any_form_is_refused_before_it_is_read(kind: str) -> None:
    request = {"CONTENT_LENGTH": str(MOST + 1), "wsgi.input": _Unread()}
    answer = Client(enforce_csrf_checks=True).generic(
        "POST", "/accounts/login/", content_type=kind, **request
    )

    assert (answer.status_code, answer.content) == (
        413,
        b"That is longer than any form here. Nothing was read of it.",
    )
    assert AuditEvent.objects.count() == 0


class _Unread:
    """A body that nobody may read."""

    def read(self, *_much: int) -> bytes:
        raise AssertionError("the body was read")

    readline = read


@pytest.mark.parametrize("length", ["", "x", "-1", "٣"])
def test_a_length_that_is_none_is_no_body(length: str) -> None:
    answer = Client().generic("POST", "/accounts/login/", b"", CONTENT_LENGTH=length)

    assert answer.status_code == 200


def test_the_longest_body_is_taken() -> None:
    body = b"login=" + b"a" * (MOST - 6)
    form = "application/x-www-form-urlencoded"

    assert Client().generic("POST", "/accounts/login/", body, content_type=form).status_code == 200


@pytest.mark.parametrize(("address", "status"), [("/system/freeze/", 403), ("/accounts/nowhere/", 404)])
def test_a_refusal_is_one_line_of_the_log(
    auditor_browser: Client, caplog: pytest.LogCaptureFixture, address: str, status: int
) -> None:
    _as_the_handler_does(caplog)
    assert auditor_browser.post(address).status_code == status

    told = [record for record in caplog.records if getattr(record, "status_code", 0) == status]
    assert [(record.exc_info, record.exc_text) for record in told] == [(None, None)]


def test_what_broke_keeps_its_trace(
    auditor_browser: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("broken on purpose")

    _as_the_handler_does(caplog)
    monkeypatch.setattr("billing.pages.web.render", breaks)
    assert auditor_browser.get("/audit/").status_code == 500

    told = [record for record in caplog.records if getattr(record, "status_code", 0) == 500]
    assert [str(record.exc_info[1]) for record in told if record.exc_info] == ["broken on purpose"]


def _as_the_handler_does(caplog: pytest.LogCaptureFixture) -> None:
    """Give pytest's handler the filters that ours has."""
    ours = next(
        handler for handler in logging.getLogger().handlers if "RefusalsInALine" in repr(handler.filters)
    )
    for each in ours.filters:
        caplog.handler.addFilter(each)
