"""A refresh that something happens to: it ends with a sentence, gives its lock back and marks nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import OperationalError, connection

from billing.metronome.account import Gateway
from billing.metronome.listing import Listing, UnreadPage
from billing.mirror import runs, sweep
from billing.mirror.connection import open_gateway
from billing.mirror.models import RefreshRun
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.customer.models import Customer
from tests.simulator_server import OTHER_ACCOUNT_TOKEN, RunningSimulator

LONG_AGO = "2020-01-01T00:00:00Z"


def is_lock_free(application_url: str) -> bool:
    with psycopg.connect(application_url) as other:
        return other.execute("SELECT pg_try_advisory_lock(%s)", [runs.ACCOUNT_LOCK]).fetchone()[0]


def test_the_unforeseen_ends_the_run_and_goes_on_up(gateway: Gateway, application_url: str) -> None:
    def trip(run: RefreshRun) -> None:
        if run.phase == "plans":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        refresh_account(gateway, watch=trip)

    run = RefreshRun.objects.get()
    assert run.status == "failed"
    assert run.error == (
        "It broke off at plans (page 1): ZeroDivisionError. "
        "What was read before is kept; nothing was marked missing."
    )
    assert Customer.objects.count() == 30
    assert is_lock_free(application_url)


def test_a_lost_connection_ends_the_run_on_a_new_one(gateway: Gateway, application_url: str) -> None:
    line = connection.settings_dict
    pid = connection.connection.info.backend_pid

    def cut_the_line(run: RefreshRun) -> None:
        if run.phase == "plans":
            with psycopg.connect(
                host=line["HOST"],
                port=line["PORT"],
                user=line["USER"],
                password=line["PASSWORD"],
                dbname=line["NAME"],
            ) as owner:
                owner.execute("SELECT pg_terminate_backend(%s)", [pid])

    with pytest.raises(OperationalError):
        refresh_account(gateway, watch=cut_the_line)

    run = RefreshRun.objects.get()
    assert run.status == "failed"
    assert run.error.startswith("It broke off at customers of plans")
    assert is_lock_free(application_url)


def test_a_run_that_another_process_ended_stops_without_marking(gateway: Gateway) -> None:
    refresh_account(gateway)
    Customer.objects.create(id=uuid4(), name="Nobody Ltd", fetched_at=LONG_AGO)

    def bury(run: RefreshRun) -> None:
        RefreshRun.objects.filter(pk=run.pk).update(status="failed", error="buried")

    run = refresh_account(gateway, watch=bury)

    assert (run.status, run.error) == ("failed", "buried")
    assert not Customer.objects.filter(missing_since__isnull=False).exists()


def test_a_token_of_another_account_reads_nothing_into_the_mirror(
    gateway: Gateway, settings: object, simulator: RunningSimulator
) -> None:
    refresh_account(gateway)
    before = list(Customer.objects.order_by("pk").values())
    settings.METRONOME = settings.METRONOME.__class__("simulator", simulator.url, OTHER_ACCOUNT_TOKEN, 1000.0)

    with open_gateway() as other:
        run = refresh_account(other)

    assert run.status == "failed"
    assert "belongs to another Metronome account" in run.error
    assert list(Customer.objects.order_by("pk").values()) == before


def test_a_stuck_refresh_of_one_customer_is_buried_after_five_minutes(gateway: Gateway) -> None:
    dead = RefreshRun.objects.create(scope="customer", customer_id=uuid4(), heartbeat_at=LONG_AGO)
    alive = RefreshRun.objects.create(scope="customer", customer_id=uuid4())

    refresh_account(gateway)

    dead.refresh_from_db()
    alive.refresh_from_db()
    assert (dead.status, alive.status) == ("failed", "running")
    assert dead.error == "The process that ran it ended without a word. Nothing was marked missing."


def test_a_lost_redis_ends_the_refresh_in_words(gateway: Gateway, settings: object) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with open_gateway() as cut_off:
        run = refresh_account(cut_off, pauses=())

    assert run.status == "failed"
    assert "Redis, which holds the request budget, does not answer." in run.error


def test_what_metronome_says_is_kept_even_where_it_can_not_be_stored(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault("GET /v1/customers", "status_before", status=500, message="broken \x00", count=None)

    run = refresh_account(gateway, pauses=())

    assert run.status == "failed"
    assert "Metronome answered 500: broken \ufffd" in run.error


def test_an_account_of_many_pages_is_read_to_its_end_and_each_page_once(
    gateway: Gateway, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.reset(customers=250)
    monkeypatch.setattr(sweep, "ROWS_AT_ONCE", 1)
    positions = []

    run = refresh_account(gateway, watch=lambda run: positions.append(run.position))

    assert run.status == "succeeded"
    active = Customer.objects.filter(archived_at__isnull=True).count()
    assert Customer.objects.count() == 250
    assert [place.split(",")[0] for place in positions[:3]] == ["page 1", "page 2", "page 3"]
    assert 200 < active < 250


def test_a_run_that_breaks_on_a_later_page_keeps_the_pages_before(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.reset(customers=250)
    simulator.fault("GET /v1/customers", "status_before", status=500, skip=2)

    run = refresh_account(gateway, pauses=())

    assert run.status == "failed"
    assert run.error.startswith("It broke off at active customers (page 3, cursor ")
    assert Customer.objects.count() == run.rows_read == run.rows_written == 200


class CirclingGateway(Gateway):
    """Metronome with a list that never ends: its second page leads back to itself."""

    def unread(self, listing: Listing[Any], cursor: str | None = None) -> UnreadPage[Any]:
        return replace(super().unread(listing), next_cursor="round and round")


def test_a_list_that_goes_round_in_a_circle_is_left(gateway: Gateway) -> None:
    with CirclingGateway(gateway.config) as circling:
        run = refresh_account(circling, pauses=())

    assert run.status == "failed"
    assert "a cursor came twice" in run.error
    assert run.requests_spent == 2
