"""Usage through the strict SDK: sent, kept once, found again, and measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from metronome import APIStatusError, Metronome

from simulator.running import READ_ONLY_TOKEN, TOKEN, RunningSimulator

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
TODAY = NOW.replace(hour=0)
TOMORROW = TODAY + timedelta(days=1)
CALLS = "00000000-0000-4000-8000-00000000c001"
BYTES = "00000000-0000-4000-8000-00000000c002"


def metric(metric_id: str, name: str, kind: str, key: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": metric_id,
        "name": name,
        "aggregation_type": kind,
        **({"aggregation_key": key} if key else {}),
        **more,
    }


METRICS = {
    CALLS: metric(CALLS, "Calls", "COUNT", event_type_filter={"in_values": ["call"]}),
    BYTES: metric(
        BYTES,
        "Bytes",
        "SUM",
        "bytes",
        property_filters=[{"name": "bytes", "exists": True}, {"name": "kind", "not_in_values": ["free"]}],
        group_keys=[["region"], ["region", "team"]],
    ),
}


def plant(simulator: RunningSimulator, **fields: Any) -> None:
    """Put something into the world that no route makes so quickly."""
    worlds = simulator.control("GET", "snapshot")
    for name, value in fields.items():
        worlds["main"][name] |= value
    simulator.control("POST", "restore", worlds)


def event(number: int, customer: str, at: datetime = NOW, kind: str = "call", **properties: Any) -> Any:
    return {
        "transaction_id": f"t{number}",
        "customer_id": customer,
        "event_type": kind,
        "timestamp": at.isoformat(),
        "properties": properties,
    }


@pytest.fixture
def customer(sdk: Metronome, simulator: RunningSimulator) -> str:
    plant(simulator, billable_metrics=METRICS)
    return sdk.v1.customers.create(name="Metered AB", ingest_aliases=["metered"]).data.id


def value_of(sdk: Metronome, customer_id: str, metric_id: str, **more: Any) -> float | None:
    rows = sdk.v1.usage.list(
        starting_on=TODAY - timedelta(days=40),
        ending_before=TOMORROW,
        window_size="NONE",
        customer_ids=[customer_id],
        billable_metrics=[{"id": metric_id, **more}],
    ).data
    assert len(rows) == 1
    return rows[0].value


def test_events_by_id_and_by_alias_count_once_each(sdk: Metronome, customer: str) -> None:
    assert value_of(sdk, customer, CALLS) is None
    assert sdk.v1.usage.ingest(usage=[event(1, customer), event(2, "metered"), event(1, customer)]) is None
    sdk.v1.usage.ingest(usage=[event(2, "metered")])
    assert value_of(sdk, customer, CALLS) == 2


def test_an_alias_that_is_the_id_of_another_customer_means_that_one(sdk: Metronome, customer: str) -> None:
    other = sdk.v1.customers.create(name="Borrower", ingest_aliases=[customer.upper(), "own"]).data.id
    sdk.v1.usage.ingest(usage=[event(1, customer), event(2, customer.upper()), event(3, "own")])
    assert (value_of(sdk, customer, CALLS), value_of(sdk, other, CALLS)) == (2, 1)


def test_an_alias_that_is_set_later_picks_up_what_came_before(sdk: Metronome, customer: str) -> None:
    sdk.v1.usage.ingest(usage=[event(1, "late-alias"), event(2, "metered")])
    assert value_of(sdk, customer, CALLS) == 1
    sdk.v1.customers.set_ingest_aliases(customer_id=customer, ingest_aliases=["metered", "late-alias"])
    assert value_of(sdk, customer, CALLS) == 2
    sdk.v1.customers.set_ingest_aliases(customer_id=customer, ingest_aliases=[])
    assert value_of(sdk, customer, CALLS) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"timestamp": (TODAY - timedelta(days=35)).isoformat()}, "more than 34 days ago"),
        ({"timestamp": (NOW + timedelta(hours=2)).isoformat()}, "in the future"),
        ({"timestamp": "yesterday"}, "[0].timestamp must be an RFC 3339 timestamp"),
        ({"timestamp": "2026-01-01T00:00:00"}, "[0].timestamp must carry a time zone"),
        ({"transaction_id": ""}, "[0].transaction_id must be 1 to 128 characters"),
        ({"transaction_id": "x" * 129}, "[0].transaction_id must be 1 to 128 characters"),
        ({"customer_id": ""}, "[0].customer_id must not be empty"),
        ({"event_type": ""}, "[0].event_type must not be empty"),
        ({"properties": ["a"]}, "[0].properties must be a JSON object"),
    ],
)
def test_an_event_that_does_not_fit_is_refused_with_the_field(
    sdk: Metronome, simulator: RunningSimulator, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(APIStatusError) as refusal:
        sdk.v1.usage.ingest(usage=[event(1, "metered") | change])
    assert refusal.value.status_code == 400
    assert words in refusal.value.body["message"]
    assert simulator.ledger() == []


def test_one_bad_event_keeps_all_of_its_request_out(sdk: Metronome, customer: str) -> None:
    with pytest.raises(APIStatusError):
        sdk.v1.usage.ingest(usage=[event(1, customer), event(2, customer, NOW + timedelta(days=2))])
    assert value_of(sdk, customer, CALLS) is None


def test_between_1_and_100_events_may_be_sent(sdk: Metronome, customer: str) -> None:
    for number in (0, 101):
        with pytest.raises(APIStatusError) as refusal:
            sdk.v1.usage.ingest(usage=[event(each, customer) for each in range(number)])
        assert refusal.value.status_code == 400
    sdk.v1.usage.ingest(usage=[event(each, customer) for each in range(100)])
    assert value_of(sdk, customer, CALLS) == 100


def test_a_token_that_only_reads_may_not_ingest(simulator: RunningSimulator) -> None:
    reader = Metronome(base_url=simulator.url, bearer_token=READ_ONLY_TOKEN, max_retries=0)
    with pytest.raises(APIStatusError) as refusal:
        reader.v1.usage.ingest(usage=[event(1, "metered")])
    assert refusal.value.status_code == 403


def test_search_finds_events_with_their_customer_and_metrics(sdk: Metronome, customer: str) -> None:
    sdk.v1.usage.ingest(usage=[event(1, "metered"), event(2, "nobody", kind="other", bytes=5)])
    found = sdk.v1.usage.search(transaction_ids=["t1", "t2", "t2", "t9"])
    assert [(row.transaction_id, row.customer_id, row.is_duplicate) for row in found] == [
        ("t1", "metered", False),
        ("t2", "nobody", False),
    ]
    assert found[0].matched_customer.id == customer
    assert found[1].matched_customer is None
    assert [[each.name for each in row.matched_billable_metrics] for row in found] == [["Calls"], ["Bytes"]]
    assert found[1].properties == {"bytes": 5}


def test_a_sum_takes_numbers_and_numbers_as_text_and_obeys_its_filters(sdk: Metronome, customer: str) -> None:
    sdk.v1.usage.ingest(
        usage=[
            event(1, customer, kind="a", bytes=1.5),
            event(2, customer, kind="b", bytes="2.25"),
            event(3, customer, kind="c", bytes="many"),
            event(4, customer, bytes=100) | {"properties": {"bytes": 100, "kind": "free"}},
            event(5, customer, kind="e"),
        ]
    )
    assert value_of(sdk, customer, BYTES) == 3.75


@pytest.mark.parametrize(("kind", "value"), [("MAX", 9), ("UNIQUE", 3), ("LATEST", 4), ("COUNT", 4)])
def test_the_other_aggregations(
    sdk: Metronome, simulator: RunningSimulator, customer: str, kind: str, value: float
) -> None:
    plant(simulator, billable_metrics={BYTES: metric(BYTES, kind, kind, "n")})
    hours = [timedelta(hours=each) for each in (1, 4, 2, 3)]
    sdk.v1.usage.ingest(
        usage=[event(each, customer, NOW - hours[each], n=number) for each, number in enumerate((4, 9, 4, 7))]
    )
    assert value_of(sdk, customer, BYTES) == value


def test_seeded_amounts_a_day_count_from_the_creation_of_the_customer(
    sdk: Metronome, simulator: RunningSimulator, customer: str
) -> None:
    worlds = simulator.control("GET", "snapshot")
    worlds["main"]["customers"][customer]["created_at"] = (TODAY - timedelta(days=3)).isoformat()
    worlds["main"]["daily_usage_of"] = {customer: {CALLS: 24}}
    worlds["main"]["clock"]["frozen_at"] = (TODAY + timedelta(hours=12)).isoformat()
    simulator.control("POST", "restore", worlds)
    rows = sdk.v1.usage.list(
        starting_on=TODAY - timedelta(days=4),
        ending_before=TOMORROW,
        window_size="DAY",
        customer_ids=[customer],
        billable_metrics=[{"id": CALLS}],
    ).data
    assert [row.value for row in rows] == [None, 24, 24, 24, 12]


def test_windows_cover_the_time_and_pages_follow_on(sdk: Metronome, customer: str) -> None:
    sdk.v1.usage.ingest(usage=[event(1, customer, TODAY - timedelta(days=1))])
    page = sdk.v1.usage.list(
        starting_on=TODAY - timedelta(days=10),
        ending_before=TODAY,
        window_size="HOUR",
        customer_ids=[customer],
        billable_metrics=[{"id": CALLS}],
    )
    assert len(page.data) == 100
    assert page.data[0].start_timestamp == TODAY - timedelta(days=10)
    rows = list(page)
    assert len(rows) == 240
    assert [row.start_timestamp for row in rows if row.value] == [TODAY - timedelta(days=1)]


def test_all_active_customers_and_metrics_unless_some_are_named(sdk: Metronome, customer: str) -> None:
    rows = list(sdk.v1.usage.list(starting_on=TODAY, ending_before=TOMORROW, window_size="DAY"))
    active = [row.id for row in sdk.v1.customers.list()]
    metrics = [row.id for row in sdk.v1.billable_metrics.list()]
    assert sorted((row.customer_id, row.billable_metric_id) for row in rows) == sorted(
        (each, one) for each in active for one in metrics
    )


def test_groups_of_the_batch_list_are_named_or_found(sdk: Metronome, customer: str) -> None:
    sdk.v1.usage.ingest(
        usage=[event(1, customer, bytes=1, region="eu"), event(2, customer, bytes=2, region="us")]
    )
    group = {"key": "region", "values": ["eu", "mars"]}
    row = sdk.v1.usage.list(
        starting_on=TODAY,
        ending_before=TOMORROW,
        window_size="DAY",
        customer_ids=[customer],
        billable_metrics=[{"id": BYTES, "group_by": group}, {"id": BYTES, "group_by": {"key": "region"}}],
    ).data
    assert [each.groups for each in row] == [{"eu": 1, "mars": None}, {"eu": 1, "us": 2}]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"starting_on": NOW.replace(hour=5)}, 400, "starting_on must be at midnight UTC"),
        ({"ending_before": TODAY}, 400, "ending_before must be after its start"),
        ({"customer_ids": ["not a uuid"]}, 400, "customer_ids must be a valid UUID"),
        ({"customer_ids": [CALLS]}, 404, "customer was not found"),
        ({"billable_metrics": [{"id": "00000000-0000-4000-8000-000000000000"}]}, 404, "metric was not found"),
        ({"billable_metrics": [{"id": CALLS, "group_by": {"key": "x"}}]}, 400, "must be a group key"),
        (
            {"billable_metrics": [{"id": BYTES, "group_by": {"key": "region", "values": ["a"] * 201}}]},
            400,
            "at most 200 group values",
        ),
        ({"window_size": "MINUTE"}, 400, "window_size must be one of HOUR, DAY, NONE"),
    ],
)
def test_a_usage_query_that_does_not_fit_is_refused(
    sdk: Metronome, customer: str, change: dict[str, Any], status: int, words: str
) -> None:
    query = {"starting_on": TODAY, "ending_before": TOMORROW, "window_size": "DAY"} | change
    with pytest.raises(APIStatusError) as refusal:
        sdk.v1.usage.list(**query)
    assert (refusal.value.status_code, words in refusal.value.body["message"]) == (status, True)


def test_usage_by_simple_and_compound_groups(sdk: Metronome, customer: str) -> None:
    sdk.v1.usage.ingest(
        usage=[
            event(1, customer, bytes=1, region="eu", team="a"),
            event(2, customer, bytes=2, region="eu", team="b"),
            event(3, customer, bytes=4, region="us", team="a"),
            event(4, customer, bytes=8),
        ]
    )
    query: Any = {"customer_id": customer, "billable_metric_id": BYTES, "window_size": "DAY"}
    query |= {"starting_on": TODAY - timedelta(days=1), "ending_before": TOMORROW}
    groups = sdk.v1.usage.list_with_groups
    plain = groups(**query).data
    assert [(row.group, row.value) for row in plain] == [(None, None), (None, 15)]
    simple = groups(**query, group_key=["region"]).data
    assert [(row.group_key, row.group_value, row.value) for row in simple] == [
        ("region", None, 8),
        ("region", "eu", 3),
        ("region", "us", 4),
    ]
    compound = groups(
        **query, group_key=["region", "team"], group_filters={"region": ["eu"], "team": []}
    ).data
    assert [(row.group, row.value) for row in compound] == [
        ({"region": "eu", "team": "a"}, 1),
        ({"region": "eu", "team": "b"}, 2),
    ]
    older = groups(**query, group_by={"key": "region", "values": ["us"]}).data
    assert [(row.group, row.value) for row in older] == [({"region": "us"}, 4)]
    assert [row.value for row in groups(**query, group_key=["region"], limit=1)] == [8, 3, 4]


def test_usage_of_the_current_period_is_that_of_the_contract(
    sdk: Metronome, simulator: RunningSimulator, customer: str
) -> None:
    query: Any = {"customer_id": customer, "billable_metric_id": CALLS, "window_size": "NONE"}
    with pytest.raises(APIStatusError) as refusal:
        sdk.v1.usage.list_with_groups(**query, current_period=True)
    assert refusal.value.status_code == 400
    start = (TODAY - timedelta(days=400)).strftime("%Y-%m-%dT00:00:00.000Z")
    contract = {"id": CALLS, "customer_id": customer, "starting_at": start, "archived_at": None}
    plant(simulator, contracts_of={customer: [contract]})
    sdk.v1.usage.ingest(usage=[event(1, customer)])
    row = sdk.v1.usage.list_with_groups(**query, current_period=True).data
    assert [(each.starting_on, each.value) for each in row] == [(TODAY.replace(day=1), 1)]
    with pytest.raises(APIStatusError):
        sdk.v1.usage.list_with_groups(**query, current_period=True, starting_on=TODAY)


@pytest.mark.parametrize(
    "change",
    [
        {"group_key": ["team"]},
        {"group_key": ["region", "region"]},
        {"group_key": ["region"], "group_by": {"key": "region"}},
        {"group_key": ["region"], "group_filters": {"team": ["a"]}},
        {"group_key": ["region"], "group_filters": {"region": ["a"] * 201}},
        {"ending_before": TODAY.isoformat()},
        {"starting_on": None},
    ],
)
def test_a_grouped_query_that_does_not_fit_is_refused(
    simulator: RunningSimulator, customer: str, change: dict[str, Any]
) -> None:
    query = {"customer_id": customer, "billable_metric_id": BYTES, "window_size": "DAY"}
    query |= {"starting_on": TODAY.isoformat(), "ending_before": TOMORROW.isoformat()}
    answer = httpx.post(
        f"{simulator.url}/v1/usage/groups",
        json=query | change,
        headers={"authorization": f"Bearer {TOKEN}"},
        trust_env=False,
    )
    assert answer.status_code == 400
    assert answer.json()["message"]
