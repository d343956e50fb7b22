"""The customers page: turned both ways in every order, counted up to a point, always in two queries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.audit.paging import Cursor, CursorRefused
from billing.mirror import queries
from billing.mirror.filters import CustomerFilter
from billing.mirror.models import Customer, CustomerPlan, CustomFieldKey, IngestAlias, Plan

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SORTS = ["name", "-name", "created_at", "-created_at"]


def crowd(size: int) -> None:
    """Customers with equal names, equal times and no times among them, each with four aliases and a plan."""
    plan = Plan.objects.create(id=UUID(int=1), name="Growth", fetched_at=NOW)
    made = Customer.objects.bulk_create(
        Customer(
            id=UUID(int=1_000 + number),
            name=f"{'Name' if number % 2 else 'nAME'} {number % 5}",
            created_at=NOW - timedelta(days=number % 3) if number % 4 else None,
            fetched_at=NOW,
        )
        for number in range(size)
    )
    IngestAlias.objects.bulk_create(
        IngestAlias(customer=each, alias=f"{each.pk}-{letter}", fetched_at=NOW)
        for each in made
        for letter in "dbca"
    )
    CustomerPlan.objects.bulk_create(
        CustomerPlan(
            id=UUID(int=each.pk.int + 5_000), customer=each, plan=plan, starting_on=NOW, fetched_at=NOW
        )
        for each in made
    )


@pytest.mark.parametrize("sort", SORTS)
def test_turning_the_pages_shows_each_customer_once_and_the_way_back_is_the_same(sort: str) -> None:
    crowd(23)
    wanted = CustomerFilter(sort=sort)
    whole = [row.id for row in queries.customers(wanted, limit=100).rows]
    assert len(set(whole)) == 23

    forward = [queries.customers(wanted, limit=4)]
    while forward[-1].older:
        forward.append(queries.customers(wanted, forward[-1].older, limit=4))
    back = [forward[-1]]
    while back[-1].newer:
        back.append(queries.customers(wanted, back[-1].newer, limit=4))

    assert [row.id for page in forward for row in page.rows] == whole
    assert len(forward) == 6
    # The last page is short, so going back the cuts fall elsewhere; no row is lost or doubled.
    assert [row.id for page in reversed(back) for row in page.rows] == whole
    assert (forward[0].newer, forward[-1].older, back[-1].newer) == (None, None, None)


def test_names_sort_without_regard_to_case() -> None:
    for number, name in enumerate(["beta", "Alpha", "alpha", "Beta"]):
        Customer.objects.create(id=UUID(int=number), name=name, fetched_at=NOW)

    assert [row.name.lower() for row in queries.customers(CustomerFilter()).rows] == [
        "alpha",
        "alpha",
        "beta",
        "beta",
    ]


def test_a_line_shows_three_aliases_their_number_and_current_plans() -> None:
    crowd(1)

    row = queries.customers(CustomerFilter()).rows[0]

    assert row.aliases == [f"{row.id}-{letter}" for letter in "abc"]
    assert row.alias_count == 4
    assert row.plan_names == ["Growth"]


@pytest.mark.parametrize("size", [2, 20])
@pytest.mark.parametrize("q", ["", "name"])
def test_a_page_is_two_queries_however_many_rows(size: int, q: str) -> None:
    crowd(size)

    with CaptureQueriesContext(connection) as run:
        page = queries.customers(CustomerFilter(q=q))

    assert len(page.rows) == size
    assert len(run) == 2


def test_a_narrow_list_is_counted_up_to_a_thousand() -> None:
    Customer.objects.bulk_create(
        Customer(id=UUID(int=number), name=f"Crowd {number}", fetched_at=NOW) for number in range(1_001)
    )

    page = queries.customers(CustomerFilter(q="crowd"))
    assert (page.count, page.count_is_capped) == (1_001, True)

    Customer.objects.filter(pk=UUID(int=0)).update(name="Other")
    page = queries.customers(CustomerFilter(q="crowd"))
    assert (page.count, page.count_is_capped) == (1_000, False)


def test_status_and_plan_narrow() -> None:
    crowd(3)
    first, second, third = Customer.objects.order_by("id")
    Customer.objects.filter(pk=first.pk).update(archived_at=NOW)
    Customer.objects.filter(pk=second.pk).update(missing_since=NOW)
    CustomerPlan.objects.filter(customer=third).update(ending_before=NOW - timedelta(days=1))

    def ids(**narrowed: object) -> list[UUID]:
        return [row.id for row in queries.customers(CustomerFilter(**narrowed)).rows]

    assert ids() == [third.pk]
    assert ids(status="archived") == [first.pk]
    assert ids(status="missing") == [second.pk]
    assert set(ids(status="all")) == {first.pk, third.pk}
    assert ids(status="all", plan_id=UUID(int=1)) == [first.pk]


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        str(Cursor("-name", True, "a", str(UUID(int=1)))),
        str(Cursor("name", True, "a", "no-uuid")),
        str(Cursor("name", True, "a\x00", str(UUID(int=1)))),
    ],
)
def test_a_cursor_of_another_list_is_refused(cursor: str) -> None:
    with pytest.raises(CursorRefused):
        queries.customers(CustomerFilter(), cursor)


def test_a_cursor_whose_place_is_no_time_is_refused() -> None:
    cursor = str(Cursor("created_at", True, "soon", str(UUID(int=1))))

    with pytest.raises(CursorRefused):
        queries.customers(CustomerFilter(sort="created_at"), cursor)


def test_who_holds_an_alias_is_told_for_each_of_many() -> None:
    crowd(2)
    first, second = Customer.objects.order_by("id")
    IngestAlias.objects.create(customer=second, alias=f"{first.pk}-a", fetched_at=NOW)
    Customer.objects.filter(pk=second.pk).update(archived_at=NOW)

    holders = queries.alias_holders([f"{first.pk}-a", f"{second.pk}-b", "free", "no\x00"])

    assert {alias: [(held.id, held.archived_at) for held in by] for alias, by in holders.items()} == {
        f"{first.pk}-a": [(first.pk, None), (second.pk, NOW)],
        f"{second.pk}-b": [(second.pk, NOW)],
    }


def test_namesakes_are_found_whatever_the_case_active_ones_first() -> None:
    for number, (name, archived_at) in enumerate(
        [("Halcyon", NOW), ("HALCYON", None), ("Halcyon Ltd", None), ("Ärger", None)]
    ):
        Customer.objects.create(id=UUID(int=number), name=name, archived_at=archived_at, fetched_at=NOW)

    assert [row.name for row in queries.customers_named("halcyon")] == ["HALCYON", "Halcyon"]
    assert [row.name for row in queries.customers_named("ÄRGER")] == ["Ärger"]
    assert queries.customers_named("%") == queries.customers_named("\x00") == []


def test_only_keys_that_are_still_there_can_be_filled_in() -> None:
    for key, entity, missing in [("b", "customer", None), ("a", "customer", None), ("c", "customer", NOW)]:
        CustomFieldKey.objects.create(entity=entity, key=key, missing_since=missing, fetched_at=NOW)
    CustomFieldKey.objects.create(entity="contract", key="d", fetched_at=NOW)

    assert queries.customer_field_keys() == ["a", "b"]


def test_one_customer_is_three_queries_with_its_aliases_and_plans(django_assert_num_queries) -> None:
    crowd(2)
    wanted = Customer.objects.order_by("id").first()

    with django_assert_num_queries(3):
        found = queries.customer(wanted.pk)
        shown = (
            [each.alias for each in found.aliases.all()],
            [s.plan.name for s in found.customer_plans.all()],
        )

    assert shown == ([f"{wanted.pk}-{letter}" for letter in "abcd"], ["Growth"])
    assert queries.customer(UUID(int=77)) is None


def test_plans_are_one_query_and_count_what_has_not_ended(django_assert_num_queries) -> None:
    crowd(4)
    Plan.objects.create(id=UUID(int=2), name="Empty", fetched_at=NOW)
    CustomerPlan.objects.filter(pk=UUID(int=6_000)).update(ending_before=NOW - timedelta(days=1))

    with django_assert_num_queries(1):
        rows = queries.plans()

    assert [(row.name, row.customers) for row in rows] == [("Empty", 0), ("Growth", 3)]


def test_a_plans_customers_are_paged() -> None:
    crowd(5)

    first = queries.plan_customers(UUID(int=1), limit=3)
    second = queries.plan_customers(UUID(int=1), first.older, limit=3)

    shown = [row.customer.pk.int for row in (*first.rows, *second.rows)]
    assert shown == [1_004, 1_003, 1_002, 1_001, 1_000]
    assert second.older is None
