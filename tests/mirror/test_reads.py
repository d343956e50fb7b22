"""Single reads of the mirror: a customer, who holds an alias, plans, and how old all of it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing import clock
from billing.metronome.objects.customer import CustomerRecord
from billing.mirror import ages
from billing.mirror.models import RefreshRun
from billing.mirror.refresh import store_customer
from billing.mirror.resources import plan as plans
from billing.mirror.resources.custom_field_key import CustomFieldKey, customer_field_keys
from billing.mirror.resources.customer import queries
from billing.mirror.resources.customer.models import Customer, IngestAlias
from billing.mirror.resources.plan import Plan
from billing.mirror.resources.subscription import CustomerPlan, subscriptions_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)


def add(name: str, *aliases: str, **more: object) -> Customer:
    row = Customer.objects.create(**{"id": uuid4(), "name": name, "fetched_at": NOW, **more})
    IngestAlias.objects.bulk_create(
        IngestAlias(customer=row, alias=alias, fetched_at=NOW) for alias in aliases
    )
    return row


def ran(status: str, age: timedelta, **more: object) -> RefreshRun:
    began = timezone.now() - age
    return RefreshRun.objects.create(
        **{"scope": "account", "status": status, "started_at": began, "heartbeat_at": began, **more}
    )


def test_a_snapshot_has_the_shape_of_the_live_customer() -> None:
    record = CustomerRecord(
        id=str(uuid4()),
        name="Kitsune 株式会社 🦊",
        external_id=None,
        ingest_aliases=("b", " a ", "B", "é", "z"),
        custom_fields={"cost_centre": "EU-410", "": " "},
        created_at=NOW,
        updated_at=NOW,
        archived_at=NOW,
    )

    store_customer(record, NOW)

    assert queries.snapshot(record.id) == record.as_snapshot()
    assert queries.snapshot(uuid4()) is None


def test_a_customer_comes_with_aliases_and_plans_in_three_queries() -> None:
    row = add("Halcyon", "b", "a")
    for number in (1, 2):
        plan = Plan.objects.create(id=UUID(int=number), name=f"Plan {number}", fetched_at=NOW)
        CustomerPlan.objects.create(
            id=UUID(int=number),
            customer=row,
            plan=plan,
            starting_on=NOW + timedelta(days=number),
            fetched_at=NOW,
        )

    with CaptureQueriesContext(connection) as asked:
        found = queries.customer(row.pk)
        facts = (
            queries.aliases_of(found.pk),
            [subscription.plan.name for subscription in subscriptions_of(found.pk)],
        )

    assert facts == (["a", "b"], ["Plan 2", "Plan 1"])
    assert len(asked) == 3
    assert queries.customer(uuid4()) is None


def test_holders_of_an_alias_are_exact_and_leave_missing_customers_out() -> None:
    active = add("Active", "shared", "own")
    archived = add("Archived", "shared", archived_at=NOW)
    add("Missing", "shared", "lost", missing_since=NOW)

    holders = queries.alias_holders(["shared", "SHARED", "own", "lost", "free", "nul\x00", "\ud800"])

    assert holders == {
        "own": [queries.Holder(active.pk, "Active", None)],
        "shared": [
            queries.Holder(active.pk, "Active", None),
            queries.Holder(archived.pk, "Archived", NOW),
        ],
    }


def test_only_keys_that_a_customer_can_carry_are_named() -> None:
    for entity, key, missing_since in (
        ("customer", "region", None),
        ("customer", "cost_centre", None),
        ("customer", "gone", NOW),
        ("contract", "order", None),
    ):
        CustomFieldKey.objects.create(entity=entity, key=key, fetched_at=NOW, missing_since=missing_since)

    assert customer_field_keys() == ["cost_centre", "region"]


def test_plans_and_field_keys_stand_in_the_order_of_their_folded_names() -> None:
    in_order = ["Adler", "Ålesund", "Dahl", "Đorđe", "éclair", "Ost", "Zephyr"]
    for number, name in enumerate(reversed(in_order), start=1):
        Plan.objects.create(id=UUID(int=number), name=name, fetched_at=NOW)
        CustomFieldKey.objects.create(entity="customer", key=name, fetched_at=NOW)

    assert [plan.name for plan in plans.plans()] == in_order
    assert [plan.name for plan in plans.plan_names()] == in_order
    assert customer_field_keys() == in_order


def test_plans_count_subscriptions_that_have_not_ended_and_list_them_all() -> None:
    scale = Plan.objects.create(id=UUID(int=1), name="Scale", description="For growth", fetched_at=NOW)
    empty = Plan.objects.create(id=UUID(int=2), name="Empty", fetched_at=NOW, missing_since=NOW)
    for number in range(1, 6):
        CustomerPlan.objects.create(
            id=UUID(int=number),
            customer=add(f"Company {number}"),
            plan=scale,
            starting_on=NOW,
            ending_before=NOW if number == 5 else None,
            fetched_at=NOW,
        )

    assert plans.plans() == [
        plans.PlanRow(empty.pk, "Empty", "", 0, NOW),
        plans.PlanRow(scale.pk, "Scale", "For growth", 4, None),
    ]
    assert plans.plan_names() == [(empty.pk, "Empty"), (scale.pk, "Scale")]
    first = plans.plan_customers(scale.pk, limit=3)
    second = plans.plan_customers(scale.pk, first.older, limit=3)
    assert [row.customer.name for row in first.rows] == ["Company 5", "Company 4", "Company 3"]
    assert [row.customer.name for row in second.rows] == ["Company 2", "Company 1"]
    assert (first.newer, second.older) == (None, None)
    assert plans.plan_customers(scale.pk, second.newer, limit=3).rows == first.rows
    with CaptureQueriesContext(connection) as asked:
        [row.customer.name for row in plans.plan_customers(scale.pk).rows]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("age", "state"),
    [
        (timedelta(seconds=20), "fresh"),
        (timedelta(minutes=11), "fresh"),
        (timedelta(minutes=13), "ageing"),
        (timedelta(minutes=14), "ageing"),
        (timedelta(minutes=16), "stale"),
        (timedelta(days=9), "stale"),
    ],
)
def test_the_mirror_is_as_old_as_the_beginning_of_its_last_complete_refresh(
    age: timedelta, state: str
) -> None:
    complete = ran("succeeded", age)
    ran("succeeded", timedelta(seconds=1), scope="customer")
    failed = ran("failed", timedelta(seconds=5))

    found = ages.freshness()

    assert found == ages.Freshness(complete.started_at, state, failed, None)


def test_an_account_that_is_refreshed_on_time_is_always_fresh(settings: Any) -> None:
    every = settings.CELERY_BEAT_SCHEDULE["refresh the mirror"]["schedule"]

    assert timedelta(seconds=every) + timedelta(minutes=1) < ages.FRESH_FOR
    assert timedelta(minutes=15) == ages.AGEING_FOR


def test_ages_are_judged_by_the_databases_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    ran("succeeded", timedelta(minutes=5))
    assert ages.freshness().state == "fresh"
    assert abs(clock.now() - timezone.now()) < timedelta(seconds=1)

    monkeypatch.setattr(clock, "_ahead", timedelta(minutes=30))

    assert ages.freshness().state == "stale"


def test_a_mirror_that_was_never_complete_has_no_age() -> None:
    assert ages.freshness() == ages.Freshness(None, "empty", None, None)

    failed = ran("failed", timedelta(seconds=5))

    assert ages.freshness() == ages.Freshness(None, "empty", failed, None)


def test_a_refresh_without_a_heartbeat_is_not_called_running() -> None:
    alive = ran("running", timedelta(seconds=5))
    assert ages.freshness().running == alive

    RefreshRun.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=6))

    assert ages.freshness().running is None
    assert ages.freshness().last_run == alive


def test_a_customer_is_as_fresh_as_its_row_or_the_last_complete_refresh() -> None:
    began = timezone.now() - timedelta(minutes=3)
    account = ages.Freshness(began, "ageing", None, None)

    assert ages.as_of(add("Old row"), account) == began
    newer = add("New row", fetched_at=began + timedelta(minutes=1))
    assert ages.as_of(newer, account) == newer.fetched_at
    assert ages.as_of(add("Missing", missing_since=NOW), account) == NOW
    assert ages.as_of(add("Lone"), ages.Freshness(None, "empty", None, None)) == NOW
