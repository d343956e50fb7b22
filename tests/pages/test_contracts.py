"""Contracts on pages: the list with its file, one contract with its terms, and those of a customer."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Value
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.lists import prepared
from billing.mirror.models import Reading
from billing.mirror.resources.billing_configuration import BillingConfiguration
from billing.mirror.resources.contract import queries as contracts
from billing.mirror.resources.contract.resource import Contract
from billing.mirror.resources.customer.models import Customer
from billing.mirror.resources.rate_card import RateCard
from tests.pages.conftest import add_customer, now

DAY = timedelta(days=1)
TERMS: dict[str, Any] = {
    "net_payment_terms_days": 45,
    "usage_statement_schedule": {"frequency": "QUARTERLY"},
    "commits": [
        {
            "type": "PREPAID",
            "product": {"name": "Prepaid"},
            "access_schedule": {
                "credit_type": {"name": "USD (cents)"},
                "schedule_items": [
                    {
                        "amount": 123456,
                        "starting_at": "2026-02-01T00:00:00Z",
                        "ending_before": "2027-02-01T00:00:00Z",
                    }
                ],
            },
        }
    ],
    "overrides": [{"type": "MULTIPLIER", "multiplier": 0.95, "starting_at": "2026-01-01T00:00:00Z"}],
    "scheduled_charges": [
        {
            "name": "Platform Charge",
            "schedule": {
                "credit_type": {"name": "USD (cents)"},
                "schedule_items": [{"timestamp": "2026-03-01T00:00:00Z", "amount": 100000}],
            },
        }
    ],
}


@pytest.fixture
def halcyon(db: None) -> Customer:
    return add_customer("Halcyon")


def add(customer: Customer, name: str, **more: Any) -> Contract:
    given = {"starting_at": now() - DAY, "fetched_at": now(), "raw": {}, **more}
    return Contract.objects.create(id=uuid4(), customer=customer, name=name, **given)


def read(customer: Customer, noun: str = "contract") -> None:
    """Its list was read, whether or not somebody has looked at it before."""
    Reading.objects.update_or_create(
        customer=customer, noun=noun, defaults={"priority": 1, "due_at": None, "read_at": now()}
    )


def names(answer: Any) -> list[str]:
    return [row.name for row in answer.context["page"].rows]


def test_the_list_shows_open_ones_first_and_narrows_by_status(
    browser: Callable[[str], Client], halcyon: Customer
) -> None:
    add(halcyon, "Running")
    add(halcyon, "Over", ending_before=now() - DAY)
    add(halcyon, "Later", starting_at=now() + DAY)
    add(halcyon, "Gone", archived_at=now())
    finance = browser("finance")

    assert names(finance.get("/contracts/")) == ["Later", "Running"]
    assert names(finance.get("/contracts/?status=scheduled")) == ["Later"]
    assert names(finance.get("/contracts/?status=ended")) == ["Over"]
    assert names(finance.get("/contracts/?status=archived")) == ["Gone"]
    assert names(finance.get("/contracts/?status=all&sort=-name")) == ["Running", "Over", "Later", "Gone"]
    assert finance.get("/contracts/?status=nonsense").status_code == 400
    assert finance.get("/contracts/?customer=nonsense").status_code == 400


def test_it_is_found_by_words_and_by_id_and_by_whose_it_is(
    browser: Callable[[str], Client], halcyon: Customer
) -> None:
    wanted = add(halcyon, "Order 12 Enterprise")
    add(add_customer("Other"), "Order 13")
    finance = browser("finance")

    assert names(finance.get("/contracts/?q=enterprise")) == ["Order 12 Enterprise"]
    assert names(finance.get(f"/contracts/?q={wanted.pk}")) == ["Order 12 Enterprise"]
    by_customer = finance.get(f"/contracts/?customer={halcyon.pk}")
    assert names(by_customer) == ["Order 12 Enterprise"]
    assert "Halcyon" in str(by_customer.context["chips"])


@pytest.mark.parametrize(
    "sort", ["name", "-name", "starting_at", "-starting_at", "ending_before", "-ending_before"]
)
def test_pages_follow_each_sort_without_a_gap(
    sort: str, browser: Callable[[str], Client], halcyon: Customer
) -> None:
    for number in range(120):
        ends = now() + DAY * (number % 7) if number % 3 else None
        add(
            halcyon,
            f"Order {number:03}",
            starting_at=now() - DAY * (number % 5 + 1),
            ending_before=ends and ends + DAY,
        )
    finance, seen, cursor = browser("finance"), [], ""
    while True:
        page = finance.get(f"/contracts/?sort={sort}&cursor={cursor}").context["page"]
        seen += [row.name for row in page.rows]
        if page.older is None:
            break
        cursor = page.older

    assert len(seen) == len(set(seen)) == 120


def test_the_file_has_the_same_rows(browser: Callable[[str], Client], halcyon: Customer) -> None:
    add(halcyon, "=cmd()")
    add(halcyon, "Over", ending_before=now() - DAY)

    answer = browser("auditor").get("/contracts.csv")

    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["'=cmd()"]
    assert rows[0]["customer_id"] == str(halcyon.pk)
    assert list(rows[0])[:2] == ["id", "customer_id"]


def test_a_file_of_a_mirror_that_has_not_read_all_says_so(
    browser: Callable[[str], Client], halcyon: Customer
) -> None:
    add(halcyon, "Order 12")

    partial = browser("auditor").get("/contracts.csv")
    assert partial.getvalue()
    Reading.objects.create(customer=halcyon, noun="contract", priority=1, read_at=now())
    whole = browser("auditor").get("/contracts.csv")
    assert whole.getvalue()

    assert partial["Countersign-Complete"] == "no"
    assert 'filename="contracts-so-far-' in partial["Content-Disposition"]
    assert whole["Countersign-Complete"] == "yes"
    assert "so-far" not in whole["Content-Disposition"]


def test_a_contract_shows_its_terms_by_their_start(
    browser: Callable[[str], Client], halcyon: Customer
) -> None:
    card = RateCard.objects.create(id=uuid4(), name="List prices", fetched_at=now())
    contract = add(halcyon, "Order 12", raw=TERMS, rate_card_id=card.pk, custom_fields={"deal": "77"})

    answer = browser("finance").get(f"/contracts/{contract.pk}/")

    page = answer.content.decode()
    terms = [(term["what"], term["name"], term["words"]) for term in answer.context["terms"]]
    assert terms == [
        ("Override", "", "× 0.95"),
        ("Commit", "Prepaid", "Prepaid"),
        ("Scheduled charge", "Platform Charge", ""),
    ]
    assert "1,234.56" in page
    assert "1,000.00" in page
    assert f'action="/customers/{halcyon.pk}/refresh/"' in page  # which reads this contract again
    for words in ("List prices", "45 days", "quarterly", "deal (custom field)", "Halcyon"):
        assert words in page
    assert browser("finance").get(f"/contracts/{uuid4()}/").status_code == 404


@pytest.mark.parametrize(
    "raw",
    [
        None,
        {},
        {
            "commits": None,
            "credits": "x",
            "overrides": [None, 3, {}],
            "scheduled_charges": [{"schedule": None}],
        },
        {
            "subscriptions": [
                {"subscription_rate": {"product": "odd"}, "quantity_schedule": [{"quantity": None}]}
            ]
        },
        {"commits": [{"access_schedule": {"schedule_items": [{"amount": "odd", "starting_at": 7}]}}]},
    ],
)
def test_an_odd_record_breaks_no_page(raw: Any, browser: Callable[[str], Client], halcyon: Customer) -> None:
    contract = add(halcyon, "Order 12", raw=raw)

    assert browser("finance").get(f"/contracts/{contract.pk}/").status_code == 200


def test_not_read_yet_is_never_none(browser: Callable[[str], Client], halcyon: Customer) -> None:
    finance = browser("finance")

    unread = finance.get(f"/customers/{halcyon.pk}/").content.decode()
    unread_list = finance.get("/contracts/").content.decode()
    read(halcyon)
    none = finance.get(f"/customers/{halcyon.pk}/").content.decode()
    whole_list = finance.get("/contracts/").content.decode()

    assert "Not read yet. They are read customer by customer" in unread
    assert "some customers’ contracts are not read yet" in unread_list
    assert "Not read yet. They are" not in none
    assert "None, as read" in none
    assert "not read yet" not in whole_list


def test_a_customers_page_lists_its_contracts(browser: Callable[[str], Client], halcyon: Customer) -> None:
    read(halcyon)
    wanted = add(halcyon, "Order 12", ending_before=datetime(2031, 1, 1, tzinfo=UTC))

    page = browser("finance").get(f"/customers/{halcyon.pk}/").content.decode()

    assert f'href="/contracts/{wanted.pk}/"' in page
    assert "/changes/new/contract.end/" in page


def test_a_customers_billing_is_told_or_not_read_yet(
    browser: Callable[[str], Client], halcyon: Customer
) -> None:
    finance, address = browser("finance"), f"/customers/{halcyon.pk}/"
    unread = finance.get(address).content.decode()
    read(halcyon, "billing_configuration")
    none = finance.get(address).content.decode()
    raw = {"id": str(uuid4()), "customer_id": str(halcyon.pk), "billing_provider": "stripe"}
    whole = {"configuration": {"stripe_customer_id": "cus_1"}, "delivery_method_id": str(uuid4())}
    for record in (raw | whole | {"delivery_method": "direct_to_billing_provider"}, raw):
        BillingConfiguration.objects.create(
            id=uuid4(), customer=halcyon, billing_provider="stripe", fetched_at=now(), raw=record
        )
    told = finance.get(address)

    assert "It is read live when you propose a change of it." in unread
    assert "None, as read" in none
    assert sorted(told.context["billed_through"]) == [
        "stripe",
        "stripe, stripe_customer_id cus_1, direct_to_billing_provider",
    ]


def test_archived_contracts_never_push_open_ones_off_a_customers_page(
    browser: Callable[[str], Client], halcyon: Customer
) -> None:
    for number in range(contracts.SHOWN_OF_A_CUSTOMER + 5):
        add(halcyon, f"Old {number}", archived_at=now())
    add(halcyon, "Ends", ending_before=now() + DAY)
    add(halcyon, "Goes on")

    shown = browser("finance").get(f"/customers/{halcyon.pk}/").context["contracts"]

    assert [row.name for row, _status in shown][:2] == ["Goes on", "Ends"]
    assert len(shown) == contracts.SHOWN_OF_A_CUSTOMER


@pytest.mark.parametrize("most", [2, 1_001])
def test_a_search_finds_the_same_whether_it_means_few_or_many(
    most: int, browser: Callable[[str], Client], halcyon: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contracts, "COUNT_CAP", most)
    monkeypatch.setattr(prepared, "_KEPT", {})
    add(halcyon, "")
    for number in range(4):
        add(halcyon, f"Order {number} Enterprise")
        add(halcyon, f"Order {number} Enterprise, old", archived_at=now())
    add(add_customer("Other"), "Enterprise of another")
    finance = browser("finance")

    found = names(finance.get("/contracts/?q=enterprise"))
    assert found == ["Enterprise of another", *(f"Order {number} Enterprise" for number in range(4))]
    assert names(finance.get("/contracts/?q=enterprise&sort=-name")) == found[::-1]
    assert names(finance.get("/contracts/?q=order&status=archived")) == [
        f"Order {number} Enterprise, old" for number in range(4)
    ]
    assert names(finance.get(f"/contracts/?q=enterprise&customer={halcyon.pk}")) == found[1:]
    assert names(finance.get("/contracts/?q=zebra")) == []
    assert names(finance.get("/contracts/?q=%20-%20")) == []


@pytest.mark.parametrize(
    ("address", "number"),  # three are the frame's: the session, the person, how things stand for them
    [
        ("/contracts/", 6),  # the page, what contracts are made from, whether some are unread
        ("/contracts/?q=order", 7),  # what the search means first
        ("/contracts/?status=all&sort=-ending_before", 6),
    ],
)
def test_the_list_costs_the_same_queries_however_many_rows(
    address: str,
    number: int,
    browser: Callable[[str], Client],
    halcyon: Customer,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    finance, card = browser("finance"), RateCard.objects.create(id=uuid4(), name="List", fetched_at=now())
    for many in (2, 20):
        for each in range(many):
            add(halcyon, f"Order {each}", rate_card_id=card.pk)
        with django_assert_num_queries(number):
            finance.get(address)


def test_whether_some_are_unread_is_told_by_an_index(halcyon: Customer) -> None:
    read(halcyon)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    unread = Reading.objects.filter(noun="contract", read_at=None).values_list(Value(True))[:1]

    assert "Scan using readings_not_read_yet" in unread.explain()
    assert not contracts.are_some_unread()
    Reading.objects.create(customer=add_customer("Other"), noun="contract", priority=1)
    assert contracts.are_some_unread()


def test_archived_ones_are_read_by_an_index_of_them_alone(halcyon: Customer) -> None:
    add(halcyon, "Order 12", archived_at=now())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    rows = contracts.in_order(contracts.ContractFilter(status="archived"))[:51]

    assert "Scan using contracts_archived_by_name" in rows.explain()
