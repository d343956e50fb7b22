"""What a page says about ages stays true while it is open, in a real browser."""

from __future__ import annotations

import re
import time

from playwright.sync_api import expect
from redis import Redis

from billing.audit.actors import person
from billing.control import alive, freezing
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


def test_an_open_system_page_shows_what_moves_and_leaves_the_rest_alone(
    live: Live, administrator: User, redis: Redis
) -> None:
    page = live.page(administrator)
    page.goto("/system/")
    beat = page.locator("#signs tbody tr").filter(has_text="beat")
    expect(beat).to_contain_text("Never seen")
    redis.set(f"{alive.KEY}beat", time.time())
    expect(beat).to_contain_text("Running", timeout=30_000)
    page.locator("#to-requests").focus()

    freezing.freeze(person(administrator), "Month-end close")

    expect(page.locator("#moving")).to_contain_text("Nobody: applying is frozen", timeout=30_000)
    expect(page.locator("#to-requests")).to_be_focused()
    assert page.locator("#live").count() == 1
    assert page.locator("#moving").count() == 1
