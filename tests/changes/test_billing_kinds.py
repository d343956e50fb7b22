"""A billing provider added to a customer, and archived: which contracts are billed no more."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from billing.changes import sealed
from billing.changes.applying import apply
from billing.changes.asking import survey
from billing.changes.asking.kinds import KINDS
from billing.changes.asking.kinds.billing.fields import Billing
from billing.changes.asking.survey import read_survey
from billing.changes.models import ChangeRequest, Survey
from billing.changes.refusals import BadInput
from billing.metronome.account import Gateway
from billing.mirror.refresh import refresh_account
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import about, approve, mirrored, propose

SET = "POST /v1/setCustomerBillingProviderConfigurations"
STRIPE = {"stripe_customer_id": "cus_1", "stripe_collection_method": "send_invoice"}
WORDS = "stripe, stripe_collection_method send_invoice, stripe_customer_id cus_1, direct_to_billing_provider"


@pytest.fixture
def billed(gateway: Gateway, simulator: RunningSimulator, house: None) -> dict[str, Any]:
    """A mirrored customer with one Stripe configuration, and a contract that is billed through it."""
    refresh_account(gateway, pauses=())
    customer = mirrored(gateway, simulator, position=1)
    row = {
        "customer_id": customer["id"],
        "billing_provider": "stripe",
        "delivery_method": "direct_to_billing_provider",
        "configuration": STRIPE,
    }
    simulator.change(SET, data=[row])
    (of,) = read_survey(gateway, customer["id"])["billing"]
    contract = {
        "customer_id": customer["id"],
        "name": "Platform",
        "starting_at": "2026-01-01T00:00:00Z",
        "billing_provider_configuration": {"billing_provider_configuration_id": of},
    }
    others_do(simulator, "POST /v1/contracts/create", contract)
    return customer


def others_do(simulator: RunningSimulator, route: str, body: dict[str, Any]) -> None:
    simulator.control("POST", "change", {"what": route, "body": body})


def adding(stripe_customer: str = "cus_2") -> dict[str, Any]:
    configuration = {**STRIPE, "stripe_customer_id": stripe_customer}
    return {"billing": Billing("stripe", configuration, "direct_to_billing_provider", "")}


def test_a_provider_is_added_beside_the_one_that_there_is(
    billed: dict[str, Any], maker: User, checker: User, gateway: Gateway
) -> None:
    seen = read_survey(gateway, billed["id"])
    change = approve(propose("billing.set", maker, adding(), snapshot=billed, survey=seen), checker)

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert (change.status, change.explanation) == ("applied", "")
    made = change.calls.get().result["id"]
    now = read_survey(gateway, billed["id"])["billing"]
    assert now == {**seen["billing"], made: WORDS.replace("cus_1", "cus_2")}
    assert [warning["title"] for warning in sealed.read(change.sealed).warnings] == [
        "No contract is billed through it yet.",
        "It has a billing provider already.",
    ]


def test_archiving_says_which_contracts_are_billed_no_more_and_takes_two(
    billed: dict[str, Any],
    maker: User,
    checker: User,
    checker2: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    seen = read_survey(gateway, billed["id"])
    (of,) = seen["billing"]
    change = propose("billing.archive", maker, {"configuration_ids": [of]}, snapshot=billed, survey=seen)
    request = sealed.read(change.sealed)

    assert request.sentence == (
        "Archive the billing provider Stripe (cus_1, send the invoice) of"
        f" “{billed['name']}”: 1 contract is billed no more."
    )
    assert (request.facts["detached_contracts"], request.facts["irreversible"]) == (1, True)
    assert request.blast[0] == {
        "count": 1,
        "what": "contract billed through it now",
        "detail": "Platform",
        "then": "billed no more, at once",
        "money": [],
    }
    assert [step.people for step in request.steps] == [2]
    approve(change, checker, checker2)
    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert (change.status, change.explanation) == ("applied", "")
    assert read_survey(gateway, billed["id"])["billing"] == {of: "archived"}
    assert change.calls.get().result == {"ids": [of]}


def test_what_is_billed_later_is_told_apart(billed: dict[str, Any], gateway: Gateway) -> None:
    seen = read_survey(gateway, billed["id"])
    (of,) = seen["billing"]
    seen["contracts"] = [
        {"id": "1", "name": "Now", "billed_through": [{"id": of, "since": None}]},
        {"id": "2", "name": "Later", "billed_through": [{"id": of, "since": "2031-01-01"}]},
        {"id": "3", "name": "Other", "billed_through": [{"id": "other", "since": None}]},
        {"id": "4", "name": "None", "billed_through": []},
    ]
    seen["invoices"] = [{"status": "DRAFT", "contract_id": each} for each in ("1", "1", "2", "3")]

    proposal = KINDS["billing.archive"].build({"configuration_ids": [of]}, about(billed, seen))

    assert [(row["count"], row["what"], row["detail"]) for row in proposal.blast] == [
        (1, "contract billed through it now", "Now"),
        (1, "contract to be billed through it later", "Later"),
        (2, "draft invoices of these", ""),
    ]
    assert [warning.tone for warning in proposal.warnings] == ["bad", "bad", "warn"]


def test_a_configuration_that_somebody_adds_or_archives_meanwhile_makes_it_stale(
    billed: dict[str, Any], maker: User, checker: User, gateway: Gateway, simulator: RunningSimulator
) -> None:
    seen = read_survey(gateway, billed["id"])
    (of,) = seen["billing"]
    change = approve(propose("billing.set", maker, adding(), snapshot=billed, survey=seen), checker)
    body = {"customer_id": billed["id"], "customer_billing_provider_configuration_ids": [of]}
    others_do(simulator, "POST /v1/archiveCustomerBillingProviderConfigurations", body)

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert (change.status, change.explanation) == (
        "stale",
        f"The billing provider configurations changed in Metronome: was “{WORDS}”, now it is “archived”.",
    )


def test_the_forms_wait_for_what_is_read_live(billed: dict[str, Any], maker: User, gateway: Gateway) -> None:
    browser = Client()
    browser.force_login(maker)
    for kind, typed in (
        ("billing.set", {"billing_provider": "netsuite", "netsuite_customer_id": "12"}),
        ("billing.archive", {}),
    ):
        address = f"/changes/new/{kind}/?customer={billed['id']}"
        Survey.objects.all().delete()
        assert "How this customer is billed is read." in browser.get(address).text
        early = browser.post(address, {"reason": "ordered", **typed})
        assert (early.status_code, ChangeRequest.objects.exists()) == (422, False)
        survey.answer(Survey.objects.get().uuid, gateway)
        page = browser.get(address)
        assert "cus_1" in page.text
        assert "Platform" in page.text
    (of,) = read_survey(gateway, billed["id"])["billing"]
    none = browser.post(address, {"reason": "ordered"})
    assert "Choose at least one configuration." in none.text
    sent = browser.post(address, {"configuration_ids": [of], "reason": "ordered"})
    assert sent.status_code == 302


def test_without_what_was_read_or_of_one_that_is_archived_nothing_is_built(
    billed: dict[str, Any], gateway: Gateway
) -> None:
    seen = read_survey(gateway, billed["id"])
    (of,) = seen["billing"]
    for kind, entered in (("billing.set", adding()), ("billing.archive", {"configuration_ids": [of]})):
        with pytest.raises(BadInput, match="has not been read yet"):
            KINDS[kind].build(entered, about(billed))
    with pytest.raises(BadInput, match="One of these is archived"):
        KINDS["billing.archive"].build(
            {"configuration_ids": [of]}, about(billed, {**seen, "billing": {of: "archived"}})
        )
