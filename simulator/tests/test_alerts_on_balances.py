"""Alerts on commits, credits, grants and seats, and what they send."""

from __future__ import annotations

from typing import Any

import pytest
from metronome import Metronome

from simulator.running import RunningSimulator
from simulator.tests.contracting import JAN, JUL, JUN, NEXT, Market, create, seats
from simulator.tests.receiver import receiving

USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
LATER = "2026-06-15T12:00:05Z"
JUNE = [
    {
        "transaction_id": f"call-{n}",
        "customer_id": "acme",
        "event_type": "call",
        "timestamp": "2026-06-15T10:00:00Z",
    }
    for n in range(8)
]


def at(simulator: RunningSimulator, when: str) -> None:
    """The frozen clock at an instant."""
    simulator.control("POST", "clock", {"at": when, "frozen": True})


def granted(sdk: Metronome, market: Market, kind: str, amount: float, end: str = NEXT, **more: Any) -> str:
    """A commit or credit from January on; its id."""
    item = {"amount": amount, "starting_at": JAN, "ending_before": end}
    given = {
        "customer_id": market.customer,
        "product_id": market.fee,
        "priority": 1,
        "access_schedule": {"schedule_items": [item]},
        **more,
    }
    own = sdk.v1.customers
    if kind == "commit":
        return own.commits.create(type="PREPAID", **given).data.id
    return own.credits.create(**given).data.id


def alert(sdk: Metronome, kind: str, threshold: float, **more: Any) -> str:
    return sdk.v1.alerts.create(alert_type=kind, name=kind, threshold=threshold, **more).data.id


def status(sdk: Metronome, market: Market, alert_id: str, **more: Any) -> tuple[str | None, str | None]:
    row = sdk.v1.customers.alerts.retrieve(customer_id=market.customer, alert_id=alert_id, **more).data
    return row.customer_status, row.triggered_by


@pytest.mark.parametrize(
    ("kind", "source", "fine", "alarming"),
    [
        ("low_remaining_commit_balance_reached", "commit", 19, 20),
        ("low_remaining_commit_percentage_reached", "commit", 19, 20),
        ("low_remaining_contract_credit_balance_reached", "credit", 19, 20),
        ("low_remaining_contract_credit_percentage_reached", "credit", 19, 20),
        ("low_remaining_contract_credit_and_commit_balance_reached", "credit", 19, 20),
        ("low_remaining_contract_credit_and_commit_percentage_reached", "commit", 19, 20),
        ("low_remaining_days_for_commit_segment_reached", "commit", 15, 16),
        ("low_remaining_days_for_contract_credit_segment_reached", "credit", 15, 16),
    ],
)
def test_a_balance_is_what_is_left_after_the_drafts(
    sdk: Metronome,
    simulator: RunningSimulator,
    market: Market,
    kind: str,
    source: str,
    fine: float,
    alarming: float,
) -> None:
    create(sdk, market)
    own = granted(sdk, market, source, 100, JUL)
    above, below = alert(sdk, kind, fine), alert(sdk, kind, alarming)
    sdk.v1.usage.ingest(usage=JUNE)
    at(simulator, LATER)

    cause = None if "credit_and_commit" in kind else own
    assert status(sdk, market, above) == ("ok", None)
    assert status(sdk, market, below) == ("in_alarm", cause)


@pytest.mark.parametrize(
    ("kind", "source", "fine", "alarming"),
    [
        ("low_remaining_commit_balance_reached", "commit", 15_000, 20_000),
        ("low_remaining_contract_credit_balance_reached", "credit", 15_000, 20_000),
        ("low_remaining_contract_credit_and_commit_balance_reached", "credit", 15_000, 20_000),
        ("low_remaining_commit_percentage_reached", "commit", 99, 100),
        ("low_remaining_contract_credit_percentage_reached", "credit", 99, 100),
    ],
)
def test_two_balances_count_together(sdk, simulator, market, kind, source, fine, alarming) -> None:
    granted(sdk, market, source, 10_000)
    granted(sdk, market, source, 10_000)

    above, below = alert(sdk, kind, fine), alert(sdk, kind, alarming)
    at(simulator, LATER)

    assert status(sdk, market, above) == ("ok", None)
    assert status(sdk, market, below) == ("in_alarm", None)


def test_what_is_over_or_of_another_kind_does_not_count(
    sdk: Metronome, simulator: RunningSimulator, market: Market
) -> None:
    granted(sdk, market, "commit", 5, JUN)
    granted(sdk, market, "credit", 5)
    on_commits = alert(sdk, "low_remaining_commit_balance_reached", 50)
    in_quantity = alert(sdk, "low_remaining_contract_credit_balance_reached", 50, access_type="QUANTITY")
    at(simulator, LATER)

    assert status(sdk, market, on_commits) == ("ok", None)
    assert status(sdk, market, in_quantity) == ("ok", None)


def test_custom_fields_choose_the_balances(
    sdk: Metronome, simulator: RunningSimulator, market: Market
) -> None:
    sdk.v1.custom_fields.add_key(entity="contract_credit", key="team", enforce_uniqueness=False)
    granted(sdk, market, "credit", 5, custom_fields={"team": "red"})
    granted(sdk, market, "credit", 500, custom_fields={"team": "blue"})
    shared = "low_remaining_contract_credit_and_commit_balance_reached"

    def of(team: str, entity: str = "ContractCredit") -> list[dict[str, Any]]:
        return [{"entity": entity, "key": "team", "value": team}]

    every = alert(sdk, shared, 50)
    red = alert(sdk, shared, 50, alert_specifiers=[{"custom_field_filters": of("red")}])
    blue = alert(sdk, shared, 50, custom_field_filters=of("blue", "ContractCreditOrCommit"))
    neither = alert(
        sdk,
        shared,
        50,
        alert_specifiers=[{"custom_field_filters": [], "exclude": [{"custom_field_filters": of("blue")}]}],
    )
    at(simulator, LATER)

    seen = [status(sdk, market, each)[0] for each in (every, red, blue, neither)]
    narrowed = status(sdk, market, every, alert_specifiers=[{"custom_field_filters": of("red")}])
    assert seen == ["ok", "in_alarm", "ok", "in_alarm"]
    assert narrowed == ("in_alarm", None)


def test_credit_grants_are_watched_together(
    sdk: Metronome, simulator: RunningSimulator, market: Market
) -> None:
    for kind, amount in (("promo", 10), ("paid", 30)):
        worth = {"amount": amount, "credit_type_id": USD}
        sdk.v1.credit_grants.create(
            customer_id=market.customer,
            name=kind,
            priority=1,
            expires_at=NEXT,
            effective_at=JAN,
            grant_amount=worth,
            paid_amount={**worth, "amount": 0},
            credit_grant_type=kind,
        )
    both = alert(sdk, "low_credit_balance_reached", 39)
    promo = alert(sdk, "low_credit_balance_reached", 10, credit_grant_type_filters=["promo"])
    share = alert(sdk, "low_remaining_credit_percentage_reached", 99)
    at(simulator, LATER)

    assert [status(sdk, market, each)[0] for each in (both, promo, share)] == ["ok", "in_alarm", "ok"]


def test_seats_are_watched_one_by_one(sdk: Metronome, simulator: RunningSimulator, market: Market) -> None:
    subscription = seats(
        market,
        temporary_id="seats",
        quantity_management_mode="SEAT_BASED",
        seat_config={"seat_group_key": "user", "initial_seat_ids": ["ann", "bob"]},
    )
    del subscription["initial_quantity"]
    create(
        sdk,
        market,
        subscriptions=[subscription],
        recurring_credits=[
            {
                "product_id": market.fee,
                "access_amount": {"unit_price": 10, "credit_type_id": USD},
                "applicable_product_ids": [market.calls],
                "commit_duration": {"value": 1},
                "priority": 1,
                "starting_at": JAN,
                "recurrence_frequency": "MONTHLY",
                "subscription_config": {
                    "subscription_id": "seats",
                    "allocation": "INDIVIDUAL",
                    "apply_seat_increase_config": {"is_prorated": False},
                },
            }
        ],
    )
    kind = "low_remaining_seat_balance_reached"
    every = alert(sdk, kind, 10, seat_filter={"seat_group_key": "user"})
    few = alert(sdk, kind, 9, seat_filter={"seat_group_key": "user", "seat_group_value": "bob"})
    other = alert(sdk, kind, 10, seat_filter={"seat_group_key": "team"})
    at(simulator, LATER)

    assert status(sdk, market, every) == ("in_alarm", "ann")
    assert status(sdk, market, few) == ("ok", None)
    assert status(sdk, market, other) == ("ok", None)
    bob = {"seat_group_key": "user", "seat_group_value": "bob"}
    assert status(sdk, market, every, seat_filter=bob) == ("in_alarm", "bob")


def test_an_alarm_is_told_once_and_its_end_where_that_is_switched_on(
    sdk: Metronome, simulator: RunningSimulator, market: Market
) -> None:
    simulator.control("POST", "switches", {"resolved_alerts": "send"})
    commit = granted(sdk, market, "commit", 10)
    with receiving() as receiver:
        simulator.control("POST", "webhooks", {"url": receiver.url})
        made = alert(sdk, "low_remaining_commit_balance_reached", 10, customer_id=market.customer)
        at(simulator, "2026-06-15T13:00:00Z")
        alarm = receiver.next().payload
        sdk.v2.contracts.edit_commit(
            customer_id=market.customer,
            commit_id=commit,
            access_schedule={
                "add_schedule_items": [{"amount": 90, "starting_at": JUN, "ending_before": NEXT}]
            },
        )
        at(simulator, "2026-06-15T14:00:00Z")
        resolved = receiver.next().payload

    kind = "alerts.low_remaining_commit_balance_reached"
    common = {"customer_id": market.customer, "alert_id": made, "threshold": 10}
    common |= {
        "alert_name": "low_remaining_commit_balance_reached",
        "commit_id": commit,
        "triggered_by": commit,
    }
    assert alarm == {
        "id": alarm["id"],
        "type": kind,
        "properties": {**common, "timestamp": "2026-06-15T12:00:01.000Z", "remaining_balance": 10},
    }
    assert (resolved["type"], resolved["properties"]["remaining_balance"]) == (f"{kind}_resolved", 100)


def test_what_was_alarming_before_is_not_told_without_evaluation_on_create(
    sdk: Metronome, simulator: RunningSimulator, market: Market
) -> None:
    granted(sdk, market, "commit", 10)
    with receiving() as receiver:
        simulator.control("POST", "webhooks", {"url": receiver.url})
        quiet = alert(sdk, "low_remaining_commit_balance_reached", 10, evaluate_on_create=False)
        loud = alert(sdk, "low_remaining_commit_balance_reached", 11)
        at(simulator, "2026-06-15T13:00:00Z")

        assert receiver.next().payload["properties"]["alert_id"] == loud
        assert status(sdk, market, quiet)[0] == "in_alarm"
        assert receiver.is_quiet()
