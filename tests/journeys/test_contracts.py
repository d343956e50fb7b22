"""Contracts in a real browser: given with a customer while Metronome fails, renamed, ended."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import Page, expect

from billing.metronome.objects.contract import ContractRecord, contract_at, contracts_of
from billing.metronome.objects.customer import customers
from billing.metronome.objects.invoice import invoices
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.rate_card import rate_cards
from billing.users import User
from tests.journeys.conftest import Live
from tests.journeys.test_main_job import approve, expect_applied, expect_story, reference_of
from tests.journeys.test_provisioning import CREATE, SET_BILLING, effects, sweep_until
from tests.metronome.conftest import gateway_to

CREATE_CONTRACT, EDIT_CONTRACT = "POST /v1/contracts/create", "POST /v2/contracts/edit"


def test_a_customer_gets_a_contract_while_metronome_fails_at_each_call_in_turn(
    live: Live, maker: User, checker: User, administrator: User, auditor: User
) -> None:
    with gateway_to(live.simulator.url) as gateway:
        refresh_account(gateway, pauses=())
    card = rate_cards()[0]
    page = live.page(maker)
    page.goto("/changes/new/customer.provision/")
    page.get_by_label("Name", exact=True).fill("Tide Water Robotics ApS")
    page.get_by_label("Ingest aliases").fill("tide-water")
    page.locator("[name=billing_provider]").select_option("stripe")
    page.get_by_label("Stripe customer").fill("cus_R2tW81nQ")
    page.locator("[name=contract_source]").select_option(f"rate_card:{card.pk}")
    page.locator("[name=contract_starting_at]").fill("2031-12-01")
    page.locator("[name=contract_name]").fill("Order 1207")
    page.get_by_label("Reason", exact=False).first.fill("signed order OF-1207")
    page.get_by_role("button", name="Send for approval").click()
    reference = reference_of(page)
    expect(page.locator("article.call").nth(2)).to_contain_text("‹id from call 2›")
    live.simulator.fault(CREATE, "drop_after")
    live.simulator.fault(SET_BILLING, "status_before", status=500)
    live.simulator.fault(CREATE_CONTRACT, "status_before", status=400, message="The card is being edited")

    approve(live, checker, reference)
    sweep_until(page, "Call 3 was refused by Metronome: The card is being edited")
    settle = live.page(administrator)
    settle.goto(f"/changes/{reference}/")
    settle.get_by_label("Go on with the remaining calls").check()
    settle.get_by_label("Reason", exact=False).first.fill("the card is published again")
    settle.get_by_role("button", name=f"Settle {reference}").click()

    expect_applied(page)
    assert effects(live) == [CREATE, SET_BILLING, CREATE_CONTRACT]
    made = live.simulator.customer(alias="tide-water")["id"]
    with gateway_to(live.simulator.url) as gateway:
        (contract,) = gateway.every(contracts_of(made))
    assert (contract.name, contract.raw["rate_card_id"]) == ("Order 1207", str(card.pk))
    expect_story(live, auditor, reference, approvals=1)


def billed_contract(live: Live) -> ContractRecord:
    """An open contract of the simulator's, without an end, of which an invoice is finalized."""
    with gateway_to(live.simulator.url) as gateway:
        for customer in gateway.page(customers(archived=False)).items:
            finalized = [each for each in gateway.every(invoices(customer.id)) if each.is_finalized]
            billed = {each.contract_id for each in finalized if each.end_timestamp}
            for contract in gateway.every(contracts_of(customer.id)):
                if contract.id in billed and not (contract.archived_at or contract.ending_before):
                    return contract
    raise AssertionError("the simulator has no contract that was billed")


def propose(page: Page, kind: str, contract: ContractRecord) -> None:
    """Open a form about a contract, wait until its contracts have been read, and choose it."""
    page.goto(f"/changes/new/{kind}/?customer={contract.customer_id}")
    expect(page.get_by_role("heading", name="Open contracts")).to_be_visible(timeout=30_000)
    page.locator(f"[name=contract_id][value='{contract.id}']").check()
    page.get_by_label("Reason", exact=False).first.fill("as agreed with the customer")


def test_a_contract_is_renamed_and_ended_before_a_finalized_invoice_only_where_it_is_said(
    live: Live, maker: User, checker: User
) -> None:
    contract = billed_contract(live)
    page = live.page(maker)
    propose(page, "contract.rename", contract)
    page.get_by_label("New name").fill("Order 1208")
    page.get_by_role("button", name="Send for approval").click()
    live.simulator.fault(EDIT_CONTRACT, "drop_after")
    approve(live, checker, reference_of(page))
    expect(page.locator("#status")).to_have_text(re.compile("Outcome unknown|Applied"), timeout=30_000)
    sweep_until(page, "Applied")

    propose(page, "contract.end", contract)
    day = (contract.starting_at + timedelta(days=1)).date().isoformat()
    page.get_by_label("Up to, not including").fill(day)
    page.get_by_role("button", name="Send for approval").click()
    expect(
        page.get_by_text(re.compile("finalized invoices? reach(es)? beyond this day")).first
    ).to_be_visible()
    page.get_by_label("It may end before invoices that are finalized already").check()
    page.get_by_role("button", name="Send for approval").click()
    reference = reference_of(page)
    expect(page.get_by_text("Finalized invoices that reach beyond the end")).to_be_visible()
    approve(live, checker, reference)
    expect_applied(page)

    with gateway_to(live.simulator.url) as gateway:
        now = gateway.one(contract_at(contract.customer_id, contract.id))
    assert now.name == "Order 1208"
    assert now.ending_before is not None
    assert effects(live)[-2:] == [EDIT_CONTRACT, EDIT_CONTRACT]
