"""What was done is given back by a proposal of its own, offered where it was done; and how it reads then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from billing.changes.agreeing import deciding, resolving
from billing.changes.applying import apply
from billing.changes.asking.kinds.customer.create import PREFIX
from billing.changes.asking.survey import read_survey
from billing.changes.models import ChangeRequest, Word
from billing.changes.refusals import WrongState
from billing.metronome.account import Gateway
from billing.metronome.objects.customer import customers
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.customer import queries as mirror
from billing.users import User
from tests.changes.test_apply import settle_until_known
from tests.faults.answers import somebody_else
from tests.pages.conftest import squeezed
from tests.simulator_server import RunningSimulator
from tests.world import approve, by, mirrored, propose

SignIn = Callable[[User], Client]
ENTERED = {"custom_fields": {"segment": "enterprise", "cost_center": "CC-7"}}
ARCHIVING = {"clear_aliases": True, "open_business_reason": "moved"}


@pytest.fixture
def customer(gateway: Gateway, simulator: RunningSimulator) -> dict[str, Any]:
    """A mirrored customer with an erp_id, a segment and an owner, and the keys that there are."""
    refresh_account(gateway, pauses=())
    listed = gateway.page(customers(archived=False)).items
    keys = {"erp_id", "segment", "owner"}
    position = next(at for at, each in enumerate(listed) if each.custom_fields.keys() == keys)
    return mirrored(gateway, simulator, position=position)


@pytest.fixture
def applied(customer: dict[str, Any], maker: User, checker: User, gateway: Gateway) -> ChangeRequest:
    change = approve(propose("customer.set_fields", maker, ENTERED, snapshot=customer), checker)
    apply.apply_change(change.pk, gateway)
    change.refresh_from_db()
    assert change.status == "applied"
    return change


def test_an_applied_request_offers_its_way_back_filled_in_to_who_may_propose(
    applied: ChangeRequest,
    customer: dict[str, Any],
    maker: User,
    administrator: User,
    auditor: User,
    as_person: SignIn,
) -> None:
    here = f"/changes/{applied.reference}/"
    link = f"/changes/new/customer.set_fields/?undo={applied.reference}&amp;customer={customer['id']}"
    for person in (administrator, auditor):
        assert "Propose the way back" not in as_person(person).get(here).text
    browser = as_person(maker)
    page = browser.get(here).text
    assert link in page
    assert "Propose again" not in page

    form = browser.get(link.replace("&amp;", "&"))

    initial = form.context["form"].initial
    former = customer["custom_fields"]["segment"]
    assert former != ENTERED["custom_fields"]["segment"]
    assert initial[f"{PREFIX}segment"] == former
    assert f'undoes <a href="/changes/{applied.reference}/">' in squeezed(form.text)
    back = propose(
        "customer.set_fields",
        maker,
        {"custom_fields": {"segment": former}},
        snapshot=mirror.snapshot(customer["id"]),
        replaces=applied,
    )
    assert back.replaces == applied
    page = squeezed(browser.get(f"/changes/{back.reference}/").text)
    assert f'undoes <a href="/changes/{applied.reference}/">{applied.reference}</a>' in page


def test_a_closed_request_is_undone_or_proposed_again_and_the_page_says_which(
    customer: dict[str, Any],
    maker: User,
    checker: User,
    administrator: User,
    gateway: Gateway,
    simulator: RunningSimulator,
    as_person: SignIn,
) -> None:
    values = {"custom_fields": {"segment": "key account"}}
    old = approve(propose("customer.set_fields", maker, values, snapshot=customer), checker)
    simulator.fault("writes", "drop_after")
    apply.apply_change(old.pk, gateway)
    somebody_else(old, "undone", simulator)
    settle_until_known(old, gateway)
    resolving.resolve(old.pk, actor=by(administrator), verdict=Word.LEAVE_IT, reason="sales does it anew")
    old.refresh_from_db()
    assert old.status == "closed"
    former, browser = {"custom_fields": {"segment": customer["custom_fields"]["segment"]}}, as_person(maker)
    link = f'<a href="/changes/{old.reference}/">{old.reference}</a>'
    now = {**customer, "custom_fields": {**customer["custom_fields"], **values["custom_fields"]}}

    for entered, stands, words in (
        (values, customer, f"proposes {link} again"),
        (former, now, f"undoes {link}"),
    ):
        after = propose("customer.set_fields", maker, entered, snapshot=stands, replaces=old)
        page = squeezed(browser.get(f"/changes/{after.reference}/").text)
        assert words in page
        deciding.withdraw(after.pk, actor=by(maker), reason="seen")


def test_what_is_applied_is_undone_by_its_own_way_back_alone(
    applied: ChangeRequest, customer: dict[str, Any], maker: User, as_person: SignIn
) -> None:
    browser, of = as_person(maker), f"customer={customer['id']}"

    for address in (
        f"/changes/new/customer.set_fields/?again={applied.reference}&{of}",
        f"/changes/new/customer.rename/?undo={applied.reference}&{of}",
        f"/changes/new/customer.set_fields/?undo=CR-999999&{of}",
    ):
        assert browser.get(address).status_code == 404
    with pytest.raises(WrongState, match="took effect, so it can't be proposed again"):
        propose("customer.rename", maker, {"name": "Other"}, snapshot=customer, replaces=applied)


def test_of_what_cannot_be_undone_nothing_is_offered_and_its_consequences_are_told_as_foretold(
    snapshot: dict[str, Any],
    gateway: Gateway,
    maker: User,
    checker: User,
    checker2: User,
    as_person: SignIn,
) -> None:
    survey = read_survey(gateway, snapshot["id"])
    change = propose("customer.archive", maker, ARCHIVING, snapshot=snapshot, survey=survey)
    browser, here = as_person(maker), f"/changes/{change.reference}/"
    headings = [('id="warnings"> Warnings <', 'id="warnings"> Warned of before <')]
    headings += [('id="blast"> What else this does <', 'id="blast"> What was to happen besides <')]
    page = squeezed(browser.get(here).text)
    assert [(now in page, then in page) for now, then in headings] == [(True, False)] * 2

    approve(change, checker, checker2)
    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert change.status == "applied"
    page = squeezed(browser.get(here).text)
    assert [(now in page, then in page) for now, then in headings] == [(False, True)] * 2
    assert "Propose the way back" not in page


@pytest.mark.parametrize(
    ("address", "says", "advice"),
    [
        ("customer.rename/", "Choose a customer first.", "open the customer’s page and choose it there."),
        (
            "customer.set_fields/?again={reference}&customer={customer}",
            "That request can’t be proposed again.",
            "its own page offers what can be proposed after it",
        ),
    ],
)
def test_a_form_that_is_not_there_says_what_to_do_and_blames_no_address(
    applied: ChangeRequest, maker: User, as_person: SignIn, address: str, says: str, advice: str
) -> None:
    at = address.format(reference=applied.reference, customer=applied.customer_id)

    answer = as_person(maker).get(f"/changes/new/{at}")

    assert answer.status_code == 404
    page = squeezed(answer.text)
    assert says in page
    assert advice in page
    assert "may be mistyped" not in page
    assert "may be mistyped" in as_person(maker).get("/changes/new/no.such/").text
