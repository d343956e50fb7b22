"""The request page and the forms, through a browser's eyes."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from billing import clock
from billing.audit.models import AuditEvent
from billing.changes.applying import apply, preflight
from billing.changes.asking import survey
from billing.changes.models import ChangeRequest
from billing.metronome.client import Gateway
from billing.mirror.refresh import refresh_customer
from billing.users import User
from tests.pages.conftest import squeezed
from tests.simulator_server import RunningSimulator
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
    assert f'<p id="announced" hx-swap-oob="innerHTML"> {approved.reference} is now applied.' in squeezed(
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
    assert "every 2s" not in moved.text


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


def test_finance_proposes_a_renaming_and_it_is_sealed(
    snapshot: dict[str, Any], maker: User, as_person: SignIn
) -> None:
    browser = as_person(maker)
    address = f"/changes/new/customer.rename/?customer={snapshot['id']}"
    assert browser.get(address).status_code == 200

    refused = browser.post(address, {"name": "x" * 161, "reason": ""})
    assert refused.status_code == 422
    assert "x" * 161 in refused.text
    sent = browser.post(address, {"name": "<script>alert(1)</script>", "reason": "as ordered"})

    change = ChangeRequest.objects.get()
    assert (sent.status_code, sent["Location"]) == (302, f"/changes/{change.reference}/")
    page = browser.get(sent["Location"]).text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_archiving_waits_for_the_survey_and_asks_for_the_name(
    snapshot: dict[str, Any],
    maker: User,
    checker: User,
    checker2: User,
    gateway: Gateway,
    simulator: RunningSimulator,
    as_person: SignIn,
) -> None:
    browser = as_person(maker)
    address = f"/changes/new/customer.archive/?customer={snapshot['id']}"
    assert "Send for approval" not in browser.get(address).text
    from billing.changes.models import Survey

    survey.answer(Survey.objects.get().uuid, gateway)
    page = browser.get(address).text
    assert "Send for approval" in page

    entered = {"clear_aliases": "yes", "typed_name": "wrong", "reason": "merged"}
    entered |= {"open_business": "on", "open_business_reason": "moved to the group"}
    assert browser.post(address, entered).status_code == 422
    sent = browser.post(address, entered | {"typed_name": snapshot["name"]})
    assert sent.status_code == 302
    change = ChangeRequest.objects.get()
    assert [call.operation for call in change.calls.all()] == [
        "customers.setIngestAliases",
        "customers.archive",
    ]
    wrong = as_person(checker).post(
        f"/changes/{change.reference}/decide/", {"verdict": "approve", "digest": change.digest, "typed": "no"}
    )
    assert wrong.status_code == 422

    approve(change, checker, checker2)
    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert change.status == "applied"
    assert [effect["route"] for effect in simulator.ledger()] == [
        "POST /v1/customers/{customer_id}/setIngestAliases",
        "POST /v1/customers/archive",
    ]
    gone = simulator.customer(id=snapshot["id"])
    assert gone["archived_at"] is not None
    assert gone["ingest_aliases"] == []


def test_hints_name_a_holder_and_the_people_needed(
    snapshot: dict[str, Any], gateway: Gateway, simulator: RunningSimulator, maker: User, as_person: SignIn
) -> None:
    from tests.world import mirrored

    other = mirrored(gateway, simulator, position=9)
    answer = as_person(maker).post(
        f"/changes/new/customer.realias/hints/?customer={snapshot['id']}",
        {"ingest_aliases": other["ingest_aliases"][0]},
    )

    assert answer.status_code == 200
    assert escape(f"is held by {other['name']}.") in answer.text


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


@pytest.mark.parametrize(
    "address", ["/changes/%00/", "/changes/CR-1/", "/changes/CR-999999/", "/changes/new/none/"]
)
def test_an_address_that_names_no_request_is_a_404(maker: User, as_person: SignIn, address: str) -> None:
    assert as_person(maker).get(address).status_code == 404


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
