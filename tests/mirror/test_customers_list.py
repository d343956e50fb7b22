"""The list of customers: its rows, its order, its pages in both directions and its count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.lists.paging import Cursor, CursorRefused
from billing.mirror.resources.customer.filters import CustomerFilter
from billing.mirror.resources.customer.models import Customer, IngestAlias
from billing.mirror.resources.customer.queries import CustomerRow, count_customers, customers
from billing.mirror.resources.plan import Plan
from billing.mirror.resources.subscription import CustomerPlan

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SORTS = ("name", "-name", "created_at", "-created_at")


def add(number: int, name: str = "", **more: object) -> Customer:
    values = {"id": UUID(int=number), "name": name or f"Company {number:03}", "fetched_at": NOW, **more}
    return Customer.objects.create(**values)


def subscribe(customer: Customer, plan: Plan, number: int, **more: object) -> None:
    values = {"id": UUID(int=number), "starting_on": NOW, "fetched_at": NOW, **more}
    CustomerPlan.objects.create(customer=customer, plan=plan, **values)


def walk(wanted: CustomerFilter, limit: int) -> list[list[int]]:
    """Every page going on, then every page coming back from the last; both must be the same pages."""
    pages, cursor = [], None
    while True:
        page = customers(wanted, cursor, limit)
        pages.append([row.id.int for row in page.rows])
        if page.older is None:
            break
        cursor = page.older
    back = [pages[-1]]
    while page.newer:
        page = customers(wanted, page.newer, limit)
        back.append([row.id.int for row in page.rows])
    assert list(reversed(back)) == pages
    return pages


def test_a_row_says_what_the_page_shows() -> None:
    customer = add(1, "Halcyon Freight GmbH", external_id="crm-7", created_at=NOW)
    for alias in ("d", "b", "a", "c"):
        IngestAlias.objects.create(customer=customer, alias=alias, fetched_at=NOW)
    running, ended, later, gone = (
        Plan.objects.create(id=UUID(int=number), name=name, fetched_at=NOW)
        for number, name in enumerate(("Running", "Ended", "Later", "Gone"), start=1)
    )
    today = datetime.now(UTC)
    subscribe(customer, running, 1)
    subscribe(customer, running, 2)
    subscribe(customer, ended, 3, ending_before=today - timedelta(days=1))
    subscribe(
        customer, later, 4, starting_on=today + timedelta(days=9), ending_before=today + timedelta(days=99)
    )
    subscribe(customer, gone, 5, missing_since=NOW)

    page = customers(CustomerFilter())

    assert page.rows == [
        CustomerRow(
            id=UUID(int=1),
            name="Halcyon Freight GmbH",
            external_id="crm-7",
            aliases=["a", "b", "c"],
            alias_count=4,
            plan_names=["Later", "Running"],
            archived_at=None,
            created_at=NOW,
            missing_since=None,
        )
    ]
    assert (page.older, page.newer, page.count, page.count_is_capped) == (None, None, 1, False)
    assert customers(CustomerFilter(plan_id=running.pk)).count == 1
    assert customers(CustomerFilter(plan_id=ended.pk)).rows == []
    assert customers(CustomerFilter(plan_id=gone.pk)).rows == []


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("limit", [1, 3, 50])
def test_pages_hold_everybody_once_and_lead_back_the_same_way(sort: str, limit: int) -> None:
    for number in range(1, 8):
        # ties in both columns, names that differ in case alone, and two without a date
        add(
            number, ("Acme", "ACME", "beta", "Zeta")[number % 4], created_at=NOW + timedelta(days=number // 2)
        )
    add(8, "Acme", created_at=None)
    add(9, "acme", created_at=None)

    pages = walk(CustomerFilter(sort=sort), limit)

    seen = [pk for page in pages for pk in page]
    names = {row.pk.int: row.name for row in Customer.objects.all()}
    by_name = sorted(names, key=lambda pk: (names[pk].lower(), names[pk], pk))
    in_order = by_name if sort.endswith("name") else list(range(1, 10))
    assert seen == (in_order if not sort.startswith("-") else in_order[::-1])
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)


def test_a_full_last_page_is_the_last() -> None:
    for number in range(1, 5):
        add(number)

    assert walk(CustomerFilter(), 2) == [[1, 2], [3, 4]]


def test_the_page_takes_two_queries_for_2_rows_and_for_20() -> None:
    add(1)
    add(2)
    with CaptureQueriesContext(connection) as two:
        customers(CustomerFilter(q="company"))
    plan = Plan.objects.create(id=UUID(int=1), name="Scale", fetched_at=NOW)
    for number in range(3, 21):
        customer = add(number)
        subscribe(customer, plan, number)
        IngestAlias.objects.create(customer=customer, alias=f"alias-{number}", fetched_at=NOW)
    with CaptureQueriesContext(connection) as twenty:
        page = customers(CustomerFilter(q="company"))

    assert len(page.rows) == 20
    assert (len(two), len(twenty)) == (2, 2)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%",
        "é",
        "bnVsbA",
        "a" * 9_000,
        str(Cursor("-name", True, "acme", str(UUID(int=1)))),
        str(Cursor("name", True, "acme", "not-an-id")),
        str(Cursor("name", True, "nul\x00", str(UUID(int=1)))),
        str(Cursor("name", True, "half \ud800", str(UUID(int=1)))),
        str(Cursor("name", "yes", "acme", str(UUID(int=1)))),
        str(Cursor("name", True, 7, str(UUID(int=1)))),
    ],
)
def test_a_cursor_that_can_not_be_read_is_refused_in_words(cursor: str) -> None:
    add(1)

    with pytest.raises(CursorRefused, match="here is the first page"):
        customers(CustomerFilter(), cursor)


def test_a_date_that_is_none_is_refused_as_a_cursor() -> None:
    with pytest.raises(CursorRefused):
        customers(
            CustomerFilter(sort="created_at"), str(Cursor("created_at", True, "soon", str(UUID(int=1))))
        )


def test_a_narrow_count_stops_at_a_thousand_and_one_and_a_whole_one_is_exact() -> None:
    Customer.objects.bulk_create(
        Customer(id=UUID(int=number), name=f"Company {number}", fetched_at=NOW) for number in range(1, 1_102)
    )

    assert count_customers(CustomerFilter()) == (1_101, False)
    assert count_customers(CustomerFilter(q="company")) == (1_001, True)
    assert count_customers(CustomerFilter(q="company 100")) == (11, False)

    Customer.objects.bulk_create(
        Customer(id=UUID(int=number), name=f"Company {number}", fetched_at=NOW)
        for number in range(1_102, 10_010)
    )

    assert count_customers(CustomerFilter()) == (10_009, False)
    assert customers(CustomerFilter(q="company")).more_than == 1_000


def test_letters_with_marks_stand_among_those_without() -> None:
    names = [
        "Zephyr",
        "Ålesund Fisk",
        "Éclair SARL",
        "Ökotech AG",
        "Đorđe",
        "Adler",
        "Dahl",
        "Eck",
        "Ost",
        "אב",
    ]
    for number, name in enumerate(names, start=1):
        add(number, name)
    in_order = [
        "Adler",
        "Ålesund Fisk",
        "Dahl",
        "Đorđe",
        "Eck",
        "Éclair SARL",
        "Ökotech AG",
        "Ost",
        "Zephyr",
        "אב",
    ]

    assert [row.name for row in customers(CustomerFilter()).rows] == in_order
    assert [row.name for row in customers(CustomerFilter(sort="-name")).rows] == in_order[::-1]
    pages = walk(CustomerFilter(), 3)
    assert [names[pk - 1] for page in pages for pk in page] == in_order


def test_names_sort_without_regard_to_case() -> None:
    for number, name in enumerate(["beta", "Alpha", "alpha", "Beta"], start=1):
        add(number, name)

    assert [row.name for row in customers(CustomerFilter()).rows] == ["Alpha", "alpha", "Beta", "beta"]
