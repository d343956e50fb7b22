"""The main job in a real browser, with a real worker and the simulator: propose, approve, apply, export."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from billing import tasks
from billing.changes.models import ChangeRequest
from billing.mirror.models import RefreshRun
from billing.users import User
from tests.journeys.conftest import PASSWORD, Live


def customer_of(live: Live, position: int = 6) -> dict[str, Any]:
    """An active customer of the simulator that the mirror has."""
    listed = live.simulator.control("GET", "snapshot")["main"]
    active = [
        listed["customers"][i] for i in listed["customer_order"] if not listed["customers"][i]["archived_at"]
    ]
    return active[position]


def reference_of(page: Page) -> str:
    page.wait_for_url(re.compile(r"/changes/CR-\d+/"))
    return re.search(r"CR-\d+", page.url)[0]


def approve(live: Live, person: User, reference: str, typed: str = "") -> None:
    """Find the request in one's inbox, read it, and approve it."""
    page = live.page(person)
    page.goto("/changes/")
    page.get_by_role("link", name=f"Review {reference}").click()
    page.get_by_label("Reason", exact=False).first.fill("checked against the order")
    if typed:
        page.get_by_label("To approve, type").fill(typed)
    page.get_by_role("button", name=f"Approve {reference}").click()
    page.wait_for_load_state()
    page.context.close()


def audit_rows(live: Live, auditor: User, reference: str) -> list[dict[str, str]]:
    """The audit record's rows about one request, as the auditor's CSV has them."""
    page = live.page(auditor)
    answer = page.request.get(f"{live.url}/audit/export.csv")
    assert answer.status == 200
    content = answer.text()
    page.context.close()
    return [row for row in csv.DictReader(io.StringIO(content)) if row["reference"] == reference]


def expect_story(live: Live, auditor: User, reference: str, *, approvals: int) -> None:
    """Submit, approve and apply are in the CSV under the same digest, with the reference of the call."""
    rows = audit_rows(live, auditor, reference)
    events = [row["event"] for row in sorted(rows, key=lambda row: int(row["id"]))]
    digests = {row["digest"] for row in rows}
    assert digests == {ChangeRequest.objects.get(reference=reference).digest}
    assert events[0] == "change.submitted"
    assert events.count("change.approved") == approvals
    assert events[-1] == "change.applied"


def expect_applied(page: Page) -> None:
    expect(page.locator("#status")).to_have_text(re.compile("Applied"), timeout=30_000)


def test_a_new_alias_travels_from_finance_to_metronome(
    live: Live, maker: User, checker: User, auditor: User
) -> None:
    customer = customer_of(live)
    page = live.page(maker)
    page.goto(f"/customers/{customer['id']}/")
    page.get_by_role("link", name="Change ingest aliases").click()
    page.get_by_label("Add an alias").fill("journey-alias")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Reason", exact=False).first.fill("new data centre, order 4711")
    page.get_by_role("button", name="Send for approval").click()
    reference = reference_of(page)

    assert page.get_by_text("Your decision").count() == 0
    token = page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    change = ChangeRequest.objects.get(reference=reference)
    refused = page.request.post(
        f"{live.url}/changes/{reference}/decide/",
        form={"verdict": "approve", "digest": change.digest, "csrfmiddlewaretoken": token},
        headers={"Referer": page.url},
    )
    assert refused.status == 403
    marker = page.evaluate("window.notReloaded = true")
    assert marker is True

    approve(live, checker, reference)

    expect_applied(page)
    assert page.evaluate("window.notReloaded") is True
    held = live.simulator.customer(alias="journey-alias")
    assert held["id"] == customer["id"]
    (effect,) = live.simulator.ledger()
    assert effect["user_agent"].endswith(f" {reference}/1.1")
    expect_story(live, auditor, reference, approvals=1)


def test_a_new_customer_is_created_once(live: Live, maker: User, checker: User, auditor: User) -> None:
    page = live.page(maker)
    page.goto("/customers/")
    page.get_by_role("link", name="Propose a customer").click()
    page.get_by_label("Name", exact=False).first.fill("Journey Labs <b>AB</b>")
    page.get_by_label("Ingest aliases", exact=False).first.fill("journey-labs")
    page.get_by_label("Reason", exact=False).first.fill("signed on Monday")
    page.get_by_role("button", name="Send for approval").click()
    reference = reference_of(page)

    approve(live, checker, reference)

    expect_applied(page)
    expect(page.locator("#calls")).to_have_text("Exactly what was sent")
    expect(page.locator("#announced")).to_have_text(f"{reference}: Applied.")
    expect(page).to_have_title(re.compile(f"^{reference} applied: "))
    expect(page.locator("#links").get_by_role("link", name="The customer’s page")).to_be_visible()
    assert live.simulator.customer(alias="journey-labs")["name"] == "Journey Labs <b>AB</b>"
    assert len(live.simulator.ledger()) == 1
    expect_story(live, auditor, reference, approvals=1)


def test_a_renaming_shows_before_and_after(live: Live, maker: User, checker: User, auditor: User) -> None:
    customer = customer_of(live, 7)
    page = live.page(maker)
    page.goto(f"/customers/{customer['id']}/")
    page.get_by_role("link", name="Rename customer").click()
    page.get_by_label("New name").fill("Journey Renamed GmbH")
    page.get_by_label("Reason", exact=False).first.fill("merger")
    page.get_by_role("button", name="Send for approval").click()
    reference = reference_of(page)
    expect(page.locator("table.diff")).to_contain_text("Journey Renamed GmbH")
    expect(page.locator("table.diff")).to_contain_text(customer["name"])

    approve(live, checker, reference)

    expect_applied(page)
    assert live.simulator.customer(id=customer["id"])["name"] == "Journey Renamed GmbH"
    expect_story(live, auditor, reference, approvals=1)


def test_archiving_takes_two_managers_and_clears_the_aliases_first(
    live: Live, maker: User, checker: User, checker2: User, auditor: User
) -> None:
    snapshot = live.simulator.control("GET", "snapshot")["main"]
    with_contract = next(
        each for each in snapshot["contracts_of"] if not snapshot["customers"][each]["archived_at"]
    )
    customer = snapshot["customers"][with_contract]
    page = live.page(maker)
    page.goto(f"/customers/{customer['id']}/")
    page.get_by_role("link", name=re.compile("Archive customer")).click()
    page.get_by_label("Clear them first", exact=False).check(timeout=30_000)
    page.get_by_label("I know that", exact=False).check()
    page.get_by_label("Why archive it all the same", exact=False).fill("moved to the group contract")
    page.get_by_label("Type the customer’s name", exact=False).fill(customer["name"])
    page.locator("#id_reason").fill("merged into the group")
    page.get_by_role("button", name="Send for approval").click()
    reference = reference_of(page)

    approve(live, checker, reference, typed=customer["name"])
    expect(page.locator("#status")).to_have_text(re.compile("Waiting for approval"))
    approve(live, checker2, reference, typed=customer["name"])

    expect_applied(page)
    gone = live.simulator.customer(id=customer["id"])
    assert gone["archived_at"] is not None
    assert gone["ingest_aliases"] == []
    verbs = [effect["route"].rpartition("/")[2] for effect in live.simulator.ledger()]
    assert verbs == ["setIngestAliases", "archive"]
    expect_story(live, auditor, reference, approvals=2)


def test_the_system_page_shows_within_seconds_that_the_worker_lives(live: Live, auditor: User) -> None:
    page = live.page(auditor)
    page.goto("/system/")
    tasks.sweep_changes.apply_async()  # what beat asks for every 15 seconds

    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="worker-changes"))

    expect(row).to_contain_text("Running", timeout=30_000)


def test_a_session_that_ends_while_somebody_types_loses_nothing(live: Live, maker: User) -> None:
    customer = customer_of(live)
    page = live.page(maker)
    page.goto(f"/changes/new/customer.rename/?customer={customer['id']}")
    page.get_by_label("New name").fill("Typed before the session ended")
    page.get_by_label("Reason", exact=False).first.fill("order 4712")
    Session.objects.all().delete()
    page.get_by_role("button", name="Send for approval").click()

    expect(page.get_by_text("Your session had ended, so nothing was sent.")).to_be_visible()
    page.locator("#id_login").fill(maker.username)
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_label("New name")).to_have_value("Typed before the session ended")
    expect(page.get_by_text("What you had typed here is filled in again.")).to_be_visible()
    page.get_by_role("button", name="Send for approval").click()
    assert ChangeRequest.objects.get(reference=reference_of(page)).sentence.endswith(
        "to “Typed before the session ended”."
    )
    page.goto(f"/changes/new/customer.rename/?customer={customer['id']}")
    expect(page.get_by_label("New name")).to_have_value(customer["name"])


def test_what_moves_on_the_system_page_takes_neither_focus_nor_place(live: Live, auditor: User) -> None:
    page = live.page(auditor, viewport={"width": 390, "height": 800})
    page.goto("/system/")
    table = page.locator("#runs-table")
    table.evaluate("sheet => { sheet.scrollLeft = 90; sheet.dataset.seen = 'yes' }")
    page.locator("#to-requests").focus()

    RefreshRun.objects.create(scope="account", status="succeeded")

    expect(page.locator("#runs-table:not([data-seen])")).to_be_attached(timeout=15_000)

    assert page.evaluate("document.activeElement.id") == "to-requests"
    expect(table).to_have_js_property("scrollLeft", 90)
