"""Deciding by keyboard, in a real browser: no key decides by itself, and one decision leads to the next."""

from __future__ import annotations

import importlib
import re

from playwright.sync_api import Page, expect

from billing.changes.agreeing import deciding
from billing.changes.models import ChangeRequest, Decision, Verdict
from billing.users import User
from tests.journeys.conftest import Live
from tests.world import approve, by, install_policy, propose

EVERYDAY = importlib.import_module("billing.migrations.0026_everyday_changes_may_be_batched").RULES


def proposed(maker: User, number: int) -> list[ChangeRequest]:
    """Requests that wait for a manager, the oldest first."""
    return [
        propose(
            "customer.create",
            maker,
            {"name": f"By key {place}", "ingest_aliases": [f"by-key-{place}"], "custom_fields": {}},
        )
        for place in range(number)
    ]


def expect_open(page: Page, change: ChangeRequest) -> None:
    expect(page).to_have_url(re.compile(f"/changes/{change.reference}/"))


def test_keys_lead_through_what_waits_and_rest_while_somebody_types(
    live: Live, maker: User, checker: User
) -> None:
    first, second, _third = proposed(maker, 3)
    page = live.page(checker)
    page.goto(f"/changes/{first.reference}/")

    page.keyboard.press("j")
    expect_open(page, second)
    page.keyboard.press("k")
    expect_open(page, first)
    page.keyboard.press("r")
    expect(page.locator("#reason")).to_be_focused()
    page.keyboard.type("jkar?")
    expect(page.locator("#reason")).to_have_value("jkar?")
    expect_open(page, first)
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.locator("#keys-help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys-help")).to_be_hidden()

    page.keyboard.press("a")
    expect(page.get_by_role("button", name=f"Approve {first.reference}")).to_be_focused()
    assert not Decision.objects.exists()
    page.keyboard.press("Enter")
    expect_open(page, second)
    expect(page.get_by_text("The next one opened by itself.")).to_be_visible()
    assert Decision.objects.get().reason == "jkar?"

    page.get_by_role("button", name="All keys").click()
    page.get_by_role("button", name="Switch single keys off").click()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator(".keys")).to_contain_text("Single keys are off.")
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect_open(page, second)
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_five_everyday_requests_are_decided_in_at_most_six_actions(
    live: Live, maker: User, checker: User
) -> None:
    install_policy(EVERYDAY)
    five = proposed(maker, 5)
    page = live.page(checker)
    page.goto("/changes/")
    expect(page.locator("#queue > li")).to_have_count(5)

    actions = ["Shift+X", "a", "Enter"]
    page.keyboard.press(actions[0])
    expect(page.locator("#ticked-count")).to_have_text("5 ticked:")
    page.keyboard.press(actions[1])
    expect(page.get_by_role("button", name="Approve what is ticked")).to_be_focused()
    assert not Decision.objects.exists()
    page.keyboard.press(actions[2])

    expect(page.get_by_text("5 requests approved")).to_be_visible()
    assert len(actions) <= 6
    assert set(Decision.objects.values_list("change__reference", "digest", "checker")) == {
        (change.reference, change.digest, checker.pk) for change in five
    }


def test_only_keys_that_act_for_this_person_here_are_named(
    live: Live, maker: User, checker: User, administrator: User
) -> None:
    install_policy(EVERYDAY)
    (only,) = proposed(maker, 1)
    named: dict[tuple[str, str], str] = {}
    for person in (checker, maker, administrator):
        page = live.page(person)
        for address in ("/changes/?view=waiting", f"/changes/{only.reference}/"):
            page.goto(address)
            page.evaluate("document.getElementById('keys-help').showPopover()")
            shown = page.locator("#keys-help dt:visible").evaluate_all(
                "all => all.map(each => each.innerText)"
            )
            named[person.username, address.split("/")[2][:2]] = " · ".join(shown)

    everywhere = "/ · ?"
    assert named == {
        ("manager", "?v"): f"j k · Enter · x · Shift x · a r · {everywhere}",
        ("manager", "CR"): f"a · r · {everywhere}",
        ("finance", "?v"): everywhere,
        ("finance", "CR"): everywhere,
        ("admin", "?v"): everywhere,
        ("admin", "CR"): everywhere,
    }


def test_what_was_typed_stays_when_somebody_else_was_quicker(
    live: Live, maker: User, checker: User, checker2: User
) -> None:
    first, second = proposed(maker, 2)
    page = live.page(checker)
    sent_late = page.context.new_page()
    sent_late.route("**/live/**", lambda route: route.abort())
    sent_late.goto(f"/changes/{second.reference}/")
    page.goto(f"/changes/{first.reference}/")
    page.locator("#reason").fill("Read the order\nof November")
    page.locator("#reason").focus()
    sent_late.locator("#reason").fill("Seen by two")

    for change in (first, second):
        deciding.decide(
            change.pk,
            actor=by(checker2),
            verdict=Verdict.REJECT,
            reason="a twin\nof CR-7",
            digest=change.digest,
        )
    sent_late.get_by_role("button", name=f"Approve {second.reference}").click()

    for window, typed in ((page, "Read the order\nof November"), (sent_late, "Seen by two")):
        expect(window.locator("#overtaken")).to_be_focused()
        expect(window.locator("#overtaken-typed")).to_have_value(typed)
        expect(window.locator("#came-first")).to_contain_text("Rejected by Max Manager")
        assert window.locator("#came-first blockquote").inner_text() == "a twin\nof CR-7"
        expect(window.get_by_role("button", name="Reject", exact=True)).to_have_count(0)


def test_j_and_k_walk_along_rows_that_stay_while_others_join(
    live: Live, maker: User, checker: User, checker2: User
) -> None:
    install_policy(EVERYDAY)
    first, second = proposed(maker, 2)
    page = live.page(checker)
    page.goto("/changes/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    link = page.locator(f"#row-{second.reference} h3 a")
    expect(link).to_be_focused()
    expect(page.locator(f"#row-{second.reference} [name=decided]")).to_be_checked()

    approve(first, checker2)
    later = propose("customer.create", maker, {"name": "L", "ingest_aliases": ["l"], "custom_fields": {}})

    expect(page.locator(f"#row-{later.reference}")).to_be_visible(timeout=15_000)
    expect(page.locator(f"#row-{first.reference}")).to_have_attribute("data-gone", "", timeout=15_000)
    ids = page.locator("#queue > li").evaluate_all("rows => rows.map(row => row.id)")
    assert ids == [f"row-{change.reference}" for change in (first, second, later)]
    expect(link).to_be_focused()
    expect(page.locator(f"#row-{second.reference} [name=decided]")).to_be_checked()
    expect(page.locator("#waiting-tab")).to_have_text("2")
    page.keyboard.press("Enter")
    expect_open(page, second)
