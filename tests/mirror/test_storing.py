"""Storing a page: a handful of statements however many rows, and never over a later reading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.metronome.objects.custom_field_key import CustomFieldKeyRecord
from billing.metronome.objects.customer import CustomerRecord
from billing.metronome.objects.subscription import CustomerPlanRecord
from billing.mirror import storing
from billing.mirror.cleaning import Cleaner
from billing.mirror.resources import RESOURCES
from billing.mirror.resources.custom_field_key import CustomFieldKey
from billing.mirror.resources.customer import queries
from billing.mirror.resources.customer.models import Customer, IngestAlias
from billing.mirror.resources.plan import Plan
from billing.mirror.resources.subscription import CustomerPlan

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def record(number: int, title: str = "", *aliases: str, **more: object) -> CustomerRecord:
    values = {
        "id": str(UUID(int=number)),
        "name": title or f"Company {number}",
        "external_id": None,
        "ingest_aliases": aliases or (f"alias-{number}",),
        "custom_fields": {},
        "created_at": NOW,
        "updated_at": NOW,
        "archived_at": None,
    }
    return CustomerRecord(**{**values, **more})


def store(*records: CustomerRecord, at: datetime = NOW, touch: bool = False) -> int:
    return storing.store(RESOURCES["customer"], records, at, clean=Cleaner(), touch=touch)


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_a_page_takes_three_statements_when_all_is_new_and_one_when_nothing_is(rows: int) -> None:
    page = [record(number, "", "x", f"y-{number}") for number in range(1, rows + 1)]

    with CaptureQueriesContext(connection) as first:
        written = store(*page)
    with CaptureQueriesContext(connection) as second:
        written_again = store(*page, at=LATER)

    assert (written, written_again) == (rows, 0)
    assert IngestAlias.objects.count() == 2 * rows
    # a savepoint opens and closes each, since the test has its own transaction
    assert (len(first), len(second)) == (2 + 3, 2 + 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Renamed"},
        {"external_id": "crm-7"},
        {"ingest_aliases": ("a", "b", "new")},
        {"ingest_aliases": ("a",)},
        {"ingest_aliases": ()},
        {"custom_fields": {"region": "EU"}},
        {"created_at": None},
        {"updated_at": LATER},
        {"archived_at": LATER},
    ],
)
def test_any_field_that_differs_is_written_with_its_date(changed: dict[str, object]) -> None:
    store(record(1, "Halcyon", "a", "b"), record(2))

    assert store(record(1, "Halcyon", **{"ingest_aliases": ("a", "b"), **changed}), record(2), at=LATER) == 1

    row = Customer.objects.get(pk=UUID(int=1))
    assert row.fetched_at == LATER
    assert Customer.objects.get(pk=UUID(int=2)).fetched_at == NOW
    for name, value in changed.items():
        if name == "ingest_aliases":
            assert queries.snapshot(row.pk)["ingest_aliases"] == sorted(value)
        else:
            assert getattr(row, name) == value


def test_the_order_of_aliases_is_no_difference() -> None:
    store(record(1, "Halcyon", "b", "A", "é", "a"))

    assert store(record(1, "Halcyon", "é", "a", "b", "A"), at=LATER) == 0


def test_aliases_that_stay_keep_their_rows() -> None:
    store(record(1, "Halcyon", "stays", "goes"))
    kept = IngestAlias.objects.get(alias="stays")

    store(record(1, "Halcyon", "stays", "comes"), at=LATER)

    aliases = IngestAlias.objects.order_by("alias")
    assert [(row.alias, row.fetched_at) for row in aliases] == [("comes", LATER), ("stays", NOW)]
    assert aliases.last().pk == kept.pk


def test_an_alias_on_its_way_is_shown_with_both_customers() -> None:
    store(record(1, "From", "moving"), record(2, "To", "moving"))

    assert {holder.name for holder in queries.alias_holders(["moving"])["moving"]} == {"From", "To"}


def test_an_older_answer_changes_neither_the_row_nor_its_aliases() -> None:
    store(record(1, "Newer", "newer"), at=LATER)

    assert store(record(1, "Older", "older"), at=NOW, touch=True) == 0

    assert queries.snapshot(UUID(int=1))["name"] == "Newer"
    assert queries.snapshot(UUID(int=1))["ingest_aliases"] == ["newer"]


def test_a_touched_row_is_dated_anew_though_nothing_differs() -> None:
    store(record(1))

    assert store(record(1), at=LATER, touch=True) == 1
    assert Customer.objects.get().fetched_at == LATER


def test_a_customer_that_comes_twice_on_a_page_is_stored_as_it_came_last() -> None:
    assert store(record(1, "First"), record(1, "Last")) == 1
    assert Customer.objects.get().name == "Last"


def test_texts_that_can_not_be_stored_are_replaced_and_counted() -> None:
    clean = Cleaner()
    odd = record(1, "nul \x00", "a\x00", "a\ud800", "ok", custom_fields={"k": "\udfff"})

    storing.store(RESOURCES["customer"], [odd], NOW, clean=clean)

    assert queries.snapshot(UUID(int=1))["ingest_aliases"] == ["a\ufffd", "ok"]
    assert clean.replaced == 4
    assert clean.remark() == (
        "4 texts from Metronome held characters that can’t be stored; they are shown as \ufffd."
    )
    assert storing.store(RESOURCES["customer"], [odd], LATER, clean=Cleaner()) == 0


def test_a_subscription_brings_a_plan_that_no_list_showed_by_its_name() -> None:
    store(record(1))
    subscription = CustomerPlanRecord(
        id=str(UUID(int=7)),
        customer_id=str(UUID(int=1)),
        plan_id=str(UUID(int=3)),
        plan_name="Retired",
        starting_on=NOW,
        ending_before=None,
    )

    assert storing.store(RESOURCES["subscription"], [subscription], NOW, clean=Cleaner()) == 1
    assert storing.store(RESOURCES["subscription"], [subscription], LATER, clean=Cleaner()) == 0

    assert (Plan.objects.get().name, CustomerPlan.objects.get().plan_id) == ("Retired", UUID(int=3))


def test_a_key_is_written_once_and_again_when_its_rule_changes() -> None:
    region = CustomFieldKeyRecord("customer", "region", False)

    assert storing.store(RESOURCES["custom_field_key"], [region], NOW, clean=Cleaner()) == 1
    assert storing.store(RESOURCES["custom_field_key"], [region], LATER, clean=Cleaner()) == 0
    assert (
        storing.store(
            RESOURCES["custom_field_key"],
            [CustomFieldKeyRecord("customer", "region", True)],
            LATER,
            clean=Cleaner(),
        )
        == 1
    )
    assert CustomFieldKey.objects.get().enforce_uniqueness is True
