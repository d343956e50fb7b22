"""A customer provisioned while Metronome fails at each call in turn, and a new thing named by a person."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from billing import tasks
from billing.changes.models import ChangeRequest
from billing.mirror.resources import plan as plans
from billing.users import User
from tests.faults.answers import forget
from tests.journeys.conftest import Live
from tests.journeys.test_main_job import approve, customer_of, expect_applied, expect_story, reference_of

CREATE = "POST /v1/customers"
SET_BILLING = "POST /v1/setCustomerBillingProviderConfigurations"
ADD_PLAN = "POST /v1/customers/{customer_id}/plans/add"


def sweep_until(page: Page, words: str) -> None:
    """What beat asks for, until the request's page reads so somewhere; it follows by itself."""
    seen = page.locator("main").get_by_text(re.compile(words)).locator("visible=true").first
    for second in range(90):
        if second % 5 == 0:  # more often, and the worker would only be busy with being asked
            for asked in (tasks.sweep_changes, tasks.look_into_doubts, tasks.apply_approved):
                asked.apply_async()
        page.wait_for_timeout(1_000)
        if seen.count():
            return
    expect(seen).to_be_visible()


def effects(live: Live) -> list[str]:
    return [each["route"] for each in live.simulator.ledger() if each["user_agent"].startswith("counter")]


def test_a_customer_is_provisioned_while_metronome_fails_at_each_call_in_turn(
    live: Live, maker: User, checker: User, administrator: User, auditor: User
) -> None:
    plan = plans.plans_on_offer()[0]
    page = live.page(maker)
    page.goto("/customers/")
    page.get_by_role("link", name="Provision a customer").click()
    expect(page.get_by_label("AWS region")).to_be_hidden()
    page.get_by_label("Name", exact=True).fill("Tide Water Robotics ApS")
    page.get_by_label("Ingest aliases").fill("tide-water")
    page.locator("[name=billing_provider]").select_option("stripe")
    page.get_by_label("Stripe customer").fill("cus_R2tW81nQ")
    page.locator("[name=plan_id]").select_option(str(plan.id))
    page.locator("[name=starting_on]").fill("2031-12-01")
    page.get_by_label("Reason", exact=False).first.fill("signed order OF-1207")
    expect(page.locator("#hints")).to_contain_text("‹id from call 1›")
    page.get_by_role("button", name="Send for approval").click()
    reference = reference_of(page)
    expect(page.locator("article.call").nth(2)).to_contain_text("‹id from call 1›")
    live.simulator.fault(CREATE, "drop_after")
    live.simulator.fault(SET_BILLING, "status_before", status=500)
    live.simulator.fault(ADD_PLAN, "status_before", status=400, message="The plan is being edited")

    approve(live, checker, reference)
    sweep_until(page, "Call 3 was refused by Metronome: The plan is being edited")

    assert effects(live) == [CREATE, SET_BILLING]
    settle = live.page(administrator)
    settle.goto(f"/changes/{reference}/")
    settle.get_by_label("Go on with the remaining calls").check()
    settle.get_by_label("Reason", exact=False).first.fill("the plan is published again")
    settle.get_by_role("button", name=f"Settle {reference}").click()
    expect_applied(page)
    made = live.simulator.customer(alias="tide-water")
    assert effects(live) == [CREATE, SET_BILLING, ADD_PLAN]
    expect(page.locator("#links").get_by_role("link", name="The customer’s page")).to_be_visible()
    page.goto(f"/customers/{made['id']}/")
    expect(page.get_by_role("row", name=re.compile(f"^{plan.name}"))).to_contain_text("2031")
    expect_story(live, auditor, reference, approvals=1)


def _doubtful(live: Live, maker: User, checker: User, name: str) -> tuple[Page, str]:
    """A creation that took effect, of which nothing tells that it is ours; the maker's page of it."""
    page = live.page(maker)
    page.goto("/changes/new/customer.create/")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Ingest aliases").fill(name.lower())
    page.get_by_label("Reason", exact=False).first.fill("signed on Tuesday")
    page.get_by_role("button", name="Send for approval").click()
    reference = reference_of(page)
    live.simulator.fault(CREATE, "drop_after")
    approve(live, checker, reference)
    expect(page.locator("#status")).to_have_text(re.compile("Outcome unknown"), timeout=30_000)
    forget(live.simulator, "audit_log", "answers")
    sweep_until(page, "nothing shows that we made it")
    return page, reference


def _name(live: Live, administrator: User, reference: str, made_id: str) -> Page:
    """An administrator says that it took effect, and what it made."""
    settle = live.page(administrator)
    settle.goto(f"/changes/{reference}/")
    settle.get_by_role("radio", name="It took effect").check()
    settle.get_by_label("Id of the customer that it made").fill(made_id)
    settle.get_by_label("Reason", exact=False).first.fill("I see it in Metronome’s own app")
    settle.get_by_role("button", name=f"Settle {reference}").click()
    settle.wait_for_load_state()
    return settle


def test_a_persons_it_took_effect_is_borne_out_or_not(
    live: Live, maker: User, checker: User, administrator: User
) -> None:
    page, reference = _doubtful(live, maker, checker, "Rightly")
    made = live.simulator.customer(alias="rightly")["id"]
    _name(live, administrator, reference, made).context.close()
    sweep_until(page, "is as asked for")
    expect_applied(page)
    assert str(ChangeRequest.objects.get(reference=reference).about_customer) == made

    page, reference = _doubtful(live, maker, checker, "Wrongly")
    older = customer_of(live, 5)["id"]
    settle = _name(live, administrator, reference, older)
    sweep_until(settle, "is not what this call made: it was there before")
    settle.reload()
    expect(settle.get_by_role("radio", name="Leave it so")).to_be_visible()
    expect(settle.get_by_role("radio", name="Undo what was applied")).to_be_visible()
    assert settle.get_by_role("radio", name="It took effect").count() == 0
    assert settle.get_by_role("radio", name="Try again").count() == 0
    assert ChangeRequest.objects.get(reference=reference).calls.get().result is None
    assert effects(live) == [CREATE, CREATE]
