"""How many are on a plan is what a count would say, whoever wrote the subscriptions and however."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import Q

from billing.mirror.resources import plan as plans
from billing.mirror.resources.customer.models import Customer
from billing.mirror.resources.plan import Plan
from billing.mirror.resources.subscription import CustomerPlan
from billing.mirror.resources.tally import PlanTally, recount
from tests.pages.conftest import now

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def two_plans(request: pytest.FixtureRequest) -> list[Plan]:
    request.getfixturevalue("transactional_db" if "application_url" in request.fixturenames else "db")
    Customer.objects.create(id=UUID(int=1), name="Halcyon", fetched_at=now())
    return [Plan.objects.create(id=UUID(int=n), name=f"Plan {n}", fetched_at=now()) for n in (1, 2)]


def add(plan: Plan, number: int, ending_before: datetime | None = None, **more: object) -> list[CustomerPlan]:
    began = {"starting_on": now() - DAY, "fetched_at": now(), "ending_before": ending_before}
    return CustomerPlan.objects.bulk_create(
        CustomerPlan(id=uuid4(), customer_id=UUID(int=1), plan=plan, **began, **more) for _ in range(number)
    )


def shown() -> list[int]:
    return [row.customers for row in plans.plans()]


def counted() -> list[int]:
    goes_on = Q(ending_before=None) | Q(ending_before__gt=now())
    held = CustomerPlan.objects.filter(goes_on, missing_since=None).values_list("plan_id", flat=True)
    return [Counter(held)[UUID(int=n)] for n in (1, 2)]


def test_it_follows_every_kind_of_write(two_plans: list[Plan]) -> None:
    one, two = two_plans
    assert shown() == [0, 0]
    add(one, 5)
    add(one, 2, now() + DAY)
    add(one, 3, now() - DAY)
    add(two, 4, missing_since=now())
    assert shown() == [7, 0] == counted()

    CustomerPlan.objects.filter(plan=two).update(missing_since=None)
    CustomerPlan.objects.filter(plan=one, ending_before__lt=now()).update(ending_before=None)
    assert shown() == [10, 4] == counted()
    before = PlanTally.objects.count()
    CustomerPlan.objects.update(fetched_at=now())
    assert PlanTally.objects.count() == before  # what only was read again moves nobody

    CustomerPlan.objects.filter(plan=one).update(plan=two)
    assert shown() == [0, 14] == counted()
    CustomerPlan.objects.filter(ending_before__isnull=False).delete()
    assert shown() == [0, 12] == counted()
    assert [row.customers for row in plans.plans("-customers")] == [12, 0]


def test_who_ends_leaves_without_a_write(two_plans: list[Plan]) -> None:
    add(two_plans[0], 3, now() + timedelta(seconds=0.2))
    assert shown() == [3, 0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.3)")
    assert shown() == [0, 0] == counted()


def test_what_is_rolled_back_is_not_counted(two_plans: list[Plan]) -> None:
    add(two_plans[0], 2)
    with transaction.atomic():
        add(two_plans[0], 3)
        assert shown() == [5, 0]
        transaction.set_rollback(True)
    assert shown() == [2, 0]


def test_a_recount_leaves_one_row_a_plan_and_end(two_plans: list[Plan]) -> None:
    for _ in range(3):
        add(two_plans[0], 1)
    ends = now() + DAY
    add(two_plans[1], 2, ends)
    with connection.cursor() as cursor:  # as a restore would, that brings the rows and counts them again
        cursor.execute("INSERT INTO billing_plantally (plan_id, number) VALUES (%s, 3)", [two_plans[0].pk])
    assert shown() == [6, 2]

    recount()

    assert shown() == [3, 2] == counted()
    told = PlanTally.objects.order_by("plan").values_list("number", "ending_before")
    assert list(told) == [(3, None), (2, ends)]
    rows = set(PlanTally.objects.values_list("pk", flat=True))
    recount()
    assert set(PlanTally.objects.values_list("pk", flat=True)) == rows  # what is right is left alone


@pytest.mark.django_db(transaction=True)
def test_the_applications_role_tallies_as_it_writes(application_url: str, two_plans: list[Plan]) -> None:
    held, two = add(two_plans[0], 2), two_plans[1].pk
    with psycopg.connect(application_url) as first, psycopg.connect(application_url) as second:
        for writer, row in ((first, held[0]), (second, held[1])):
            writer.execute("SET lock_timeout = '2s'")
            writer.execute("UPDATE billing_customerplan SET plan_id = %s WHERE id = %s", [two, row.pk])
        first.commit()
        assert shown() == [1, 1]
        recount()  # while the other is still at it
        second.commit()
    assert shown() == [0, 2] == counted()


def test_the_list_counts_no_subscription() -> None:
    assert "billing_customerplan" not in str(plans.in_order("customers").query)
