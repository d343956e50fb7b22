"""Reading the whole account: what is written, what is left alone, and what a broken run says."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from billing.metronome.account import Gateway
from billing.metronome.objects.customer import customers
from billing.mirror import ages, runs
from billing.mirror.models import RefreshRun
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.custom_field_key import CustomFieldKey
from billing.mirror.resources.customer import queries
from billing.mirror.resources.customer.models import Customer, IngestAlias
from billing.mirror.resources.plan import Plan
from billing.mirror.resources.subscription import CustomerPlan
from tests.simulator_server import RunningSimulator

TABLES = (Customer, IngestAlias, Plan, CustomerPlan, CustomFieldKey)


def contents() -> dict[str, list[dict[str, Any]]]:
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in TABLES}


def row_versions() -> list[tuple[str, str]]:
    """Every mirror row's place and writing transaction: equal twice means that nobody wrote or locked it."""
    found = []
    with connection.cursor() as cursor:
        for table in TABLES:
            name = table._meta.db_table
            cursor.execute(f"SELECT ctid::text, xmin::text, xmax::text FROM {name} ORDER BY 1")  # noqa: S608
            found += cursor.fetchall()
    return found


def test_a_first_refresh_mirrors_the_account(gateway: Gateway, simulator: RunningSimulator) -> None:
    run = refresh_account(gateway)

    assert (run.status, run.error) == ("succeeded", "")
    listed = [*gateway.page(customers(archived=False)).items, *gateway.page(customers(archived=True)).items]
    assert len(listed) == 30
    for record in listed:
        assert queries.snapshot(record.id) == record.as_snapshot()
    assert Customer.objects.count() == 30
    assert Plan.objects.count() == 4
    assert CustomerPlan.objects.exists()
    assert run.rows_read == run.rows_written + 0
    assert run.marked_missing == 0


def test_a_second_refresh_of_an_unchanged_account_touches_no_row(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    first = refresh_account(gateway)
    before = row_versions()

    second = refresh_account(gateway)

    assert second.status == "succeeded"
    assert second.rows_read == first.rows_read
    assert second.rows_written == 0
    assert row_versions() == before
    assert ages.freshness().as_of == second.started_at


def test_a_refresh_spends_one_request_a_page(gateway: Gateway, simulator: RunningSimulator) -> None:
    refresh_account(gateway)

    run = refresh_account(gateway)

    # active, archived, plans, four plans' customers, custom field keys, rate cards, packages,
    # products, delivery methods
    assert run.requests_spent == 12


def test_only_what_changed_is_written(gateway: Gateway, simulator: RunningSimulator) -> None:
    refresh_account(gateway)
    changed = gateway.page(customers(archived=False)).items[3]
    before = {row["id"]: row for row in Customer.objects.values()}
    simulator.change("rename", changed.id, name="Larkspur Shipping")

    run = refresh_account(gateway)

    assert run.rows_written == 1
    after = {row["id"]: row for row in Customer.objects.values()}
    assert [after[pk]["name"] for pk in before if before[pk] != after[pk]] == ["Larkspur Shipping"]


def test_aliases_that_were_replaced_are_replaced_in_the_mirror(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    refresh_account(gateway)
    changed = gateway.page(customers(archived=False)).items[2]
    simulator.change("set_ingest_aliases", changed.id, ingest_aliases=["lark-2", "lark-1"])

    refresh_account(gateway)

    assert queries.snapshot(changed.id)["ingest_aliases"] == ["lark-1", "lark-2"]


def test_archiving_upstream_moves_a_customer_without_a_suspicion(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    refresh_account(gateway)
    gone = gateway.page(customers(archived=False)).items[0]
    simulator.change("archive", id=gone.id)

    run = refresh_account(gateway)

    assert (run.suspects, run.marked_missing) == (0, 0)
    assert Customer.objects.get(pk=gone.id).archived_at is not None


def test_a_broken_refresh_says_where_and_marks_nothing(gateway: Gateway, simulator: RunningSimulator) -> None:
    refresh_account(gateway)
    before = contents()
    simulator.fault("GET /v1/plans", "status_before", status=500, count=None)

    run = refresh_account(gateway, pauses=())

    assert run.status == "failed"
    assert run.phase == "plans"
    assert run.error.startswith("It broke off at plans")
    assert "Metronome answered 500" in run.error
    assert contents() == before
    assert ages.freshness().last_run == run
    assert ages.freshness().as_of < run.started_at


@pytest.mark.parametrize("kind", ["html", "empty_object", "truncated", "drop_after"])
def test_an_answer_that_is_no_list_is_never_an_empty_list(
    gateway: Gateway, simulator: RunningSimulator, kind: str
) -> None:
    refresh_account(gateway)
    before = contents()
    simulator.fault("GET /v1/customers", kind, count=None)

    run = refresh_account(gateway, pauses=())

    assert run.status == "failed"
    assert run.phase == "active customers"
    assert contents() == before


def test_a_failure_that_passes_is_outlived(gateway: Gateway, simulator: RunningSimulator) -> None:
    simulator.fault("GET /v1/customers", "status_before", status=503, count=1)

    run = refresh_account(gateway, pauses=(0,))

    assert run.status == "succeeded"
    assert Customer.objects.count() == 30


def test_a_refresh_of_an_account_that_turns_us_away_says_so(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault("GET /v1/customers", "status_before", status=401, message="Unauthorized", count=None)

    run = refresh_account(gateway, pauses=())

    assert run.status == "failed"
    assert "Unauthorized" in run.error


def test_a_row_read_later_is_not_replaced_by_an_older_answer(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    refresh_account(gateway)
    newer = Customer.objects.order_by("id").first()
    Customer.objects.filter(pk=newer.pk).update(name="Read later", fetched_at="2999-01-01T00:00:00Z")

    run = refresh_account(gateway)

    assert run.rows_written == 0
    assert Customer.objects.get(pk=newer.pk).name == "Read later"


def test_what_can_not_be_stored_is_shown_as_replaced(gateway: Gateway, simulator: RunningSimulator) -> None:
    from datetime import UTC, datetime

    from billing.metronome.objects.customer import CustomerRecord
    from billing.mirror.refresh import store_customer

    record = CustomerRecord(
        id="7f1d4f0e-5b0e-4ad0-9c4b-1d6a7b1f0a01",
        name="Nul\x00 and \ud800",
        external_id="e\x00",
        ingest_aliases=("a\x00",),
        custom_fields={"k\x00": "v\ud800"},
        created_at=None,
        updated_at=None,
        archived_at=None,
    )

    store_customer(record, datetime.now(UTC))

    assert queries.snapshot(record.id) == {
        "id": record.id,
        "name": "Nul\ufffd and \ufffd",
        "ingest_aliases": ["a\ufffd"],
        "custom_fields": {"k\ufffd": "v\ufffd"},
        "archived_at": None,
    }


def test_progress_is_seen_from_outside_while_it_runs(gateway: Gateway, simulator: RunningSimulator) -> None:
    seen = []

    refresh_account(gateway, watch=lambda run: seen.append(RefreshRun.objects.get(pk=run.pk)))

    assert [run.status for run in seen] == ["running"] * len(seen)
    assert seen[0].phase == "active customers"
    assert [run.requests_spent for run in seen] == sorted(run.requests_spent for run in seen)
    assert seen[-1].phase == "custom field keys"


def test_a_run_whose_process_died_is_buried_by_the_next(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    dead = RefreshRun.objects.create(scope="account", heartbeat_at="2020-01-01T00:00:00Z")

    run = refresh_account(gateway)

    dead.refresh_from_db()
    assert dead.status == "failed"
    assert dead.error
    assert run.status == "succeeded"


def test_only_one_refresh_of_the_account_runs_at_a_time(
    gateway: Gateway, simulator: RunningSimulator, application_url: str
) -> None:
    import psycopg

    running = RefreshRun.objects.create(scope="account")
    spent = gateway.requests_spent
    with psycopg.connect(application_url) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [runs.ACCOUNT_LOCK])

        assert refresh_account(gateway) == running

    assert gateway.requests_spent == spent
    assert RefreshRun.objects.count() == 1
