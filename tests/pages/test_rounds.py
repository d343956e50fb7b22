"""The round of customers' own lists: who is looked at goes to the front, and System says how far it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from billing.mirror import rounds
from billing.mirror.models import Reading
from billing.mirror.resources.customer.models import Customer
from billing.mirror.rounds import Round
from tests.pages.conftest import add_customer, now, squeezed

NOUNS = ("billing_configuration", "contract")


@pytest.fixture
def halcyon(db: None) -> Customer:
    return add_customer("Halcyon")


def queue(customer: Customer, **more: object) -> None:
    for noun in NOUNS:
        Reading.objects.create(customer=customer, noun=noun, priority=1, **more)


def places(customer: Customer) -> list[tuple[str, int, bool]]:
    rows = Reading.objects.filter(customer=customer).order_by("noun")
    return [(row.noun, row.priority, row.due_at is not None and row.due_at <= now()) for row in rows]


def test_opening_a_customers_page_moves_its_lists_to_the_front(halcyon: Customer, finance: Client) -> None:
    assert finance.get(f"/customers/{halcyon.pk}/").status_code == 200

    assert places(halcyon) == [(noun, 0, True) for noun in NOUNS]


def test_what_was_read_lately_is_not_read_again_for_a_look(halcyon: Customer, finance: Client) -> None:
    queue(halcyon, read_at=now() - timedelta(minutes=9), due_at=now() + timedelta(hours=1))
    finance.get(f"/customers/{halcyon.pk}/")
    lately = places(halcyon)
    Reading.objects.filter(noun="contract").update(read_at=now() - timedelta(minutes=11))
    finance.get(f"/customers/{halcyon.pk}/")

    assert lately == [(noun, 1, False) for noun in NOUNS]
    assert places(halcyon) == [(noun, 0, True) for noun in NOUNS]


def test_who_may_not_refresh_and_what_is_gone_moves_nothing(
    halcyon: Customer, browser: Callable[[str], Client]
) -> None:
    browser("auditor").get(f"/customers/{halcyon.pk}/")
    Customer.objects.update(missing_since=now())
    browser("finance").get(f"/customers/{halcyon.pk}/")

    assert not Reading.objects.exists()


def test_the_round_counts_what_is_not_queued_yet_and_names_the_oldest_once_all_were_read(
    halcyon: Customer,
) -> None:
    other = add_customer("Other")
    add_customer("Gone", missing_since=now())
    queue(other, due_at=now() - timedelta(minutes=1))
    before = rounds.rounds()
    read = now() - timedelta(hours=20)
    Reading.objects.update(read_at=now() - timedelta(hours=2), due_at=now() + timedelta(hours=22))
    queue(halcyon, read_at=read, due_at=read + timedelta(days=1))

    assert before == [
        Round("contracts", unread=2, due=1, oldest=None),
        Round("billing configurations", unread=2, due=1, oldest=None),
    ]
    assert rounds.rounds() == [
        Round("contracts", unread=0, due=0, oldest=read),
        Round("billing configurations", unread=0, due=0, oldest=read),
    ]


def test_it_counts_no_further_than_its_cap(halcyon: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "CAP", 1)
    for number in range(3):
        queue(add_customer(f"More {number}"), due_at=now() - timedelta(minutes=1))

    assert [(each.unread, each.due) for each in rounds.rounds()] == [(1, 1), (1, 1)]


def test_system_shows_it(halcyon: Customer, finance: Client) -> None:
    queue(halcyon, read_at=now() - timedelta(hours=3), due_at=now() + timedelta(hours=21))

    page = squeezed(finance.get("/system/").content.decode())

    assert "Lists of single customers" in page
    assert len(re.findall(r">3 h[^<]*</time> ago", page)) == 2
    assert page.count('data-label="Customers not read yet"> 0 <') == 2


def test_a_refused_filter_offers_no_file(halcyon: Customer, browser: Callable[[str], Client]) -> None:
    add_customer("Halcyon")
    auditor = browser("auditor")

    choosing = auditor.get("/audit/?customer=Halcyon")

    assert choosing.status_code == 400
    assert "More than one customer is meant" in choosing.content.decode()
    assert "export.csv" not in choosing.content.decode()
    assert "export.csv" in auditor.get(f"/audit/?customer={halcyon.pk}").content.decode()
    for address in ("/customers/?sort=odd", "/contracts/?sort=odd", "/pricing/?sort=odd"):
        assert ".csv" not in auditor.get(address).content.decode()


def test_what_is_due_is_read_along_the_index_of_the_queue(db: None) -> None:
    given = {"nouns": ["contract"], "cap": rounds.CAP, "live": 1, "priorities": [0, 1, 2]}
    with connection.cursor() as cursor:
        cursor.execute(MANY)
        cursor.execute("ANALYZE billing_reading")
        cursor.execute(f"EXPLAIN {rounds.FIGURES}", given)
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Index Cond: ((priority = ANY" in plan
    assert "(due_at <= statement_timestamp())" in plan


MANY = """
INSERT INTO billing_customer (id, name, external_id, custom_fields, fetched_at)
SELECT gen_random_uuid(), 'Customer', '', '{}', now() FROM generate_series(1, 3000);
INSERT INTO billing_reading (customer_id, noun, priority, due_at, read_at, trouble)
SELECT id, 'contract', 1, now() + interval '1 day', now(), '' FROM billing_customer;
"""
