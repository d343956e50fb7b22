"""What a search means, and that each arm of it walks an index of its own."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection

from billing.audit.paging import FilterRefused
from billing.mirror.filters import CustomerFilter, word_prefixes
from billing.mirror.models import Customer, IngestAlias
from billing.mirror.queries import customers

pytestmark = pytest.mark.django_db

NOW = "2026-11-20T12:00:00Z"
HALCYON = UUID("9b85c1c1-5238-4f2a-a409-61412905e1e1")


def customer(name: str, *aliases: str, **more: object) -> Customer:
    row = Customer.objects.create(**{"name": name, "fetched_at": NOW, "id": UUID(int=_next()), **more})
    IngestAlias.objects.bulk_create(
        IngestAlias(customer=row, alias=alias, fetched_at=NOW) for alias in aliases
    )
    return row


def _next() -> int:
    return Customer.objects.count() + 1


def found(q: str, **more: object) -> list[str]:
    return [row.name for row in customers(CustomerFilter(q=q, **more)).rows]


@pytest.fixture
def town() -> None:
    customer("Halcyon Freight GmbH", "halcyon-eu", "HALCYON_FREIGHT", id=HALCYON, external_id="crm-77")
    customer("Northwind Traders (EU)", "northwind", external_id="halcyon-lookalike")
    customer("The Halcyonic Society", "hs_1")
    customer("O'Neill & Sons \\ Co", "oneill%")
    customer('=HYPERLINK("http://x")', "=cmd")
    customer("شركة النخيل للتقنية", "nakheel")
    customer("Kitsune 株式会社 🦊", "kitsune")


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("halc", ["Halcyon Freight GmbH", "Northwind Traders (EU)", "The Halcyonic Society"]),
        ("HALC freight", ["Halcyon Freight GmbH"]),
        ("freight halc", ["Halcyon Freight GmbH"]),
        ("cyon", []),
        ("halcyon-eu", ["Halcyon Freight GmbH"]),
        ("HALCYON_F", ["Halcyon Freight GmbH"]),
        ("HS_", []),
        ("crm-7", ["Halcyon Freight GmbH"]),
        (str(HALCYON), ["Halcyon Freight GmbH"]),
        (str(HALCYON).upper(), ["Halcyon Freight GmbH"]),
        (HALCYON.hex, ["Halcyon Freight GmbH"]),
        (str(HALCYON)[:-1], []),
        ("hs_", ["The Halcyonic Society"]),
        ("%", []),
        ("oneill%", ["O'Neill & Sons \\ Co"]),
        ("o'ne", ["O'Neill & Sons \\ Co"]),
        ("sons \\", ["O'Neill & Sons \\ Co"]),
        ("' | 'a':*", []),
        ("& ! ()", []),
        ("=cm", ['=HYPERLINK("http://x")']),
        ("hyperlink", ['=HYPERLINK("http://x")']),
        ("النخ", ["شركة النخيل للتقنية"]),
        ("株式", ["Kitsune 株式会社 🦊"]),
        ("northwind (eu)", ["Northwind Traders (EU)"]),
    ],
)
def test_a_search_finds_exactly_what_it_means(q: str, names: list[str]) -> None:
    assert found(q) == names


def test_a_search_leaves_archived_and_missing_customers_to_their_status() -> None:
    customer("Halcyon Active")
    customer("Halcyon Archived", archived_at=NOW)
    customer("Halcyon Missing", missing_since=NOW)

    assert found("halcyon") == ["Halcyon Active"]
    assert found("halcyon", status="archived") == ["Halcyon Archived"]
    assert found("halcyon", status="all") == ["Halcyon Active", "Halcyon Archived"]
    assert found("halcyon", status="missing") == ["Halcyon Missing"]


@pytest.mark.parametrize(
    "query",
    [
        {"q": "a\x00b"},
        {"q": "\ud800"},
        {"q": "x" * 401},
        {"status": "deleted"},
        {"sort": "balance"},
        {"plan": "12"},
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_in_words(query: dict[str, str]) -> None:
    with pytest.raises(FilterRefused, match=r"\.$"):
        CustomerFilter.from_get(query)


def test_words_become_quoted_prefixes() -> None:
    assert word_prefixes("acme  o'neill & a\\b") == "'acme':* & 'o''neill':* & 'a\\\\b':*"


@pytest.mark.parametrize("analyzed", [False, True])
def test_every_arm_of_a_search_walks_its_index_among_20_000_customers(analyzed: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO billing_customer (id, name, external_id, custom_fields, fetched_at)
               SELECT gen_random_uuid(), 'Company ' || md5(n::text), 'crm-' || md5(n::text), '{}', now()
                 FROM generate_series(1, 20000) AS n"""
        )
        cursor.execute(
            """INSERT INTO billing_ingestalias (customer_id, alias, fetched_at)
               SELECT id, 'alias-' || md5(name), now() FROM billing_customer"""
        )
        if analyzed:  # without, it is the minute after a first load
            cursor.execute("ANALYZE billing_customer, billing_ingestalias")
    chosen = Customer.objects.order_by("pk").first()

    for q in ("company 3fa", str(chosen.pk), chosen.external_id):
        statement, params = CustomerFilter(q=q).rows().values("pk").query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}", params)
            plan = "\n".join(row[0] for row in cursor.fetchall())

        assert "Seq Scan" not in plan, plan
        assert "aliases_by_prefix" in plan
        assert "customers_by_external_id" in plan
        assert "customers_by_name_words" in plan
        assert "Index Cond: (id = ANY (" in plan
        assert "Nested Loop" not in plan
