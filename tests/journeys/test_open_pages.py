"""What a page says about ages stays true while it is open, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from billing.users import User
from tests.journeys.conftest import Live


def test_ages_go_on_and_the_words_follow_them_while_a_page_is_open(live: Live, maker: User) -> None:
    page = live.page(maker)
    page.clock.install()
    page.goto("/customers/")
    freshness = page.locator(".freshness").first
    expect(freshness.locator(".status")).to_have_text("Fresh")

    page.clock.run_for(13 * 60_000)
    expect(freshness.locator(".status")).to_have_text("Ageing")
    expect(freshness.locator("[data-age]")).to_have_text(re.compile("^1[34] min$"))

    page.clock.run_for(3 * 60_000)
    expect(freshness.locator(".status")).to_have_text("Stale")
    expect(freshness.locator(".status")).to_have_attribute("data-tone", "warn")
    expect(freshness.locator("use").first).to_have_attribute("href", re.compile("#mark-stale$"))
