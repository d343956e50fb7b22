"""The aliases of a customer as a list: one is added or taken out, and the text beneath is what is sent."""

from __future__ import annotations

from playwright.sync_api import expect

from billing.changes.models import ChangeRequest
from billing.users import User
from tests.journeys.conftest import Live
from tests.journeys.test_main_job import customer_of, reference_of


def test_aliases_are_added_taken_out_and_put_back_and_the_unseen_is_drawn(live: Live, maker: User) -> None:
    customer = customer_of(live, 6)
    first, *others = customer["ingest_aliases"]
    page = live.page(maker)
    page.goto(f"/changes/new/customer.realias/?customer={customer['id']}")
    add, rows, tally = (
        page.get_by_label("Add an alias"),
        page.locator(".lines li"),
        page.locator(".lines .tally"),
    )

    add.fill("zero\u200bwidth ")
    add.press("Enter")
    expect(add).to_be_focused()
    expect(tally).to_have_text(f"+1 −0: {len(others) + 2} of 2,000 then")
    expect(rows.first.locator(".unseen")).to_have_attribute("data-code", "U+200B")
    expect(rows.first.locator(".sp")).to_have_text(" ")
    add.fill(first)
    add.press("Enter")
    expect(page.get_by_text(f"“{first}” is there already.")).to_be_visible()
    page.get_by_role("button", name=f"Remove {first}", exact=True).click()
    expect(tally).to_have_text(f"+1 −1: {len(others) + 1} of 2,000 then")
    page.get_by_role("button", name=f"Put back {first}", exact=True).click()
    page.get_by_text("Edit all as text, one alias a line").click()
    box = page.locator("textarea[name=ingest_aliases]")
    box.fill(f"{box.input_value()}\nby-text")
    expect(tally).to_have_text(f"+2 −0: {len(others) + 3} of 2,000 then")

    page.get_by_label("Reason", exact=False).first.fill("as agreed with them, order 4714")
    page.get_by_role("button", name="Send for approval").click()
    change = ChangeRequest.objects.get(reference=reference_of(page))

    assert "zero\\u200bwidth " in change.sealed or "zero\u200bwidth " in change.sealed
    assert "by-text" in change.sealed
    assert first in change.sealed


def test_what_was_refused_is_drawn_against_what_is_held(live: Live, maker: User) -> None:
    customer, other = customer_of(live, 6), customer_of(live, 9)
    taken = other["ingest_aliases"][0]
    page = live.page(maker)
    page.goto(f"/changes/new/customer.realias/?customer={customer['id']}")
    page.get_by_label("Add an alias").fill(taken)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#hints").get_by_role("link", name="Open it").first).to_have_attribute(
        "href", f"/customers/{other['id']}/"
    )
    page.get_by_label("Reason", exact=False).first.fill("as agreed with them, order 4715")

    page.get_by_role("button", name="Send for approval").click()

    expect(page.get_by_text(f"“{taken}” is held by").first).to_be_visible()
    expect(page.locator(".lines .tally")).to_have_text(
        f"+1 −0: {len(customer['ingest_aliases']) + 1} of 2,000 then"
    )
    expect(page.locator("textarea[name=ingest_aliases]")).to_be_visible()
