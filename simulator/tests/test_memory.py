"""Memory has an end: reads leave nothing behind, and of what writes leave only the newest is kept."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator.tests.histories import finished
from simulator.tests.in_process import Inside
from simulator.world import World

KEEP = 20
ROWS = "GET /v1/auditLogs"


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A service that keeps at least 20 rows of everything."""
    monkeypatch.setattr(World, "keep", KEEP)
    return Inside()


def rename(inside: Inside, count: int) -> None:
    path = f"POST /v1/customers/{inside.world.customer_order[0]}/setName"
    for number in range(count):
        assert inside.ask(path, {"name": f"Name {number}"})[0] == 200


def ingest(inside: Inside, *transactions: str) -> None:
    event: dict[str, Any] = {"event_type": "call", "timestamp": inside.world.stamp()}
    event["customer_id"] = inside.world.customer_order[0]
    answer = inside.ask("POST /v1/ingest", [{**event, "transaction_id": each} for each in transactions])
    assert answer == (200, None)


def test_twenty_thousand_reads_leave_memory_as_it_was() -> None:
    inside = Inside()
    customers = inside.world.customer_order
    reads = [inside.request(f"GET /v1/customers/{each}") for each in customers]
    reads += [inside.request(f"GET /v1/customers/{each}/invoices", limit="2") for each in customers]
    reads += [inside.request("POST /v2/contracts/list", {"customer_id": each}) for each in customers]
    reads += [inside.request("GET /v1/customers", limit="2"), inside.request("GET /v1/nothing")]
    before = [0, 0]

    tracemalloc.start()
    try:
        for number in range(20_000):
            if number == 2_000:  # by then everything that is made once is there
                gc.collect()
                before = list(tracemalloc.get_traced_memory())
            finished(inside.service.answer(reads[number % len(reads)]))
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before[0]
    finally:
        tracemalloc.stop()

    assert grown < 50_000


def test_effects_and_audit_rows_are_forgotten_oldest_first(forgetful: Inside) -> None:
    rename(forgetful, 5 * KEEP)

    effects = forgetful.ask("GET /_sim/ledger")[1]["data"]
    assert KEEP <= len(effects) < 2 * KEEP
    assert [row["sequence"] for row in effects] == list(range(effects[0]["sequence"], 5 * KEEP + 1))
    assert [row["sequence"] for row in forgetful.ask("GET /_sim/ledger", since="98")[1]["data"]] == [99, 100]
    assert KEEP <= len(forgetful.world.audit_log) < 2 * KEEP


@pytest.mark.parametrize("sort", ["date_asc", "date_desc"])
def test_an_audit_cursor_goes_on_where_it_was_although_rows_were_forgotten(
    forgetful: Inside, sort: str
) -> None:
    rename(forgetful, 2 * KEEP - 2)
    first = forgetful.ask(ROWS, sort=sort, limit="25")[1]
    ids = [row["id"] for row in forgetful.world.audit_log]
    rename(forgetful, 5)
    forgotten = set(ids) - {row["id"] for row in forgetful.world.audit_log}

    rest = forgetful.ask(ROWS, next_page=first["next_page"])[1]["data"]

    assert forgotten
    if sort == "date_asc":
        assert [row["id"] for row in rest][:13] == ids[25:]
        assert len(rest) == 13 + 5
    else:
        assert rest == []  # what came before is forgotten


def test_events_are_forgotten_oldest_first_and_one_that_came_again_is_young(forgetful: Inside) -> None:
    forgetful.world.clock["frozen_at"] = forgetful.world.stamp()
    ingest(forgetful, *(f"early-{number}" for number in range(KEEP)))
    later = datetime.now(UTC) + timedelta(days=40)
    forgetful.ask("POST /_sim/clock", {"at": f"{later:%Y-%m-%dT%H:%M:%SZ}", "frozen": True})
    ingest(forgetful, "early-3", *(f"late-{number}" for number in range(KEEP - 1)))
    ingest(forgetful, "last")

    kept = list(forgetful.world.event_of_transaction)
    assert kept == ["early-3", *(f"late-{number}" for number in range(KEEP - 1)), "last"][-len(kept) :]
    assert KEEP <= len(kept) < 2 * KEEP
    held = [event["transaction_id"] for rows in forgetful.world.events_by_name.values() for event in rows]
    assert sorted(held) == sorted(kept)


def test_the_answers_of_many_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.idempotency.MOST", 50)
    inside = Inside()
    path = f"POST /v1/customers/{inside.world.customer_order[0]}/setName"

    for number in range(200):
        inside.ask(path, {"name": "A"}, key=f"key-{number}")

    assert len(inside.world.answers) <= 50
    assert list(inside.world.answers)[-1] == "Ours key-199"
