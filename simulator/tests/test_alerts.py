"""Alerts, and what they say of a customer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from metronome import APIStatusError, Metronome

from simulator.running import RunningSimulator

NOBODY = "00000000-0000-4000-8000-000000000000"
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def seconds_later(simulator: RunningSimulator, seconds: float = 5) -> None:
    """The account's clock, so many seconds ahead."""
    simulator.control("POST", "clock", {"offset_seconds": seconds})


def statuses(sdk: Metronome, customer_id: str, **filters: Any) -> dict[str, str | None]:
    return {
        row.alert.name: row.customer_status
        for row in sdk.v1.customers.alerts.list(customer_id=customer_id, **filters)
    }


@pytest.fixture
def customer(sdk: Metronome) -> str:
    return sdk.v1.customers.create(name="Watched AB", ingest_aliases=["watched"]).data.id


@pytest.fixture
def plan_ending_soon(sdk: Metronome, customer: str) -> str:
    plan = next(iter(sdk.v1.plans.list(limit=1))).id
    sdk.v1.customers.plans.add(
        customer_id=customer,
        plan_id=plan,
        starting_on=TODAY - timedelta(days=3),
        ending_before=TODAY + timedelta(days=5),
    )
    return plan


def days_alert(sdk: Metronome, customer_id: str, threshold: float, **options: Any) -> str:
    return sdk.v1.alerts.create(
        alert_type="low_remaining_days_in_plan_reached",
        name="Plan ends",
        threshold=threshold,
        customer_id=customer_id,
        **options,
    ).data.id


def test_an_alert_is_evaluating_for_a_second_and_then_says_what_it_sees(
    sdk: Metronome, simulator: RunningSimulator, customer: str, plan_ending_soon: str
) -> None:
    far, near = days_alert(sdk, customer, 1), days_alert(sdk, customer, 10)

    first = sdk.v1.customers.alerts.retrieve(customer_id=customer, alert_id=near).data
    seconds_later(simulator)
    second = sdk.v1.customers.alerts.retrieve(customer_id=customer, alert_id=near).data
    other = sdk.v1.customers.alerts.retrieve(customer_id=customer, alert_id=far).data

    assert first.customer_status == "evaluating"
    assert (second.customer_status, second.triggered_by) == ("in_alarm", plan_ending_soon)
    assert (second.alert.threshold, second.alert.status) == (10, "enabled")
    assert second.alert.updated_at > first.alert.updated_at
    assert (other.customer_status, other.triggered_by) == ("ok", None)


def test_an_alert_of_a_plan_sees_that_plan_only(
    sdk: Metronome, simulator: RunningSimulator, customer: str, plan_ending_soon: str
) -> None:
    another = next(row.id for row in sdk.v1.plans.list() if row.id != plan_ending_soon)
    alert = days_alert(sdk, customer, 10, plan_id=another)
    seconds_later(simulator)

    assert sdk.v1.customers.alerts.retrieve(customer_id=customer, alert_id=alert).data.customer_status == "ok"


def test_usage_of_the_month_brings_an_alarm_and_a_new_month_ends_it(
    sdk: Metronome, simulator: RunningSimulator, customer: str
) -> None:
    metric = sdk.v1.billable_metrics.create(
        name="Calls", aggregation_type="COUNT", event_type_filter={"in_values": ["call"]}
    ).data.id
    alert = sdk.v1.alerts.create(
        alert_type="usage_threshold_reached", name="Calls", threshold=3, billable_metric_id=metric
    ).data.id
    seconds_later(simulator, 60)

    def ingest(*numbers: int) -> None:
        now = datetime.now(UTC).isoformat()
        sdk.v1.usage.ingest(
            usage=[
                {
                    "transaction_id": f"call-{n}",
                    "customer_id": "watched",
                    "event_type": "call",
                    "timestamp": now,
                }
                for n in numbers
            ]
        )

    def status() -> str | None:
        return sdk.v1.customers.alerts.retrieve(customer_id=customer, alert_id=alert).data.customer_status

    ingest(1, 2)
    assert status() == "ok"
    ingest(3)
    assert status() == "in_alarm"
    seconds_later(simulator, 32 * 86_400)
    assert status() == "ok"


def test_spend_counts_the_drafts_and_an_invoice_total_every_invoice(
    sdk: Metronome, simulator: RunningSimulator
) -> None:
    invoice = next(
        row
        for customer in sdk.v1.customers.list()
        for row in sdk.v1.customers.invoices.list(customer_id=customer.id, status="DRAFT")
        if row.credit_type.name == "USD (cents)" and row.total > 1
    )
    for name, kind, threshold in (
        ("spend", "spend_threshold_reached", invoice.total),
        ("more spend", "spend_threshold_reached", invoice.total * 1_000),
        ("month", "monthly_invoice_total_spend_threshold_reached", invoice.total),
        ("total", "invoice_total_reached", invoice.total),
        ("scheduled", "invoice_total_reached", invoice.total),
    ):
        only = {"invoice_types_filter": ["SCHEDULED"]} if name == "scheduled" else {}
        sdk.v1.alerts.create(alert_type=kind, name=name, threshold=threshold, **only)
    seconds_later(simulator)

    assert statuses(sdk, invoice.customer_id) == {
        "spend": "in_alarm",
        "more spend": "ok",
        "month": "in_alarm",
        "total": "in_alarm",
        "scheduled": "ok",
    }


def test_spend_can_be_asked_for_one_group_of_lines(sdk: Metronome, simulator: RunningSimulator) -> None:
    customer = next(
        row.customer_id
        for each in sdk.v1.customers.list()
        for row in sdk.v1.customers.invoices.list(customer_id=each.id, status="DRAFT")
        if row.credit_type.name == "USD (cents)" and row.total > 1
    )
    alert = sdk.v1.alerts.create(
        alert_type="spend_threshold_reached", name="All", threshold=1, customer_id=customer
    ).data.id
    seconds_later(simulator)

    whole = sdk.v1.customers.alerts.retrieve(customer_id=customer, alert_id=alert).data
    north = sdk.v1.customers.alerts.retrieve(
        customer_id=customer, alert_id=alert, group_values=[{"key": "no-such-key", "value": "north"}]
    ).data

    assert (whole.customer_status, north.customer_status) == ("in_alarm", "ok")


def test_a_list_has_the_enabled_alerts_unless_asked_for_others(
    sdk: Metronome, simulator: RunningSimulator, customer: str
) -> None:
    for name in ("kept", "gone"):
        alert = sdk.v1.alerts.create(
            alert_type="low_credit_balance_reached",
            name=name,
            threshold=0,
            credit_grant_type_filters=["promo"],
        ).data.id
    assert sdk.v1.alerts.archive(id=alert).data.id == alert
    seconds_later(simulator)

    assert statuses(sdk, customer) == {"kept": "ok"}
    assert statuses(sdk, customer, alert_statuses=["ARCHIVED"]) == {"gone": None}
    assert statuses(sdk, customer, alert_statuses=["ENABLED", "DISABLED", "ARCHIVED"]) == {
        "kept": "ok",
        "gone": None,
    }


def test_a_reset_looks_afresh_a_second_later(
    sdk: Metronome, simulator: RunningSimulator, customer: str, plan_ending_soon: str
) -> None:
    alert = days_alert(sdk, customer, 10)
    seconds_later(simulator)

    assert sdk.v1.customers.alerts.reset(customer_id=customer, alert_id=alert) is None
    during = sdk.v1.customers.alerts.retrieve(customer_id=customer, alert_id=alert).data
    seconds_later(simulator, 10)
    after = sdk.v1.customers.alerts.retrieve(customer_id=customer, alert_id=alert).data

    assert (during.customer_status, after.customer_status) == ("evaluating", "in_alarm")


def test_a_uniqueness_key_names_its_holder_until_it_is_released(sdk: Metronome, customer: str) -> None:
    first = days_alert(sdk, customer, 1, uniqueness_key="one")

    with pytest.raises(APIStatusError) as caught:
        days_alert(sdk, customer, 1, uniqueness_key="one")
    sdk.v1.alerts.archive(id=first, release_uniqueness_key=True)
    second = days_alert(sdk, customer, 1, uniqueness_key="one")

    assert caught.value.status_code == 409
    assert caught.value.body == {
        "message": "This uniqueness key has already been used",
        "conflicting_id": first,
        "conflicting_value": "one",
    }
    row = sdk.v1.customers.alerts.retrieve(customer_id=customer, alert_id=second).data
    assert row.alert.uniqueness_key == "one"


def test_a_key_is_lost_with_an_alert_that_was_archived_without_releasing_it(
    sdk: Metronome, customer: str
) -> None:
    alert = days_alert(sdk, customer, 1, uniqueness_key="lost")
    sdk.v1.alerts.archive(id=alert)

    with pytest.raises(APIStatusError) as again:
        sdk.v1.alerts.archive(id=alert, release_uniqueness_key=True)
    with pytest.raises(APIStatusError) as reused:
        days_alert(sdk, customer, 1, uniqueness_key="lost")

    assert (again.value.status_code, again.value.body) == (400, {"message": "Alert already archived"})
    assert reused.value.status_code == 409


@pytest.mark.parametrize(
    ("given", "status", "message"),
    [
        ({"alert_type": "nonsense"}, 400, None),
        ({"threshold": None}, 400, "threshold must be a number"),
        ({"customer_id": NOBODY}, 404, "The specified customer was not found"),
        ({"plan_id": NOBODY}, 404, "The specified plan was not found"),
        ({"credit_type_id": NOBODY}, 400, "credit_type_id holds an unknown pricing unit"),
        ({"seat_filter": {"seat_group_key": "seat"}}, 400, None),
        ({"alert_type": "usage_threshold_reached"}, 400, None),
        ({"alert_type": "usage_threshold_reached", "billable_metric_id": NOBODY}, 404, None),
        ({"alert_type": "low_remaining_seat_balance_reached"}, 400, None),
        (
            {
                "alert_type": "low_remaining_commit_balance_reached",
                "access_type": "QUANTITY",
                "credit_type_id": NOBODY,
            },
            400,
            "credit_type_id can't be given with access_type QUANTITY",
        ),
        ({"access_type": "SPEND"}, 400, "access_type is not supported for spend_threshold_reached"),
    ],
)
def test_an_impossible_alert_is_refused_and_leaves_nothing(
    sdk: Metronome, simulator: RunningSimulator, given: dict[str, Any], status: int, message: str | None
) -> None:
    with pytest.raises(APIStatusError) as caught:
        sdk.v1.alerts.create(
            **{"alert_type": "spend_threshold_reached", "name": "x", "threshold": 1, **given}
        )

    assert caught.value.status_code == status
    assert message is None or caught.value.body["message"] == message
    assert simulator.ledger() == []


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (lambda sdk, own, alert: sdk.v1.alerts.archive(id=NOBODY), 404),
        (lambda sdk, own, alert: sdk.v1.alerts.archive(id="nonsense"), 400),
        (lambda sdk, own, alert: sdk.v1.customers.alerts.list(customer_id=NOBODY), 404),
        (lambda sdk, own, alert: sdk.v1.customers.alerts.list(customer_id=own, alert_statuses=[]), 400),
        (lambda sdk, own, alert: sdk.v1.customers.alerts.list(customer_id=own, next_page="x"), 400),
        (lambda sdk, own, alert: sdk.v1.customers.alerts.retrieve(customer_id=own, alert_id=NOBODY), 404),
        (lambda sdk, own, alert: sdk.v1.customers.alerts.retrieve(customer_id=NOBODY, alert_id=alert), 404),
        (lambda sdk, own, alert: sdk.v1.customers.alerts.reset(customer_id=own, alert_id=NOBODY), 404),
        (
            lambda sdk, own, alert: sdk.v1.customers.alerts.retrieve(
                customer_id=own, alert_id=alert, group_values=[{"key": "a", "value": "b"}]
            ),
            400,
        ),
    ],
)
def test_what_is_not_there_is_refused(sdk: Metronome, customer: str, call: Any, status: int) -> None:
    alert = days_alert(sdk, customer, 1)

    with pytest.raises(APIStatusError) as caught:
        call(sdk, customer, alert)

    assert caught.value.status_code == status


def test_an_alert_of_another_customer_is_not_found(sdk: Metronome, customer: str) -> None:
    other = sdk.v1.customers.create(name="Other").data.id
    alert = days_alert(sdk, other, 1)

    with pytest.raises(APIStatusError) as caught:
        sdk.v1.customers.alerts.retrieve(customer_id=customer, alert_id=alert)

    assert caught.value.status_code == 404
    assert statuses(sdk, customer) == {}
