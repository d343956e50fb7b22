"""What a search means, and that each arm of it walks an index of its own."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.lists.paging import FilterRefused
from billing.mirror.resources.customer.filters import CustomerFilter
from billing.mirror.resources.customer.models import Customer, IngestAlias
from billing.mirror.resources.customer.queries import customers

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
        ("HS_", ["The Halcyonic Society"]),
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


@pytest.mark.parametrize(
    ("name", "searches"),
    [
        ("Müller Spedition GmbH", ["muller", "MÜLLER sped", "mu\u0308ller", "ｍｕｌｌｅｒ"]),
        ("Mu\u0308ller Backwaren NFD", ["müller back", "Muller"]),
        ("Éclair SARL", ["eclair"]),
        ("Straße & Söhne", ["strasse", "STRASSE", "sohne"]),
        ("Đorđe Žižić", ["zizic", "dorde"]),
        ("ＦＵＬＬＷＩＤＴＨ Trading", ["fullwidth"]),
        ("ﬁnance Ligature", ["finance"]),
        ("Zero\u200bWidth Co", ["zerowidth"]),
        ("Ernst/Young Partners", ["young", "ernst/young", "ernst young"]),
        ("Region-51 Aero", ["51", "region 51", "Region-51", "region–51"]),
        ("Deal 2026-11 Holdings", ["11", "2026-11", "2026"]),
        ("CVE-2026-2332 Labs", ["2332"]),
        ("foo@bar.com", ["bar.com", "foo@bar"]),
        ("Pat O’Reilly", ["o'reilly", "o’reilly", "reilly"]),
        ("Tokyo 株式会社電力", ["会社", "株式会社", "電", "tokyo 電力"]),
        ("한국전력공사", ["전력", "한국"]),
        ("คาเฟ่ ดี", ["คาเฟ่", "ดี"]),
    ],
)
def test_a_name_is_found_as_people_type_it(name: str, searches: list[str]) -> None:
    customer(name)
    customer("Somebody else", "else", external_id="else")

    assert {q: found(q) for q in searches} == {q: [name] for q in searches}


def test_letters_without_spaces_are_found_as_they_follow_each_other() -> None:
    customer("京東 Group")
    customer("東京 Group")

    assert found("東京") == ["東京 Group"]


@pytest.mark.parametrize("alias", [" lead-alias", "Lead-Alias", "lead\u2011alias", "lead-alias\u200b"])
def test_an_alias_and_an_external_id_are_found_as_they_are_read(alias: str) -> None:
    customer("By alias", alias)
    customer("By external id", external_id=alias)

    for q in ("lead-alias", " lead-alias", "LEAD-al", "lead–alias"):
        assert found(q) == ["By alias", "By external id"]


@pytest.mark.parametrize("q", ["\u200b", "\u0301", "\u2800"])
def test_a_search_of_nothing_that_is_seen_finds_nobody(q: str) -> None:
    customer("Halcyon", "halcyon")

    assert found(q) == []


def test_the_alias_that_a_search_means_comes_first_in_its_row() -> None:
    customer("Halcyon", "a-1", "a-2", "a-3", "METER-9", "z-1")

    assert [row.aliases for row in customers(CustomerFilter(q="meter")).rows] == [["METER-9", "a-1", "a-2"]]


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize("more", [{}, {"status": "archived"}, {"sort": "-name"}, {"sort": "created_at"}])
def test_many_are_found_as_few_are(monkeypatch: pytest.MonkeyPatch, more: dict[str, str]) -> None:
    """Beyond the cap the list is walked and each customer asked; the file reads them all at once."""
    customer("Halcyon Archived", "halcyon-old", archived_at=NOW)
    for q in ("halc", "halcyon-eu", "crm", "o'ne", "株式", str(HALCYON), "%", "nobody", "\u200b"):
        few = found(q, **more)
        wanted = CustomerFilter(q=q, **more)
        with monkeypatch.context() as patch:
            patch.setattr("billing.mirror.resources.customer.queries.COUNT_CAP", 0)
            many = found(q, **more)

        assert many == few
        assert {row.name for row in wanted.rows()} == {row.name for row in wanted.in_passing()} == set(few)


@pytest.mark.parametrize("analyzed", [False, True])
def test_every_way_of_a_search_walks_its_index_among_20_000_customers(analyzed: bool) -> None:
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
        with CaptureQueriesContext(connection) as asked:
            customers(CustomerFilter(q=q))
        plans = [explained(query["sql"]) for query in asked]

        assert len(plans) == 2
        assert [plan for plan in plans if "Seq Scan" in plan] == []
        assert "aliases_by_prefix" in plans[0]
        assert "customers_by_external_id" in plans[0]
        assert "customers_by_name_words" in plans[0]


def explained(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'(GENERIC_PLAN)' if '$1' in statement else ''} {statement}")
        return "\n".join(row[0] for row in cursor.fetchall())
