"""Audit logs: every write leaves a row, and a tail can be followed for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from metronome import APIStatusError, Metronome

from simulator.running import TOKEN, RunningSimulator


@pytest.fixture
def customer(sdk: Metronome) -> str:
    """One who was made, renamed and given aliases."""
    made = sdk.v1.customers.create(name="Logged AG").data.id
    sdk.v1.customers.set_name(customer_id=made, name="Logged SE")
    sdk.v1.customers.set_ingest_aliases(customer_id=made, ingest_aliases=["logged"])
    return made


ACTIONS = ["create", "change_name", "set_ingest_aliases"]


def actions(page: Any) -> list[str]:
    return [row.action for row in page.data]


def test_a_row_says_who_did_what_by_which_request(
    sdk: Metronome, simulator: RunningSimulator, customer: str
) -> None:
    row = sdk.v1.audit_logs.list().data[0]
    effect = simulator.ledger()[0]

    assert (row.action, row.resource_type, row.resource_id, row.status) == (
        "create",
        "customer",
        customer,
        "success",
    )
    assert row.description == f"create customer {customer}"
    assert row.actor.name == "API token"
    assert (row.request.id, row.request.ip) == (effect["request_id"], "127.0.0.1")
    assert row.request.user_agent == effect["user_agent"]
    assert abs(datetime.now(UTC) - row.timestamp) < timedelta(seconds=30)


def test_rows_come_oldest_first_unless_turned_round(sdk: Metronome, customer: str) -> None:
    assert actions(sdk.v1.audit_logs.list()) == ACTIONS
    assert actions(sdk.v1.audit_logs.list(sort="date_asc")) == ACTIONS
    assert actions(sdk.v1.audit_logs.list(sort="date_desc")) == ACTIONS[::-1]


def test_a_tail_goes_on_with_its_token_alone(sdk: Metronome, customer: str) -> None:
    logs = sdk.v1.audit_logs
    first = logs.list(limit=2)
    second = logs.list(next_page=first.next_page, limit=2)
    third = logs.list(next_page=second.next_page)
    sdk.v1.customers.archive(id=customer)
    fourth = logs.list(next_page=third.next_page)

    assert [actions(page) for page in (first, second, third, fourth)] == [
        ACTIONS[:2],
        ACTIONS[2:],
        [],
        ["archive"],
    ]
    assert all(page.next_page for page in (first, second, third, fourth))


def test_newest_first_pages_neither_skip_nor_repeat_while_rows_are_added(
    sdk: Metronome, customer: str
) -> None:
    logs = sdk.v1.audit_logs
    first = logs.list(sort="date_desc", limit=1)
    sdk.v1.customers.archive(id=customer)
    second = logs.list(next_page=first.next_page, limit=1)
    third = logs.list(next_page=second.next_page)
    fourth = logs.list(next_page=third.next_page)

    seen = [each for page in (first, second, third) for each in actions(page)]
    assert seen == ACTIONS[::-1]
    assert (fourth.data, bool(fourth.next_page)) == ([], True)


def test_rows_can_be_had_of_one_resource_and_of_a_time(
    sdk: Metronome, simulator: RunningSimulator, customer: str
) -> None:
    logs, now = sdk.v1.audit_logs, datetime.now(UTC)
    simulator.control("POST", "clock", {"offset_seconds": 86_400})
    other = sdk.v1.customers.create(name="Other").data.id

    own = logs.list(resource_type="customer", resource_id=customer, limit=2)
    rest = logs.list(next_page=own.next_page)
    later = logs.list(starting_on=now + timedelta(hours=1))
    before = logs.list(ending_before=now + timedelta(hours=1))
    nothing = logs.list(resource_type="contract", resource_id=customer)

    assert [*actions(own), *actions(rest)] == ACTIONS
    by_itself = {row.id for row in later.data if row.actor.name == "Metronome"}  # where a month ends that day
    assert [row.resource_id for row in later.data if row.id not in by_itself] == [other]
    assert actions(before) == ACTIONS
    assert (nothing.data, bool(nothing.next_page)) == ([], True)


def test_what_the_account_does_by_itself_is_logged_too(sdk: Metronome, simulator: RunningSimulator) -> None:
    simulator.control("POST", "clock", {"offset_seconds": 40 * 86_400})
    sdk.v1.customers.list(limit=1)

    rows = sdk.v1.audit_logs.list().data

    assert {row.actor.name for row in rows} == {"Metronome"}
    assert {"finalize"} <= {row.action for row in rows}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"limit": 0}, "limit must be between 1 and 100"),
        ({"limit": 101}, "limit must be between 1 and 100"),
        ({"sort": "upwards"}, "sort must be one of date_asc, date_desc"),
        ({"resource_type": "customer"}, "resource_type and resource_id must be given together"),
        ({"resource_id": "x"}, "resource_type and resource_id must be given together"),
        ({"starting_on": "yesterday"}, "starting_on must be an RFC 3339 timestamp"),
        ({"next_page": "nonsense"}, "Invalid next_page token"),
        ({"next_page": "é"}, "Invalid next_page token"),
    ],
)
def test_an_impossible_question_is_refused(sdk: Metronome, given: dict[str, Any], message: str) -> None:
    with pytest.raises(APIStatusError) as caught:
        sdk.v1.audit_logs.list(**given)

    assert (caught.value.status_code, caught.value.body["message"].lower()) == (400, message.lower())


@pytest.mark.parametrize(
    "given", [{"starting_on": "2026-01-01T00:00:00Z"}, {"ending_before": "2026-01-01T00:00:00Z"}]
)
def test_a_token_goes_with_no_dates_and_no_other_filters(
    sdk: Metronome, customer: str, given: dict[str, Any]
) -> None:
    token = sdk.v1.audit_logs.list(resource_type="customer", resource_id=customer).next_page

    with pytest.raises(APIStatusError) as dates:
        sdk.v1.audit_logs.list(next_page=token, **given)
    with pytest.raises(APIStatusError) as filters:
        sdk.v1.audit_logs.list(next_page=token, sort="date_desc")

    assert (dates.value.status_code, filters.value.status_code) == (400, 400)


def test_a_token_that_somebody_changed_is_refused(simulator: RunningSimulator, customer: str) -> None:
    address, headers = f"{simulator.url}/v1/auditLogs", {"Authorization": f"Bearer {TOKEN}"}
    token = httpx.get(address, headers=headers, trust_env=False).json()["next_page"]

    for changed in (token[:-4], f"A{token[1:]}", f"{token}AAAA"):
        answer = httpx.get(address, params={"next_page": changed}, headers=headers, trust_env=False)
        assert (answer.status_code, answer.json()) == (400, {"message": "Invalid next_page token"})
