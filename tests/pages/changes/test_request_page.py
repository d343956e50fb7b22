"""The request page, through a browser's eyes: what it shows, who may decide there, and how it is checked."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from billing import clock
from billing.audit.models import AuditEvent
from billing.changes.applying import apply, comparing, preflight
from billing.changes.models import ChangeRequest
from billing.metronome.account import Gateway
from billing.mirror.refresh import refresh_customer
from billing.users import User
from tests.pages.conftest import squeezed
from tests.world import approve, propose

SignIn = Callable[[User], Client]


def test_the_maker_sees_no_decision_and_a_direct_post_is_refused(
    submitted: ChangeRequest, maker: User, as_person: SignIn
) -> None:
    browser = as_person(maker)

    page = browser.get(f"/changes/{submitted.reference}/")
    assert page.status_code == 200
    assert "Your decision" not in page.text
    assert submitted.digest[:8] in page.text
    answer = browser.post(
        f"/changes/{submitted.reference}/decide/",
        {"verdict": "approve", "digest": submitted.digest, "reason": "mine"},
    )

    assert answer.status_code == 403
    submitted.refresh_from_db()
    assert submitted.status == "submitted"
    assert not submitted.decisions.exists()


DOUBT = ("can’t tell", "no answer filed", 'data-tone="doubt"', "Evidence for call")


def test_while_a_call_is_on_its_way_the_page_says_that_and_doubts_nothing(
    approved: ChangeRequest,
    gateway: Gateway,
    checker: User,
    as_person: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser, here, seen, write = as_person(checker), f"/changes/{approved.reference}/", [], Gateway.write

    def watched(self: Gateway, sending: Any) -> Any:
        seen.append(browser.get(here).text)
        ChangeRequest.objects.update(lease_until=clock.now() - timedelta(seconds=1))
        seen.append(browser.get(here).text)
        ChangeRequest.objects.update(lease_until=clock.now() + timedelta(seconds=20))
        return write(self, sending)

    monkeypatch.setattr(Gateway, "write", watched)

    apply.apply_change(approved.pk, gateway)

    alive, lost = seen
    assert "It is on its way to Metronome." in alive
    assert [words for words in DOUBT if words in alive] == []
    assert "Exactly what was agreed, and how each call stands" in alive
    assert "Exactly what will be sent" not in alive
    assert "It is on its way to Metronome." not in lost
    assert [words for words in DOUBT if words not in lost] == []
    approved.refresh_from_db()
    assert approved.status == "applied"


def test_a_manager_who_is_the_maker_is_refused_too(
    snapshot: dict[str, Any], checker: User, as_person: SignIn
) -> None:
    own = propose("customer.rename", checker, {"name": "Own"}, snapshot=snapshot)

    answer = as_person(checker).post(
        f"/changes/{own.reference}/decide/", {"verdict": "approve", "digest": own.digest}
    )

    assert answer.status_code == 403
    assert "somebody else has to decide" in answer.text


def test_a_manager_approves_with_the_digest_of_the_page(
    submitted: ChangeRequest, checker: User, as_person: SignIn
) -> None:
    browser = as_person(checker)
    page = browser.get(f"/changes/{submitted.reference}/").text
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', page)[1]

    answer = browser.post(
        f"/changes/{submitted.reference}/decide/", {"verdict": "approve", "digest": digest, "reason": "seen"}
    )

    assert (answer.status_code, answer["Location"]) == (302, f"/changes/{submitted.reference}/")
    submitted.refresh_from_db()
    assert submitted.status == "approved"
    assert AuditEvent.objects.get(event_type="change.approved").ip == "127.0.0.1"


def test_a_rejection_without_a_reason_keeps_the_page_and_says_why(
    submitted: ChangeRequest, checker: User, as_person: SignIn
) -> None:
    answer = as_person(checker).post(
        f"/changes/{submitted.reference}/decide/", {"verdict": "reject", "digest": submitted.digest}
    )

    assert answer.status_code == 422
    assert "Say why" in answer.text


def test_the_live_part_answers_204_until_something_moved(
    approved: ChangeRequest, maker: User, gateway: Gateway, as_person: SignIn
) -> None:
    browser = as_person(maker)
    page = browser.get(f"/changes/{approved.reference}/").text
    poll = re.search(r'hx-get="([^"]+)"[^>]*every 2s', page)[1].replace("&amp;", "&")

    assert browser.get(poll).status_code == 204
    apply.apply_change(approved.pk, gateway)
    moved = browser.get(poll, headers={"HX-Request": "true"})

    assert moved.status_code == 200
    assert "Applied" in moved.text
    assert "every 2s" not in moved.text
    parts = re.findall(r'id="([\w-]+)"[^>]* hx-swap-oob="true"', moved.text)
    assert {"status", "signatures", "state", "expires", "to-decision", "stands-1", "links"} <= set(parts)
    assert re.search(r'id="stands-1"[^>]*>Applied</span>', moved.text)
    assert re.search(r'id="calls"[^>]*>\s*Exactly what was sent\s*</h2>', moved.text)
    assert f"<title>{approved.reference} applied: " in squeezed(moved.text)
    assert f'<p id="announced" hx-swap-oob="innerHTML"> {approved.reference}: Applied.' in squeezed(
        moved.text
    )
    assert '<p class="visually-hidden" id="announced" role="status"></p>' in page


def test_the_link_to_a_new_customer_comes_when_the_mirror_has_it(
    maker: User, checker: User, gateway: Gateway, as_person: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = {"name": "Just made", "ingest_aliases": ["just-made"], "custom_fields": {}}
    made = propose("customer.create", maker, entered)
    approve(made, checker)
    with monkeypatch.context() as late:
        late.setattr("billing.changes.applying.apply.reflect", lambda *_: None)
        apply.apply_change(made.pk, gateway)
    browser = as_person(maker)
    page = browser.get(f"/changes/{made.reference}/").text
    poll = re.search(r'hx-get="([^"]+)"[^>]*every 2s', page)[1].replace("&amp;", "&")
    assert re.search(r'<p id="links" class="small" hidden>', page)
    assert browser.get(poll).status_code == 204

    made.refresh_from_db()
    refresh_customer(gateway, made.about_customer)
    moved = browser.get(poll, headers={"HX-Request": "true"})

    assert f'<a href="/customers/{made.about_customer}/">The customer’s page</a>' in moved.text
    assert "not compared with Metronome yet" in moved.text
    poll = re.search(r'hx-get="([^"]+)"[^>]*every 2s', moved.text)[1].replace("&amp;", "&")
    comparing.compare(made.pk, gateway)
    compared = browser.get(poll, headers={"HX-Request": "true"}).text
    assert "Came out as shown" in compared
    assert "every 2s" not in compared


def test_a_reason_that_is_missing_is_shown_at_its_field_and_a_fold_stays_open(
    submitted: ChangeRequest, maker: User, checker: User, as_person: SignIn
) -> None:
    address = f"/changes/{submitted.reference}"

    rejected = as_person(checker).post(
        f"{address}/decide/", {"verdict": "reject", "digest": submitted.digest}
    )
    withdrawn = as_person(maker).post(f"{address}/withdraw/", {"reason": " "})

    assert (rejected.status_code, withdrawn.status_code) == (422, 422)
    assert '<a href="#reason">' in squeezed(rejected.text)
    assert re.search(r'<textarea[^>]*aria-invalid="true"[^>]*id="reason"', rejected.text)
    assert '<a href="#withdraw-reason">' in squeezed(withdrawn.text)
    assert '<details class="fold" open><summary>Withdraw' in squeezed(withdrawn.text)


@pytest.mark.parametrize(
    "address", ["/changes/%00/", "/changes/CR-1/", "/changes/CR-999999/", "/changes/new/none/"]
)
def test_an_address_that_names_no_request_is_a_404(maker: User, as_person: SignIn, address: str) -> None:
    assert as_person(maker).get(address).status_code == 404


def test_an_open_page_asks_for_a_check_again_each_minute(
    submitted: ChangeRequest, checker: User, as_person: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    nudged: list[int] = []
    monkeypatch.setattr("billing.tasks.nudge", lambda task, *args, **more: nudged.append(args[0]))
    browser = as_person(checker)
    page = browser.get(f"/changes/{submitted.reference}/").text
    live = html.unescape(re.search(r'id="live" hx-get="([^"]+)"', page)[1])

    assert browser.get(live).status_code == 204
    assert nudged == [submitted.pk]
    ChangeRequest.objects.filter(pk=submitted.pk).update(
        check_asked_at=preflight.database_now() - timedelta(seconds=61)
    )

    assert browser.get(live).status_code == 200
    assert nudged == [submitted.pk, submitted.pk]


def test_check_now_asks_at_once_and_not_with_every_press(
    submitted: ChangeRequest, checker: User, auditor: User, as_person: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    nudged: list[int] = []
    monkeypatch.setattr("billing.tasks.nudge", lambda task, *args, **more: nudged.append(args[0]))
    asked = preflight.database_now() - timedelta(seconds=20)
    ChangeRequest.objects.filter(pk=submitted.pk).update(check_asked_at=asked)
    browser, address = as_person(checker), f"/changes/{submitted.reference}/"
    assert "Check now" in browser.get(address).text

    assert browser.post(f"{address}check/").status_code == 302
    pressed = browser.post(f"{address}check/", headers={"HX-Request": "true"})

    assert nudged == [submitted.pk]
    assert pressed.text.strip().endswith('<span role="status">Asking Metronome …</span>')
    ChangeRequest.objects.filter(pk=submitted.pk).update(checked_at=preflight.database_now())
    too_soon = browser.post(f"{address}check/", headers={"HX-Request": "true"}).text
    assert nudged == [submitted.pk]
    assert "Checked just now; again in a few seconds." in too_soon
    assert "Check now" in too_soon
    assert "Check now" not in as_person(auditor).get(address).text
    assert as_person(auditor).post(f"{address}check/").status_code == 403


@pytest.mark.parametrize(
    ("old", "error", "tone", "words"),
    [
        (14, "", "good", "<span>Checked with Metronome</span>"),
        (16, "", "warn", "<span>Checked long ago</span>"),
        (2, "Metronome answered 503.", "warn", "Not checked lately"),
    ],
)
def test_a_check_is_green_only_while_it_is_young_and_the_last_one_worked(
    old: int, error: str, tone: str, words: str, submitted: ChangeRequest, checker: User, as_person: SignIn
) -> None:
    checked = preflight.database_now() - timedelta(minutes=old)
    ChangeRequest.objects.filter(pk=submitted.pk).update(checked_at=checked, check_error=error)

    page = as_person(checker).get(f"/changes/{submitted.reference}/").text

    shown = page[page.index('<div class="freshness">') :].partition("</div>")[0]
    assert f'class="status" data-tone="{tone}"' in shown
    assert words in shown
    assert f">{old} min</time> ago" in shown
    assert error in shown
