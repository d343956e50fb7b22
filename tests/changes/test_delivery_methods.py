"""The account's delivery methods: mirrored, chosen from, and warned of where one is not set up."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from billing.changes.asking.kinds.billing.fields import Billing, BillingFields, delivery_cautions
from billing.metronome.account import Gateway
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.billing_configuration import BillingConfiguration, billed_through
from billing.mirror.resources.customer.models import Customer
from billing.mirror.resources.delivery_method import DeliveryMethod
from tests.pages.conftest import add_customer, now
from tests.simulator_server import RunningSimulator

DIRECT = "direct_to_billing_provider"
STRIPE = {
    "billing_provider": "stripe",
    "delivery_method": DIRECT,
    "stripe_customer_id": "cus_1",
    "stripe_collection_method": "send_invoice",
}


def add(provider: str, method: str = DIRECT, **configuration: str) -> str:
    raw = {"delivery_method_configuration": configuration}
    made = DeliveryMethod.objects.create(
        id=uuid4(), billing_provider=provider, delivery_method=method, raw=raw, fetched_at=now()
    )
    return str(made.pk)


def form(**more: Any) -> BillingFields:
    return BillingFields({**STRIPE, **more})


@pytest.mark.django_db(transaction=True)
def test_they_are_mirrored_with_the_account_and_missed_when_they_go(
    gateway: Gateway, simulator: RunningSimulator, house: None
) -> None:
    body = {
        "billing_provider": "aws_marketplace",
        "delivery_method": "aws_sqs",
        "configuration": {"aws_external_id": "x-1"},
    }
    simulator.control("POST", "change", {"what": "POST /v1/setUpBillingProvider", "body": body})

    first = refresh_account(gateway, pauses=())
    again = refresh_account(gateway, pauses=())

    rows = DeliveryMethod.objects.order_by("billing_provider")
    assert [(row.billing_provider, row.delivery_method, row.told_by) for row in rows] == [
        ("aws_marketplace", "aws_sqs", "x-1"),
        ("netsuite", DIRECT, ""),
        ("stripe", DIRECT, ""),
    ]
    listed = simulator.control("GET", "snapshot")["main"]["billing_providers"]
    assert {str(row.pk) for row in rows} == {each["delivery_method_id"] for each in listed}
    assert (first.status, again.status, again.rows_written) == ("succeeded", "succeeded", 0)


@pytest.mark.django_db
def test_one_of_the_accounts_own_is_chosen_provider_by_provider() -> None:
    ours = add("stripe", stripe_account_id="acct_1")
    other = add("netsuite")

    filled = form(delivery_method_id=ours)

    assert filled.is_valid()
    assert filled.cleaned_data["billing"].delivery_method_id == ours
    assert filled.cleaned_data["billing"].delivery_method == ""
    assert filled.fields["delivery_method_id"].choices == [
        ("", "The one that it has of this sort"),
        (
            "NetSuite",
            [
                (
                    other,
                    "Direct to the billing provider",
                )
            ],
        ),
        ("Stripe", [(ours, "Direct to the billing provider (acct_1)")]),
    ]


@pytest.mark.django_db
def test_of_several_alike_one_has_to_be_said() -> None:
    add("stripe", stripe_account_id="acct_1")
    second = add("stripe", stripe_account_id="acct_2")

    assert form().errors == {
        "delivery_method_id": ["The account has 2 of this sort for Stripe: say which one."]
    }
    assert form(delivery_method_id=second).is_valid()


@pytest.mark.django_db
def test_several_that_nothing_tells_apart_show_their_ids() -> None:
    ids = sorted(add("stripe") for _number in range(2))

    ((provider, shown),) = form().fields["delivery_method_id"].choices[1:]

    assert provider == "Stripe"
    assert shown == [(each, f"Direct to the billing provider ({each})") for each in ids]


@pytest.mark.django_db
def test_one_of_another_provider_or_of_nobody_is_refused_in_words() -> None:
    other = add("netsuite")

    assert form(delivery_method_id=other).errors == {
        "delivery_method_id": ["This one is for NetSuite, and Stripe is chosen."]
    }
    assert form(delivery_method_id=str(UUID(int=9))).errors == {
        "delivery_method_id": ["The account has no such delivery method any more. Choose again."]
    }


@pytest.mark.django_db
def test_before_any_is_mirrored_an_id_is_typed() -> None:
    assert form(delivery_method_id=str(UUID(int=9))).is_valid()
    assert "An id has the form" in str(form(delivery_method_id="nine").errors["delivery_method_id"])


@pytest.mark.django_db
def test_what_is_not_set_up_is_warned_of_and_what_is_set_up_is_not() -> None:
    needs = {"aws_customer_id": "1", "aws_product_code": "2", "aws_region": "us-west-1"}
    direct, by_sqs = (Billing("aws_marketplace", needs, method, "") for method in (DIRECT, "aws_sqs"))
    before = [each.title for each in delivery_cautions(direct)]
    ours = add("aws_marketplace", "aws_sqs")

    assert before == ["AWS Marketplace, delivered directly."]
    assert [each.title for each in delivery_cautions(direct)] == [
        "The account has no such way to AWS Marketplace."
    ]
    assert delivery_cautions(by_sqs) == []
    assert delivery_cautions(Billing("aws_marketplace", needs, "", ours)) == []


@pytest.mark.django_db
def test_a_configuration_says_to_whose_account_it_goes() -> None:
    customer: Customer = add_customer("Halcyon")
    of = uuid4()
    raw = {
        "id": str(of),
        "customer_id": str(customer.pk),
        "billing_provider": "stripe",
        "delivery_method": DIRECT,
        "delivery_method_id": str(uuid4()),
        "delivery_method_configuration": {"stripe_account_id": "acct_7"},
        "configuration": {"stripe_customer_id": "cus_1"},
    }
    BillingConfiguration.objects.create(
        id=of, customer=customer, billing_provider="stripe", delivery_method=DIRECT, raw=raw, fetched_at=now()
    )

    assert billed_through(customer.pk) == [f"stripe, stripe_customer_id cus_1, {DIRECT} (acct_7)"]
