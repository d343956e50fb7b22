"""An alias moved between two customers, in a real browser."""

from __future__ import annotations

from billing.users import User
from tests.journeys.conftest import Live
from tests.journeys.test_main_job import approve, customer_of, expect_applied, expect_story, reference_of


def test_an_alias_is_moved_between_two_customers(
    live: Live, maker: User, checker: User, checker2: User, auditor: User
) -> None:
    giver, taker = customer_of(live, 6), customer_of(live, 9)
    alias = giver["ingest_aliases"][0]
    page = live.page(maker)
    page.goto(f"/customers/{giver['id']}/")
    page.get_by_role("link", name="Move ingest aliases").click()
    page.get_by_label(f"Move “{alias}”").check()
    page.get_by_label("To the customer").fill(taker["id"])
    page.get_by_label("Reason", exact=False).first.fill("sold to them, order 4713")
    page.get_by_role("button", name="Send for approval").click()
    reference = reference_of(page)

    approve(live, checker, reference)
    approve(live, checker2, reference)

    expect_applied(page)
    assert live.simulator.customer(alias=alias)["id"] == taker["id"]
    assert [each["resource_id"] for each in live.simulator.ledger()] == [giver["id"], taker["id"]]
    expect_story(live, auditor, reference, approvals=2)
