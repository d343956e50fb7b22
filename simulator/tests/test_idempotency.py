"""The Idempotency-Key store, and that nothing grows with the number of requests."""

from __future__ import annotations

import asyncio
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator import idempotency
from simulator.checks import rfc3339
from simulator.tests.in_process import Inside

CREATE = "POST /v1/customers"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def inside() -> Inside:
    inside = Inside()
    inside.world.clock["frozen_at"] = rfc3339(NOW)
    return inside


def test_a_replay_is_equal_byte_for_byte_whatever_happened_since(inside: Inside) -> None:
    new = {"name": "Größe 🚀", "ingest_aliases": ["one"]}
    first = inside.answer(CREATE, new, key="k").reply
    made = inside.world.alias_holder["one"]
    inside.ask(f"POST /v1/customers/{made}/setName", {"name": "Other"})
    inside.ask(f"POST /v1/customers/{made}/setIngestAliases", {"ingest_aliases": ["two"]})

    again = inside.answer(CREATE, new, key="k").reply

    assert again.payload() == first.payload()
    assert (again.status, again.content_type) == (200, "application/json")
    assert len(inside.world.effects) == 3


def test_an_empty_answer_is_replayed_empty(inside: Inside) -> None:
    route = f"POST /v1/customers/{inside.world.customer_order[0]}/setIngestAliases"

    answers = [inside.answer(route, {"ingest_aliases": ["a"]}, key="k").reply.payload() for _try in range(2)]

    assert answers == [b"", b""]
    assert len(inside.world.effects) == 1


@pytest.mark.parametrize(
    ("name", "body", "query"),
    [
        (CREATE, {"name": "Alder", "ingest_aliases": []}, {}),
        (CREATE, {"name": "Alder"}, {"x": "1"}),
        ("POST /v1/customers/archive", {"name": "Alder", "id": "1b4e28ba-2fa1-41d2-883f-0016d3cca427"}, {}),
    ],
)
def test_other_params_under_the_same_key_are_a_conflict(
    inside: Inside, name: str, body: Any, query: dict[str, str]
) -> None:
    inside.ask(CREATE, {"name": "Alder"}, key="k")

    status, answer = inside.ask(name, body, key="k", **query)

    assert status == 409
    assert answer == {"message": "Idempotency-Key was already used with different parameters"}
    assert len(inside.world.effects) == 1


def test_the_order_of_members_makes_no_other_params(inside: Inside) -> None:
    first = inside.answer(CREATE, b'{"name":"A","custom_fields":{}}', key="k").reply.payload()

    assert inside.answer(CREATE, b'{ "custom_fields": {}, "name": "A" }', key="k").reply.payload() == first


def test_an_executed_error_is_stored_and_a_validation_is_not(inside: Inside) -> None:
    inside.ask(CREATE, {"name": "First", "ingest_aliases": ["taken"]})
    taken = {"name": "Second", "ingest_aliases": ["taken"]}
    assert inside.ask(CREATE, taken, key="executed")[0] == 409
    assert inside.ask(CREATE, {"name": 5}, key="validated")[0] == 400
    holder = inside.world.alias_holder["taken"]
    inside.ask(f"POST /v1/customers/{holder}/setIngestAliases", {"ingest_aliases": []})

    assert inside.ask(CREATE, taken, key="executed")[0] == 409
    assert inside.ask(CREATE, {"name": "Third"}, key="validated")[0] == 200


@pytest.mark.parametrize(("choice", "second"), [("replay", 500), ("forget", 200)])
def test_a_stored_500_is_replayed_or_forgotten_by_switch(inside: Inside, choice: str, second: int) -> None:
    inside.ask("POST /_sim/switches", {"stored_5xx": choice})
    inside.fault(CREATE, "status_before", status=500)

    assert inside.ask(CREATE, {"name": "K"}, key="k")[0] == 500
    assert inside.ask(CREATE, {"name": "K"}, key="k")[0] == second


@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_refusal_on_the_way_is_not_stored(inside: Inside, status: int) -> None:
    inside.fault(CREATE, "status_before", status=status)

    assert inside.ask(CREATE, {"name": "K"}, key="k")[0] == status
    assert inside.ask(CREATE, {"name": "K"}, key="k")[0] == 200


def test_a_key_is_kept_for_24_hours(inside: Inside) -> None:
    first = inside.ask(CREATE, {"name": "K"}, key="k")

    inside.world.clock["frozen_at"] = rfc3339(NOW + timedelta(hours=24, milliseconds=-1))
    assert inside.ask(CREATE, {"name": "K"}, key="k") == first
    inside.world.clock["frozen_at"] = rfc3339(NOW + timedelta(hours=24))
    assert inside.ask(CREATE, {"name": "K"}, key="k")[1]["data"]["id"] != first[1]["data"]["id"]


def test_keys_of_different_tokens_and_of_reads_are_nobodys_business(inside: Inside) -> None:
    ours = inside.ask(CREATE, {"name": "K"}, key="k")[1]
    theirs = inside.ask(CREATE, {"name": "K"}, key="k", token="theirs")[1]

    assert ours["data"]["id"] != theirs["data"]["id"]
    assert inside.ask("GET /v1/plans", key="k")[0] == 200


def test_a_second_request_with_a_key_that_is_running_is_a_conflict_and_is_not_stored(inside: Inside) -> None:
    inside.fault(CREATE, "hang_before", seconds=0.05)

    async def both() -> list[int]:
        requests = [inside.request(CREATE, {"name": "K"}, key="k") for _each in range(2)]
        return [each.reply.status for each in await asyncio.gather(*map(inside.service.answer, requests))]

    assert asyncio.run(both()) == [200, 409]
    assert inside.ask(CREATE, {"name": "K"}, key="k")[0] == 200
    assert len(inside.world.effects) == 1


def test_answers_survive_a_snapshot(inside: Inside) -> None:
    first = inside.answer(CREATE, {"name": "K"}, key="k").reply.payload()
    _status, snapshot = inside.ask("GET /_sim/snapshot")
    inside.ask("POST /_sim/restore", snapshot)

    assert inside.answer(CREATE, {"name": "K"}, key="k").reply.payload() == first


def test_answers_are_bounded_and_the_oldest_go_first(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "MOST", 50)
    route = f"POST /v1/customers/{inside.world.customer_order[0]}/setName"

    for number in range(200):
        inside.ask(route, {"name": "N"}, key=f"k{number}")

    assert list(inside.world.answers) == [f"Ours k{number}" for number in range(150, 200)]


def test_memory_stays_flat_however_many_requests_there_are(inside: Inside) -> None:
    """10,000 here; the same loop with a million ended 0.1 MB above where it began."""
    names = ["GET /v1/customers", "GET /v1/plans", "GET /v9", "POST /v1/contracts/list", "GET /v1/auditLogs"]

    async def read(count: int) -> None:
        for number in range(count):
            await inside.service.answer(
                inside.request(names[number % len(names)], key=f"k{number}", limit="2")
            )

    asyncio.run(read(2_000))
    tracemalloc.start()
    before = tracemalloc.take_snapshot()
    asyncio.run(read(10_000))
    after = tracemalloc.take_snapshot()
    tracemalloc.stop()

    grown = sum(each.size_diff for each in after.compare_to(before, "filename") if each.size_diff > 0)
    assert grown < 500_000  # less than 50 bytes a request: the last 200 of them, and their texts
