"""The form by which a customer is provisioned: what it takes, refuses, says and keeps."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from billing import clock
from billing.changes import sealed
from billing.changes.models import ChangeRequest
from billing.changes.refusals import BadInput
from billing.mirror.resources.delivery_method import DeliveryMethod
from billing.users import User
from tests.changes.test_provision import ADDRESS, MADE, plan, sent, typed
from tests.world import by, propose

__all__ = ["plan", "sent"]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"stripe_customer_id": ""}, "stripe_customer_id", "Stripe needs it."),
        ({"aws_region": "us-west-1"}, "aws_region", "This is for AWS Marketplace, and Stripe is chosen"),
        ({"delivery_method": "tackle"}, "delivery_method", "Tackle is for AWS Marketplace alone."),
        ({"delivery_method_id": "one"}, "delivery_method_id", "The account has no such delivery method"),
        (
            {"stripe_customer_id": "cus_\x00"},
            "stripe_customer_id",
            "It has a character that can’t be sent (U+0000): take it out.",
        ),
        ({"starting_on": "31/12/2031"}, "starting_on", "Enter a day in the form 2026-12-31."),
        ({"starting_on": ""}, "starting_on", "Say the day that the plan begins."),
        ({"ending_before": "2031-12-01"}, "ending_before", "It has to be after 2031-12-01"),
        ({"plan_id": ""}, "starting_on", "Choose a plan, or clear this."),
        ({"plan_id": "nonsense"}, "plan_id", "That is not offered, or not any more."),
        ({"trial_days": "0"}, "trial_days", "Enter at least 1."),
        ({"net_payment_terms_days": "1e3"}, "net_payment_terms_days", "Enter a whole number, in digits."),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_lost(
    change: dict[str, str], field: str, words: str, plan: Any, maker: User
) -> None:
    browser = Client()
    browser.force_login(maker)

    answer = browser.post(ADDRESS, typed(plan, **change))

    assert answer.status_code == 422
    assert words in str(answer.context["form"].errors[field])
    assert "tide-water-dk" in answer.text
    assert not ChangeRequest.objects.exists()


def test_a_customer_alone_is_another_kind(plan: Any, maker: User) -> None:
    browser = Client()
    browser.force_login(maker)
    entered = {name: typed(plan)[name] for name in ("name", "ingest_aliases", "reason")}

    answer = browser.post(ADDRESS, entered)

    assert answer.status_code == 422
    assert "is for a customer alone." in answer.text


@pytest.mark.parametrize(
    ("provider", "given", "sent"),
    [
        ("netsuite", {"netsuite_customer_id": "12345"}, {"netsuite_customer_id": "12345"}),
        (
            "aws_marketplace",
            {
                "aws_customer_id": "ABC",
                "aws_product_code": "p",
                "aws_region": "us-west-1",
                "aws_is_subscription_product": "on",
            },
            {
                "aws_customer_id": "ABC",
                "aws_product_code": "p",
                "aws_region": "us-west-1",
                "aws_is_subscription_product": True,
            },
        ),
        ("azure_marketplace", {"azure_subscription_id": "s"}, {"azure_subscription_id": "s"}),
        (
            "gcp_marketplace",
            {"gcp_entitlement_id": "e", "gcp_service_name": "n"},
            {"gcp_entitlement_id": "e", "gcp_service_name": "n"},
        ),
    ],
)
def test_each_provider_is_sent_what_it_needs(
    provider: str, given: dict[str, str], sent: dict[str, Any], plan: Any, maker: User
) -> None:
    browser = Client()
    browser.force_login(maker)
    method = "4422e46f-b374-4159-97e3-300208cdb2e2"
    DeliveryMethod.objects.create(
        id=method, billing_provider=provider, delivery_method="aws_sns", fetched_at=clock.now()
    )
    entered = typed(
        plan, billing_provider=provider, stripe_customer_id="", delivery_method_id=method, **given
    )

    answer = browser.post(ADDRESS, entered)

    assert answer.status_code == 302, answer.context["form"].errors
    (row,) = sealed.read(ChangeRequest.objects.get().sealed).call(2).http.body["data"]
    assert row == {
        "customer_id": MADE,
        "billing_provider": provider,
        "configuration": sent,
        "delivery_method_id": method,
    }


def test_the_hints_name_the_calls_that_would_be_sent(plan: Any, maker: User) -> None:
    browser = Client()
    browser.force_login(maker)

    answer = browser.post(f"{ADDRESS}hints/", typed(plan, reason=""))

    assert [call.path for call in answer.context["calls"]] == [
        "/v1/customers",
        "/v1/setCustomerBillingProviderConfigurations",
        f"/v1/customers/{MADE}/plans/add",
    ]
    assert "1 manager" in answer.text


def test_proposed_again_the_form_is_filled_in(sent: ChangeRequest, plan: Any, maker: User) -> None:
    from billing.changes.agreeing import deciding

    deciding.withdraw(sent.pk, actor=by(maker), reason="typed the wrong day")
    browser = Client()
    browser.force_login(maker)

    form = browser.get(f"{ADDRESS}?again={sent.reference}").context["form"]

    for name, value in typed(plan).items():
        if name not in ("reason", "ingest_aliases"):
            assert str(form[name].value()) == value, name


def test_a_past_day_is_a_caution_and_a_fact(plan: Any, maker: User) -> None:
    browser = Client()
    browser.force_login(maker)
    browser.post(ADDRESS, typed(plan, starting_on="2020-01-01"))

    request = sealed.read(ChangeRequest.objects.get().sealed)

    assert request.facts["backdated"] is True
    assert [warning["title"] for warning in request.warnings] == ["The plan begins in the past."]


def test_neither_provider_nor_plan_is_refused_by_the_kind_too(house: None, maker: User) -> None:
    entered = {"name": "A", "ingest_aliases": ["a"], "custom_fields": {}, "billing": None, "plan_id": ""}

    with pytest.raises(BadInput):
        propose("customer.provision", maker, entered)
