"""Billing providers of the account and of its customers, driven by the official SDK in strict mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from metronome import APIStatusError, Metronome

from simulator.running import RunningSimulator

NOBODY = "00000000-0000-4000-8000-000000000000"
AWS = {"aws_customer_id": "c-1", "aws_product_code": "p-1", "aws_region": "eu-west-1"}


@pytest.fixture
def customer_id(sdk: Metronome) -> str:
    return sdk.v1.customers.create(name="Billed AB", ingest_aliases=["billed"]).data.id


@pytest.fixture
def queue_id(sdk: Metronome) -> str:
    """A way to deliver to AWS."""
    return sdk.v1.settings.billing_providers.create(
        billing_provider="aws_marketplace",
        delivery_method="aws_sqs",
        configuration={"aws_external_id": "x-1", "api_key": "very secret"},
    ).data.delivery_method_id


def refusal(status: int, call: Callable[..., Any], *words: Any, **given: Any) -> str:
    """Call; the message of the refusal that comes."""
    with pytest.raises(APIStatusError) as caught:
        call(*words, **given)
    assert caught.value.status_code == status
    return caught.value.body["message"]


def aws(customer_id: str, **more: Any) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "billing_provider": "aws_marketplace",
        "delivery_method": "aws_sqs",
        "configuration": AWS,
        **more,
    }


def test_a_new_account_has_no_provider_and_lists_one_without_its_secrets_once_it_is_set_up(
    sdk: Metronome,
) -> None:
    providers = sdk.v1.settings.billing_providers
    known = providers.list().data

    made = providers.create(
        billing_provider="gcp_marketplace",
        delivery_method="direct_to_billing_provider",
        configuration={"gcp_provider_id": "g-1", "private_key": "very secret"},
    ).data.delivery_method_id

    page = providers.list()
    (row,) = [each for each in page.data if each not in known]
    assert row.to_dict() == {
        "billing_provider": "gcp_marketplace",
        "delivery_method": "direct_to_billing_provider",
        "delivery_method_id": made,
        "delivery_method_configuration": {"gcp_provider_id": "g-1"},
    }
    assert page.next_page is None


def test_the_very_same_provider_is_not_set_up_twice(sdk: Metronome, queue_id: str) -> None:
    providers = sdk.v1.settings.billing_providers
    same = {"aws_external_id": "x-1", "api_key": "very secret"}

    message = refusal(
        409,
        providers.create,
        billing_provider="aws_marketplace",
        delivery_method="aws_sqs",
        configuration=same,
    )

    assert message == "This billing provider is already set up"
    assert refusal(400, providers.list, next_page="nonsense") == "Invalid next_page token"
    assert refusal(
        400, providers.create, billing_provider="stripe", delivery_method="aws_sqs", configuration={}
    ).startswith("billing_provider must be one of ")


def test_a_configuration_is_set_read_and_archived(sdk: Metronome, customer_id: str, queue_id: str) -> None:
    customers = sdk.v1.customers

    (made,) = customers.set_billing_configurations(data=[aws(customer_id)]).data

    assert made.to_dict() == {
        "id": made.id,
        "customer_id": customer_id,
        "billing_provider": "aws_marketplace",
        "configuration": AWS,
        "delivery_method_id": queue_id,
    }
    (read,) = customers.retrieve_billing_configurations(customer_id=customer_id).data
    assert (read.id, read.delivery_method, read.archived_at) == (made.id, "aws_sqs", None)
    gone = customers.archive_billing_configurations(
        customer_id=customer_id, customer_billing_provider_configuration_ids=[made.id]
    ).data
    assert gone.customer_billing_provider_configuration_ids == [made.id]
    assert customers.retrieve_billing_configurations(customer_id=customer_id).data == []
    (kept,) = customers.retrieve_billing_configurations(customer_id=customer_id, include_archived=True).data
    assert kept.archived_at is not None


def test_no_configuration_of_a_request_is_set_when_one_of_them_is_wrong(
    sdk: Metronome, customer_id: str, queue_id: str
) -> None:
    customers = sdk.v1.customers

    def refused(status: int, **wrong: Any) -> str:
        rows = [aws(customer_id), {**aws(customer_id), **wrong}]
        return refusal(status, customers.set_billing_configurations, data=rows)

    assert refused(500, customer_id=NOBODY) == "Unexpected internal error"
    assert refused(400, customer_id="nonsense") == "customer_id must be a valid UUID"
    assert refused(400, configuration={}) == "configuration.aws_customer_id is required for aws_marketplace"
    assert refused(400, billing_provider="stripe") == "No delivery method of stripe matches"
    assert refused(400, delivery_method_id=NOBODY) == "No delivery method of aws_marketplace matches"
    assert refused(400, tax_provider="anrok") == "tax_provider is only supported for stripe"
    assert customers.retrieve_billing_configurations(customer_id=customer_id).data == []


def test_two_delivery_methods_of_one_provider_must_be_told_apart_by_id(
    sdk: Metronome, customer_id: str, queue_id: str
) -> None:
    second = sdk.v1.settings.billing_providers.create(
        billing_provider="aws_marketplace",
        delivery_method="aws_sqs",
        configuration={"aws_external_id": "x-2"},
    ).data.delivery_method_id
    customers = sdk.v1.customers

    message = refusal(400, customers.set_billing_configurations, data=[aws(customer_id)])
    (made,) = customers.set_billing_configurations(data=[aws(customer_id, delivery_method_id=second)]).data

    assert message == "aws_marketplace has several delivery methods: delivery_method_id is required"
    assert made.delivery_method_id == second


def test_an_unknown_customer_has_no_configurations_and_a_malformed_one_is_refused(sdk: Metronome) -> None:
    read = sdk.v1.customers.retrieve_billing_configurations

    assert read(customer_id=NOBODY).data == []
    assert refusal(400, read, customer_id="nonsense") == "customer_id must be a valid UUID"


def test_configurations_are_archived_all_together_or_not_at_all(
    sdk: Metronome, customer_id: str, queue_id: str
) -> None:
    customers = sdk.v1.customers
    (made,) = customers.set_billing_configurations(data=[aws(customer_id)]).data

    message = refusal(
        400,
        customers.archive_billing_configurations,
        customer_id=customer_id,
        customer_billing_provider_configuration_ids=[made.id, NOBODY],
    )

    assert message == "The specified billing provider configuration was not found"
    assert [row.id for row in customers.retrieve_billing_configurations(customer_id=customer_id).data] == [
        made.id
    ]


def test_avalara_credentials_are_taken_and_never_kept(
    sdk: Metronome, simulator: RunningSimulator, queue_id: str
) -> None:
    upsert = sdk.v1.settings.upsert_avalara_credentials
    given: dict[str, Any] = {
        "avalara_environment": "SANDBOX",
        "avalara_username": "ava",
        "avalara_password": "a very secret password",
    }

    upsert(delivery_method_ids=[queue_id], commit_transactions=True, **given)

    assert simulator.ledger()[-1]["after"] == {"delivery_method_ids": [queue_id]}
    assert "a very secret password" not in str(simulator.control("GET", "snapshot"))
    assert refusal(400, upsert, delivery_method_ids=[NOBODY], **given) == (
        "delivery_method_ids holds an unknown id"
    )


def test_a_token_of_another_tax_provider_is_taken_and_never_kept(
    sdk: Metronome, simulator: RunningSimulator, queue_id: str
) -> None:
    def upsert(queue: str) -> Any:
        body = {"delivery_method_ids": [queue], "anrok_api_token": "a very secret token"}
        return sdk.post("/v1/upsertAnrokApiToken", cast_to=object, body=body)

    assert upsert(queue_id) == {"data": {"success": True}}
    assert simulator.ledger()[-1]["action"] == "upsert_anrok_api_token"
    assert "a very secret token" not in str(simulator.control("GET", "snapshot"))
    assert refusal(400, upsert, NOBODY) == "delivery_method_ids holds an unknown id"


def test_a_plans_billing_config_is_created_replaced_read_and_deleted(
    sdk: Metronome, customer_id: str
) -> None:
    legacy, own = sdk.v1.customers.billing_config, {"customer_id": customer_id}

    assert legacy.create(billing_provider_type="stripe", billing_provider_customer_id="cus_1", **own) is None
    legacy.create(
        billing_provider_type="stripe",
        billing_provider_customer_id="cus_2",
        stripe_collection_method="send_invoice",
        **own,
    )

    assert legacy.retrieve(billing_provider_type="stripe", **own).data.to_dict() == {
        "billing_provider_customer_id": "cus_2",
        "stripe_collection_method": "send_invoice",
    }
    assert legacy.delete(billing_provider_type="stripe", **own) is None
    gone = "The specified billing configuration was not found"
    assert refusal(404, legacy.retrieve, billing_provider_type="stripe", **own) == gone
    assert refusal(404, legacy.delete, billing_provider_type="stripe", **own) == gone


def test_a_plans_billing_config_of_a_marketplace_has_its_own_rules(sdk: Metronome, customer_id: str) -> None:
    legacy, own = sdk.v1.customers.billing_config, {"customer_id": customer_id}
    amazon = {"billing_provider_type": "aws_marketplace", "billing_provider_customer_id": "a-1", **own}

    assert refusal(400, legacy.create, **amazon) == (
        "aws_product_code and aws_region are required for aws_marketplace"
    )
    legacy.create(aws_product_code="p-1", aws_region="eu-west-1", **amazon)
    assert legacy.retrieve(billing_provider_type="aws_marketplace", **own).data.aws_region == "eu-west-1"
    assert refusal(400, legacy.delete, billing_provider_type="aws_marketplace", **own) == (
        "Billing configurations of this provider can't be deleted"
    )
    assert refusal(
        404,
        legacy.create,
        customer_id=NOBODY,
        billing_provider_type="stripe",
        billing_provider_customer_id="cus_1",
    ) == ("The specified customer was not found")
    assert refusal(400, legacy.retrieve, billing_provider_type="paper", **own).startswith(
        "billing_provider_type must be one of "
    )


def test_the_seeded_account_bills_through_stripe(sdk: Metronome) -> None:
    customer = sdk.v1.customers.create(name="Striped", ingest_aliases=["striped"]).data.id
    given: Any = {
        "customer_id": customer,
        "billing_provider": "stripe",
        "delivery_method": "direct_to_billing_provider",
        "configuration": {
            "stripe_customer_id": "cus_1",
            "stripe_collection_method": "charge_automatically",
        },
    }

    sdk.v1.customers.set_billing_configurations(data=[given])

    [shown] = sdk.v1.customers.retrieve_billing_configurations(customer_id=customer).data
    assert (shown.billing_provider, shown.configuration["stripe_customer_id"]) == ("stripe", "cus_1")
