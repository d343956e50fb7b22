"""Deciding by keyboard, in a real browser: no key decides by itself, and one decision leads to the next."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from billing.changes.models import ChangeRequest, Decision
from billing.users import User
from tests.journeys.conftest import Live
from tests.world import propose


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
