"""The tally of customers says what a count would, whoever wrote the rows and however."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction

from billing.mirror.resources.customer import queries
from billing.mirror.resources.customer.filters import CustomerFilter
from billing.mirror.resources.customer.models import Customer, CustomerTally
from billing.mirror.resources.tally import created_since, recount, tally
from tests.pages.conftest import now

pytestmark = pytest.mark.django_db
UPSERT = """
INSERT INTO billing_customer (id, name, external_id, custom_fields, fetched_at, missing_since)
SELECT id, 'Customer', '', '{}', now(), CASE WHEN %(gone)s THEN now() END FROM unnest(%(ids)s::uuid[]) AS id
ON CONFLICT (id) DO UPDATE SET missing_since = excluded.missing_since
"""


def add(number: int, **facts: object) -> None:
    began = Customer.objects.count()
    Customer.objects.bulk_create(
        Customer(id=UUID(int=began + n), name=f"Customer {n}", created_at=now(), fetched_at=now(), **facts)
        for n in range(1, number + 1)
    )


def counted() -> dict[str, int]:
    standings = Counter(
        "missing" if missing else "archived" if archived else "active"
        for archived, missing in Customer.objects.values_list("archived_at", "missing_since")
    )
    return {"active": 0, "archived": 0, "missing": 0} | standings


def test_it_follows_every_kind_of_write() -> None:
    assert tally() == {"active": 0, "archived": 0, "missing": 0}
    add(5)
    add(2, archived_at=now())
    add(1, missing_since=now(), archived_at=now())
    assert tally() == {"active": 5, "archived": 2, "missing": 1} == counted()

    Customer.objects.filter(archived_at=None).update(name="Renamed")
    before = CustomerTally.objects.count()
    assert tally() == counted()
    Customer.objects.filter(pk__lte=UUID(int=3)).update(archived_at=now())
    Customer.objects.filter(pk=UUID(int=4)).update(missing_since=now())
    assert tally() == {"active": 1, "archived": 5, "missing": 2} == counted()
    assert CustomerTally.objects.count() == before + 2 + 2  # a renaming moves nobody

    Customer.objects.filter(pk=UUID(int=1)).delete()
    assert tally() == {"active": 1, "archived": 4, "missing": 2} == counted()


def test_what_is_rolled_back_is_not_counted() -> None:
    add(2)
    with transaction.atomic():
        add(3)
        assert tally()["active"] == 5
        transaction.set_rollback(True)
    assert tally() == {"active": 2, "archived": 0, "missing": 0}


@pytest.mark.django_db(transaction=True)
def test_the_applications_role_tallies_as_it_writes_and_two_writers_never_wait(application_url: str) -> None:
    add(3)
    with psycopg.connect(application_url) as first, psycopg.connect(application_url) as second:
        for writer in (first, second):
            writer.execute("SET lock_timeout = '2s'")
        first.execute("UPDATE billing_customer SET archived_at = now() WHERE id = %s", [UUID(int=1)])
        second.execute(UPSERT, {"ids": [UUID(int=2), UUID(int=4), UUID(int=5)], "gone": True})
        assert tally() == {"active": 3, "archived": 0, "missing": 0}  # both are still at it
        first.commit()
        assert tally() == {"active": 2, "archived": 1, "missing": 0}
        second.commit()
    assert tally() == {"active": 1, "archived": 1, "missing": 3} == counted()


@pytest.mark.django_db(transaction=True)
def test_what_is_written_while_somebody_recounts_is_counted_once(application_url: str) -> None:
    add(3)
    with psycopg.connect(application_url) as writer:
        writer.execute(UPSERT, {"ids": [UUID(int=3), UUID(int=4)], "gone": True})
        recount()
        assert tally() == {"active": 3, "archived": 0, "missing": 0}
    assert tally() == {"active": 2, "archived": 0, "missing": 2} == counted()


def test_the_count_of_a_list_is_the_tally_and_a_recount_leaves_one_row_a_standing() -> None:
    add(3)
    add(2, archived_at=now())
    add(1, missing_since=now())
    wanted = {
        status: queries.count_customers(CustomerFilter(status=status))
        for status in ("active", "archived", "all", "missing")
    }
    assert wanted == {"active": (3, False), "archived": (2, False), "all": (5, False), "missing": (1, False)}

    with connection.cursor() as cursor:  # as a restore would, that brings the rows and counts them again
        cursor.execute("INSERT INTO billing_customertally (standing, number) VALUES ('active', 3)")
    assert tally()["active"] == 6
    recount()
    assert tally() == {"active": 3, "archived": 2, "missing": 1}
    assert CustomerTally.objects.count() == 3


def test_new_customers_are_those_created_since_and_not_missing() -> None:
    add(2)
    add(1, missing_since=now())
    Customer.objects.filter(pk=UUID(int=1)).update(created_at=now() - timedelta(days=40))
    assert created_since(now() - timedelta(days=31)) == 1
