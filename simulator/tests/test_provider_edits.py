"""Edits of how a contract is billed: thresholds, spend trackers, billing providers."""

from __future__ import annotations

from typing import Any

import pytest
from metronome import BadRequestError

from simulator.tests.contracting import (
    JUL,
    create,
    day,
    edit,
    read,
)
from simulator.tests.editing import threshold


def test_thresholds_are_merged_and_not_for_a_contract_to_come(sdk, market):
    contract_id = create(sdk, market)
    edit(sdk, market, contract_id, add_spend_threshold_configuration=threshold(market))
    with pytest.raises(BadRequestError):
        edit(sdk, market, contract_id, add_spend_threshold_configuration=threshold(market))

    change = {"threshold_amount": 5, "commit": {"name": "Other"}}
    made = edit(sdk, market, contract_id, update_spend_threshold_configuration=change)
    shown = read(sdk, market, contract_id).spend_threshold_configuration
    assert (shown.threshold_amount, shown.is_enabled) == (5, True)
    assert (shown.commit.name, shown.commit.product_id) == ("Other", market.fee)
    assert made.update_spend_threshold_configuration.threshold_amount == 5
    with pytest.raises(BadRequestError) as refused:
        create(sdk, market, starting_at=JUL, spend_threshold_configuration=threshold(market))
    words = "Threshold billing cannot be configured on a contract that has not started yet"
    assert refused.value.body["message"] == words


def test_spend_trackers_come_and_go_by_their_alias(sdk, market):
    tracker = {
        "alias": "spend",
        "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
        "reset_frequency": "BILLING_PERIOD",
        "applicable_spend_specifiers": [{"spend_type": "COMMIT_PURCHASE", "sources": ["MANUAL"]}],
    }
    contract_id = create(sdk, market)
    edit(sdk, market, contract_id, add_spend_trackers=[tracker])

    with pytest.raises(BadRequestError):
        edit(sdk, market, contract_id, add_spend_trackers=[tracker])
    assert [each.alias for each in read(sdk, market, contract_id).spend_trackers] == ["spend"]
    edit(sdk, market, contract_id, archive_spend_trackers=["spend"])
    assert read(sdk, market, contract_id).spend_trackers == []


def test_a_billing_provider_takes_effect_at_the_period_that_is_asked_for(sdk, simulator, market):
    queue = {"billing_provider": "aws_marketplace", "delivery_method": "aws_sqs"}
    sdk.v1.settings.billing_providers.create(**queue, configuration={"aws_external_id": "x"})
    aws = {"aws_customer_id": "c", "aws_product_code": "p", "aws_region": "us-east-1"}
    configured = sdk.v1.customers.set_billing_configurations(
        data=[{"customer_id": market.customer, **queue, "configuration": aws}]
    ).data[0]
    contract_id = create(sdk, market)

    def bill(at: str) -> None:
        edit(
            sdk,
            market,
            contract_id,
            add_billing_provider_configuration_update={
                "billing_provider_configuration": {"billing_provider_configuration_id": configured.id},
                "schedule": {"effective_at": at},
            },
        )

    bill("START_OF_NEXT_PERIOD")
    shown = read(sdk, market, contract_id)
    assert shown.customer_billing_provider_configuration is None
    assert [day(each.effective_at) for each in shown.billing_provider_configuration_schedule] == [
        "2026-07-01"
    ]
    simulator.control("POST", "clock", {"at": "2026-07-02T00:00:00Z", "frozen": True})
    assert read(sdk, market, contract_id).customer_billing_provider_configuration.id == configured.id
    with pytest.raises(BadRequestError):
        bill("START_OF_CURRENT_PERIOD")
    other = create(sdk, market, billing_provider_configuration={"billing_provider": "aws_marketplace"})
    assert read(sdk, market, other).customer_billing_provider_configuration.id == configured.id


def test_an_archived_billing_provider_leaves_the_schedule(sdk, simulator, market):
    ids = []
    for number in "12":
        queue = {"billing_provider": "aws_marketplace", "delivery_method": "aws_sqs"}
        method = sdk.v1.settings.billing_providers.create(**queue, configuration={"aws_external_id": number})
        queue["delivery_method_id"] = method.data.delivery_method_id
        aws = {"aws_customer_id": "c", "aws_product_code": "p", "aws_region": "us-east-1"}
        row = {"customer_id": market.customer, **queue, "configuration": aws}
        ids.append(sdk.v1.customers.set_billing_configurations(data=[row]).data[0].id)
    first, second = ids
    by_first, by_second = ({"billing_provider_configuration_id": each} for each in ids)
    contract_id = create(sdk, market, billing_provider_configuration=by_first)
    later = create(sdk, market, billing_provider_configuration=by_second)
    change = {
        "billing_provider_configuration": by_second,
        "schedule": {"effective_at": "START_OF_NEXT_PERIOD"},
    }
    edit(sdk, market, contract_id, add_billing_provider_configuration_update=change)

    def schedule(contract: str) -> list[Any]:
        return [
            (
                each.billing_provider_configuration and each.billing_provider_configuration.id,
                day(each.effective_at),
                day(each.effective_until),
            )
            for each in read(sdk, market, contract).billing_provider_configuration_schedule
        ]

    def archive(configuration: str) -> None:
        sdk.v1.customers.archive_billing_configurations(
            customer_id=market.customer, customer_billing_provider_configuration_ids=[configuration]
        )

    assert schedule(contract_id) == [(first, "2026-01-01", "2026-07-01"), (second, "2026-07-01", None)]
    archive(second)
    assert schedule(contract_id) == [(first, "2026-01-01", None)]
    assert schedule(later) == [(second, "2026-01-01", "2026-06-15"), (None, "2026-06-15", None)]
    archived = read(sdk, market, later).billing_provider_configuration_schedule[0]
    assert day(archived.billing_provider_configuration.archived_at) == "2026-06-15"
    simulator.control("POST", "clock", {"at": "2026-07-02T00:00:00Z", "frozen": True})
    assert read(sdk, market, contract_id).customer_billing_provider_configuration.id == first
    assert read(sdk, market, later).customer_billing_provider_configuration is None
    archive(first)
    assert schedule(contract_id) == [(first, "2026-01-01", "2026-07-02"), (None, "2026-07-02", None)]
