"""The record as an auditor reads it: many lines at once, folded details by keyboard, calm on a phone."""

from __future__ import annotations

from billing.audit.actors import person
from billing.changes.agreeing.deciding import withdraw
from billing.users import User
from tests.journeys.conftest import Live
from tests.pages.conftest import add_customer, propose_rename

SEEN = """[...document.querySelectorAll('.event > details > summary')].filter(line => {
    const box = line.getBoundingClientRect();
    return box.top >= 0 && box.bottom <= innerHeight;
}).length"""
HEIGHTS = """[...document.querySelectorAll('.event > details > summary')].map(line =>
    Math.round(line.getBoundingClientRect().height))"""
ROWS = """[...document.querySelectorAll('.filter > div')].map(each =>
    Math.round(each.getBoundingClientRect().bottom))"""


def fill(maker: User) -> None:
    for number in range(8):
        change = propose_rename(add_customer(f"Elm{number} Works"), maker, "W" * 160)
        if number % 2:
            withdraw(change.pk, actor=person(maker), reason="Proposed for the wrong customer. " * 9)


def test_fourteen_events_and_more_are_read_at_once_each_on_a_line(
    live: Live, maker: User, auditor: User
) -> None:
    fill(maker)
    page = live.page(auditor, viewport={"width": 1280, "height": 800})

    page.goto("/audit/")

    assert page.evaluate(SEEN) >= 14
    assert len(set(page.evaluate(HEIGHTS))) == 1
    assert len(set(page.evaluate(ROWS))) == 1


def test_details_unfold_by_the_keyboard_and_a_filter_keeps_what_was_typed(
    live: Live, maker: User, auditor: User
) -> None:
    fill(maker)
    page = live.page(auditor, viewport={"width": 390, "height": 800})
    page.goto("/audit/?event=requests")
    line = page.locator(".event summary").first

    line.focus()
    page.keyboard.press("Enter")
    assert page.locator(".event[id] .more").first.is_visible()
    assert page.locator(".event code").first.inner_text() == "change.withdrawn"
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")

    page.locator("#by-q").fill("elm3")
    page.wait_for_url("**q=elm3**")
    page.locator(".chip", has_text="elm3").wait_for()
    assert page.locator(".event").count() == 2
    assert page.locator(".group h3").inner_text().startswith("Rename “Elm3 Works” to “WWW")
    page.get_by_role("link", name="Decisions").click()
    page.get_by_text("No event is left by these filters").wait_for()
    assert page.locator("#by-q").input_value() == "elm3"
