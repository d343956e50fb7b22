"""Lists as CSV: the rows and order of the page, formulas defused, and the export recorded first."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from billing.audit.actors import system
from billing.audit.models import AuditEvent
from billing.lists.formulas import as_written
from billing.mirror.resources.customer.export import customers_csv
from billing.mirror.resources.customer.filters import CustomerFilter
from billing.mirror.resources.customer.models import Customer, IngestAlias
from billing.mirror.resources.customer.queries import customers
from billing.mirror.resources.plan import Plan
from billing.mirror.resources.subscription import CustomerPlan
from billing.pages.nouns.plan import PlanFilter, Plans

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACTOR = system("a test")


def customer(number: int, name: str, *aliases: str, **more: object) -> Customer:
    row = Customer.objects.create(**{"id": UUID(int=number), "name": name, "fetched_at": NOW, **more})
    IngestAlias.objects.bulk_create(IngestAlias(customer=row, alias=a, fetched_at=NOW) for a in aliases)
    return row


def subscribe(number: int, holder: Customer, plan: Plan, ending_before: datetime | None = None) -> None:
    CustomerPlan.objects.create(
        id=UUID(int=number),
        customer=holder,
        plan=plan,
        starting_on=NOW - timedelta(days=9),
        ending_before=ending_before,
        fetched_at=NOW,
    )


def rows(chunks: Iterator[bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(chunks).decode(), newline="")))


def test_a_customer_is_one_row_of_fixed_columns() -> None:
    row = customer(
        1,
        'Halcyon, "Freight"\nGmbH',
        "b",
        "a",
        external_id="crm-7",
        custom_fields={"tier": "gold"},
        created_at=NOW - timedelta(days=2, microseconds=1),
    )
    plan, other = (Plan.objects.create(id=UUID(int=n), name=f"Plan {n}", fetched_at=NOW) for n in (8, 9))
    subscribe(20, row, other)
    subscribe(21, row, plan)
    subscribe(22, row, plan)
    subscribe(23, customer(2, "Larkspur"), plan, ending_before=NOW - timedelta(days=1))

    exported = rows(customers_csv(CustomerFilter(), ACTOR))

    assert exported[0] == {
        "id": str(row.pk),
        "name": 'Halcyon, "Freight"\nGmbH',
        "external_id": "crm-7",
        "ingest_aliases": '["a", "b"]',
        "ingest_alias_count": "2",
        "plans": '["Plan 8", "Plan 9"]',
        "plan_ids": f'["{UUID(int=8)}", "{UUID(int=9)}"]',
        "custom_fields": '{"tier": "gold"}',
        "created_at": "2026-11-18T11:59:59.999999Z",
        "updated_at": "",
        "archived_at": "",
        "missing_since": "",
        "fetched_at": "2026-11-20T12:00:00.000000Z",
    }
    columns = ("ingest_aliases", "ingest_alias_count", "plans", "plan_ids")
    assert [exported[1][column] for column in columns] == ["[]", "0", "[]", "[]"]


def test_few_customers_and_all_of_them_have_the_same_columns() -> None:
    plans = [Plan.objects.create(id=UUID(int=n), name="-Twin", fetched_at=NOW) for n in (9, 8)]
    for number, aliases in enumerate([("=b", "a"), (), ("é", "A", "a")], 1):
        row = customer(number, f"Halcyon {number}", *aliases, custom_fields={"k": "@v"})
        for each, plan in enumerate(plans[:number]):
            subscribe(10 * number + each, row, plan, NOW - timedelta(days=each))

    everybody = rows(customers_csv(CustomerFilter(), ACTOR))

    assert len(everybody) == 3
    assert rows(customers_csv(CustomerFilter(q="halcyon"), ACTOR)) == everybody


def test_two_plans_of_one_name_are_two_and_told_apart_by_their_ids() -> None:
    row = customer(1, "Halcyon")
    twins = [Plan.objects.create(id=UUID(int=n), name="Twin", fetched_at=NOW) for n in (9, 8)]
    for number, plan in enumerate([*twins, *twins], 20):
        subscribe(number, row, plan)

    exported = rows(customers_csv(CustomerFilter(), ACTOR))[0]

    assert json.loads(exported["plans"]) == ["Twin", "Twin"]
    assert json.loads(exported["plan_ids"]) == [str(UUID(int=8)), str(UUID(int=9))]


def test_a_list_in_a_cell_splits_into_exactly_its_items() -> None:
    several = [
        "@sum",
        "line\nalias",
        "a,b;c|d",
        '"quoted"',
        "'=1",
        "\\n",
        "\t=2",
        "ünï\u2028=3",
        "line",
        "alias",
    ]
    customer(1, "Halcyon", "line\nalias")
    customer(2, "Larkspur", *several)
    plan, other = (Plan.objects.create(id=UUID(int=n), name=f"-Plan\n{n}", fetched_at=NOW) for n in (8, 9))
    subscribe(20, Customer.objects.get(name="Halcyon"), plan)
    subscribe(21, Customer.objects.get(name="Halcyon"), other)

    one, two = rows(customers_csv(CustomerFilter(), ACTOR))

    assert json.loads(as_written(one["ingest_aliases"])) == ["line\nalias"]
    assert sorted(json.loads(as_written(two["ingest_aliases"]))) == sorted(several)
    assert json.loads(as_written(one["plans"])) == ["-Plan\n8", "-Plan\n9"]


def test_names_aliases_and_plans_that_a_spreadsheet_would_run_are_defused() -> None:
    row = customer(1, '=HYPERLINK("http://x")', "@sum", "+1", external_id="-2")
    plan = Plan.objects.create(id=UUID(int=8), name="=1+1", description="\t=2", fetched_at=NOW)
    subscribe(20, row, plan)

    exported = rows(customers_csv(CustomerFilter(), ACTOR))[0]
    listed = rows(Plans().take(PlanFilter(), ACTOR))[0]

    assert exported["name"] == '\'=HYPERLINK("http://x")'
    assert exported["ingest_aliases"] == '["+1", "\'@sum"]'
    assert exported["external_id"] == "'-2"
    assert exported["plans"] == '["=1+1"]'
    assert (listed["name"], listed["description"], listed["customers"]) == ("'=1+1", "'\t'=2", "1")


@pytest.mark.parametrize("sort", ["name", "-name", "created_at", "-created_at"])
@pytest.mark.parametrize(
    "narrowed", [{}, {"q": "halc"}, {"status": "archived"}, {"status": "missing"}, {"status": "all"}]
)
def test_the_file_holds_what_the_page_holds_in_its_order(sort: str, narrowed: dict[str, str]) -> None:
    for number in range(12):
        customer(
            number + 1,
            f"{'Halcyon' if number % 2 else 'larkspur'} {number % 3}",
            created_at=NOW - timedelta(days=number % 4) if number % 5 else None,
            archived_at=NOW if number % 6 == 1 else None,
            missing_since=NOW if number % 6 == 2 else None,
        )
    wanted = CustomerFilter(**narrowed, sort=sort)

    exported = rows(customers_csv(wanted, ACTOR))

    assert exported
    assert [row["id"] for row in exported] == [str(row.id) for row in customers(wanted).rows]


def test_a_filter_with_signs_of_its_own_reaches_the_database_whole() -> None:
    customer(1, "100 %s Ltd", "50%_off'; --")

    exported = rows(customers_csv(CustomerFilter(q="50%_off'; --"), ACTOR))

    assert [row["name"] for row in exported] == ["100 %s Ltd"]


def test_a_list_is_recorded_before_its_first_byte() -> None:
    takings = [
        customers_csv(CustomerFilter(q="halc", status="all", plan_id=UUID(int=8)), ACTOR),
        Plans().take(PlanFilter(), ACTOR),
    ]

    events = list(AuditEvent.objects.order_by("id"))
    for taking in takings:
        taking.close()
    assert [(event.event_type, event.actor_text, event.subject_text, event.new) for event in events] == [
        (
            "list.exported",
            "a test",
            "Customers",
            {"filter": {"q": "halc", "status": "all", "plan": str(UUID(int=8)), "sort": "name"}},
        ),
        ("list.exported", "a test", "Plans", {"filter": {}}),
    ]
