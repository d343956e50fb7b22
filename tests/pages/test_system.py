"""The System page, the freeze, and asking for a refresh."""

from __future__ import annotations

import html
import re
import time
import tomllib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from redis import Redis

from billing import clock
from billing.audit.actors import person
from billing.audit.events import Event
from billing.changes.models import ChangeRequest
from billing.control import alive, freezing
from billing.control.models import NewBeginning
from billing.metronome.budget import BUCKET
from billing.mirror.models import RefreshRun
from billing.mirror.resources.customer.models import Customer
from billing.users import User
from tests.pages.conftest import open_house, recorded

HTMX = {"HX-Request": "true"}


def test_an_administrator_freezes_and_resumes_with_a_reason_and_every_page_says_so(
    admin: Client, finance: Client
) -> None:
    assert admin.post("/system/freeze/", {"reason": " Month-end close. "})["Location"] == "/system/"

    assert freezing.is_frozen()
    page = finance.get("/customers/").content.decode()
    assert "<strong>All changes are frozen</strong> by <bdi>Nadia Petrov</bdi>" in page
    assert "“Month-end close.”" in page

    admin.post("/system/unfreeze/", {"reason": "Closed."})

    assert not freezing.is_frozen()
    assert [(event.event_type, event.reason, event.actor_text) for event in recorded()] == [
        (Event.APPLYING_FROZEN, "Month-end close.", "Nadia Petrov"),
        (Event.APPLYING_UNFROZEN, "Closed.", "Nadia Petrov"),
    ]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2_001, "nul\x00"])
def test_a_freeze_without_a_usable_reason_changes_nothing_and_keeps_what_was_typed(
    admin: Client, reason: str
) -> None:
    answer = admin.post("/system/freeze/", {"reason": reason})

    assert answer.status_code == 422
    assert 'class="error-summary"' in answer.content.decode()
    assert answer.context["reason"] == reason
    assert not freezing.is_frozen()
    assert recorded() == []


@pytest.mark.parametrize("role", ["finance", "manager", "auditor"])
def test_nobody_else_freezes(browser: Any, role: str) -> None:
    assert browser(role).post("/system/freeze/", {"reason": "Because."}).status_code == 403

    assert not freezing.is_frozen()
    assert recorded() == []


def test_freezing_twice_leaves_one_event_and_says_so(admin: Client) -> None:
    for _time in range(2):
        answer = admin.post("/system/freeze/", {"reason": "Because."}, follow=True)

    assert "It was so already" in answer.content.decode()
    assert [event.event_type for event in recorded()] == [Event.APPLYING_FROZEN]


def test_the_page_counts_what_is_on_its_way(
    admin: Client, renaming: ChangeRequest, people: dict[str, User]
) -> None:
    context = admin.get("/system/").context

    assert {queue.status.value: queue.number for queue in context["queues"]} == {
        "submitted": 1,
        "approved": 0,
        "applying": 0,
        "unknown": 0,
        "partly_applied": 0,
        "blocked": 0,
    }


def test_the_page_works_while_redis_is_away(admin: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    answer = admin.get("/system/")

    assert answer.status_code == 200
    assert "Redis does not answer" in answer.content.decode()


def test_its_moving_part_comes_alone(admin: Client, refreshed: RefreshRun) -> None:
    page = admin.get("/system/", headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in page
    assert page.strip().startswith('<div id="live"')
    assert "Whole account" in page


def asked_next(page: str) -> str:
    """The address that the open page asks next."""
    return html.unescape(re.search(r'id="live" hx-get="([^"]+)"', page)[1])


def polled_when_quiet(browser: Client, page: str) -> HttpResponse:
    """What a poll says at a moment in which nobody, tests beside this one included, writes anything."""
    until = time.monotonic() + 60
    while (answer := browser.get(asked_next(page), headers=HTMX)).status_code != 204:
        assert time.monotonic() < until, "something was written all the time"
        page = answer.text
    return answer


def test_a_poll_is_empty_while_nothing_was_written(
    admin: Client, ready: None, refreshed: RefreshRun, redis: Redis
) -> None:
    redis.set(f"{alive.KEY}beat", time.time())
    page = admin.get("/system/").text

    assert polled_when_quiet(admin, page).content == b""


def test_a_poll_brings_what_was_written(
    admin: Client, finance: Client, ready: None, refreshed: RefreshRun
) -> None:
    page = admin.get("/system/").text
    RefreshRun.objects.create(scope="account", status="failed", error="Metronome answered 503.")
    freezing.freeze(person(User.objects.get(username="administrator")), "Month-end")

    moved = admin.get(asked_next(page), headers=HTMX)

    assert moved.status_code == 200
    assert '<div id="moving" class="stack" data-part="system/_live" hx-swap-oob="true">' in moved.text
    assert "Metronome answered 503." in moved.text
    assert "Nobody: applying is frozen" in moved.text
    assert asked_next(moved.text) != asked_next(page)


def test_a_sign_of_life_brings_only_what_signs_show(
    admin: Client, ready: None, refreshed: RefreshRun, redis: Redis
) -> None:
    until, moved, page = time.monotonic() + 60, "", admin.get("/system/").text
    while "Whole account" in moved or not moved:  # others' tests may write between two polls
        assert time.monotonic() < until, "something was written all the time"
        redis.set(f"{alive.KEY}beat", time.time())
        redis.hset(BUCKET, mapping={"tokens": "2", "taken_write": "7"})
        moved = admin.get(asked_next(page), headers=HTMX).text
        page = moved

    assert re.findall(r'id="([\w-]+)"[^>]* hx-swap-oob="true"', moved) == ["budget", "signs"]
    assert "7 writes" in moved
    assert "Running" in moved


def test_a_process_that_falls_silent_is_told_though_nothing_was_written(
    admin: Client, ready: None, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis.set(f"{alive.KEY}beat", time.time())
    page = admin.get("/system/").text
    monkeypatch.setattr(alive, "PATIENCE_SECONDS", 0.0)

    moved = admin.get(asked_next(page), headers=HTMX)

    assert "Silent" in moved.text


def test_what_the_clock_alone_moves_is_drawn_anew_with_the_next_minute(
    admin: Client, ready: None, refreshed: RefreshRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = admin.get("/system/").text
    later = clock.now() + timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)

    moved = admin.get(asked_next(page), headers=HTMX)

    assert '<div id="moving"' in moved.text


def test_within_a_transaction_nothing_is_taken_for_quiet(admin: Client, refreshed: RefreshRun) -> None:
    page = admin.get("/system/").text

    assert admin.get(asked_next(page), headers=HTMX).status_code == 200


def test_asking_for_a_refresh_goes_on_record_and_is_watched_to_its_end(
    finance: Client, halcyon: Customer
) -> None:
    address = f"/customers/{halcyon.pk}/refresh/"
    htmx = {"HX-Request": "true"}

    asked = finance.post(address, headers=htmx)
    watched = asked.context["progress_url"]

    [event] = recorded()
    assert (event.event_type, event.customer_id) == (Event.MIRROR_REFRESH_REQUESTED, halcyon.pk)
    assert "Waiting for a worker" in finance.get(watched, headers=htmx).content.decode()

    run = RefreshRun.objects.create(scope="customer", customer_id=halcyon.pk, rows_read=1)
    assert "Reading from Metronome" in finance.get(watched, headers=htmx).content.decode()

    RefreshRun.objects.filter(pk=run.pk).update(status="failed", error="Metronome answered 503.")
    failed = finance.get(watched, headers=htmx).content.decode()
    assert "Metronome answered 503." in failed
    assert "hx-trigger" not in failed

    RefreshRun.objects.filter(pk=run.pk).update(status="succeeded")
    assert finance.get(watched, headers=htmx)["HX-Refresh"] == "true"


def test_without_script_a_refresh_leads_back_to_its_page(finance: Client, refreshed: RefreshRun) -> None:
    answer = finance.post("/system/refresh/", {"next": "/plans/"}, follow=True)

    assert answer.redirect_chain == [("/plans/", 302)]
    assert "Refresh asked for." in answer.content.decode()


def test_a_worker_that_never_comes_is_said(finance: Client, refreshed: RefreshRun) -> None:
    page = finance.get(f"/system/refresh/?after={refreshed.pk}&asked=1", headers={"HX-Request": "true"})

    assert "No worker has begun it yet." in page.content.decode()


@pytest.mark.parametrize("query", ["after=x&asked=y", "after=99999999999999999999999&asked=-1", "after=%00"])
def test_nonsense_in_the_watching_address_does_no_harm(
    finance: Client, refreshed: RefreshRun, query: str
) -> None:
    assert finance.get(f"/system/refresh/?{query}", headers={"HX-Request": "true"}).status_code == 200


def test_the_version_shown_is_the_one_that_is_packaged(admin: Client) -> None:
    packaged = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))

    assert admin.get("/system/").context["version"] == packaged["project"]["version"]


def test_the_page_says_which_processes_run(admin: Client, redis: Redis) -> None:
    redis.set(f"{alive.KEY}worker-changes", time.time())
    redis.set(f"{alive.KEY}beat", time.time() - 3_600)

    page = admin.get("/system/").content.decode()

    table = re.sub(r"<[^>]+>|\s+", " ", page[page.index('id="processes"') : page.index('id="runs"')])
    words = " ".join(table.split())
    assert "worker-changes Running 0 s ago" in words
    assert "worker-refresh Never seen —" in words
    assert "beat Silent 1 h ago" in words


def test_reading_anew_is_asked_for_by_one_person_and_agreed_to_by_another(
    browser: Callable[[str], Client], admin: Client, manager: Client
) -> None:
    open_house()
    assert admin.post("/system/anew/", {"word": "ask", "reason": " "}).status_code == 422
    assert admin.post("/system/anew/", {"word": "agree", "reason": "Alone"}).status_code == 409
    assert not NewBeginning.objects.exists()

    assert admin.post("/system/anew/", {"word": "ask", "reason": "Wiped"})["Location"] == "/system/"
    own = admin.get("/system/anew/").text
    assert "Somebody else has to agree within a day." in own
    assert 'name="word"' not in own
    assert admin.post("/system/anew/", {"word": "agree", "reason": "Me"}).status_code == 409
    assert "somebody else has to agree" in manager.get("/system/").text
    assert browser("finance").post("/system/anew/", {"word": "agree", "reason": "x"}).status_code == 403
    assert NewBeginning.objects.get().seconded_by is None

    assert manager.post("/system/anew/", {"word": "agree", "reason": "Seen"})["Location"] == "/system/"
    assert NewBeginning.objects.get().seconded_by.username == "manager"
