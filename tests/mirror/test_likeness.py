"""Who has a name, an alias or an id that people take for another."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.mirror.resources.customer import likeness
from billing.mirror.resources.customer.models import Customer, IngestAlias

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ID = UUID("3e40c495-43b3-405e-b8c3-447824be4fe3")


def add(name: str, *aliases: str, **more: object) -> Customer:
    row = Customer.objects.create(**{"id": uuid4(), "name": name, "fetched_at": NOW, **more})
    IngestAlias.objects.bulk_create(
        IngestAlias(customer=row, alias=alias, fetched_at=NOW) for alias in aliases
    )
    return row


def test_customers_of_a_name_are_found_whatever_the_case() -> None:
    archived = add("ÉCLAIR gmbh", archived_at=NOW)
    active = add("Éclair GmbH")
    add("Éclair GmbH & Co")
    add("Éclair GmbH", missing_since=NOW)

    assert likeness.customers_named("éclair GMBH") == [active, archived]
    assert likeness.customers_that_look_named("éclair GMBH") == []
    assert likeness.customers_named("nul\x00") == likeness.customers_that_look_named("nul\x00") == []


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ("Mu\u0308ller Backwaren NFD", "Müller Backwaren NFD"),
        (" Leading Space Inc", "Leading Space Inc"),
        ("Zero\u200bWidth Co", "ZeroWidth Co"),
        ("Acme  Double Space", "Acme Double Space"),
        ("ＦＵＬＬＷＩＤＴＨ Trading", "FULLWIDTH Trading"),
        ("ﬁnance Ligature", "finance Ligature"),
        ("Line\nBreak Inc", "Line Break Inc"),
        ("O’Reilly", "O'Reilly"),
    ],
)
def test_a_name_that_reads_the_same_is_the_same(held: str, asked: str) -> None:
    row = add(held)
    add("Somebody else")

    assert likeness.customers_named(asked) == [row]
    assert likeness.customers_that_look_named(asked) == []


@pytest.mark.parametrize(("held", "asked"), [("Асme", "Acme"), ("Paypal", "PaypaI"), ("Modern", "Modem")])
def test_a_name_that_only_looks_the_same_is_told_apart_from_it(held: str, asked: str) -> None:
    row = add(held)

    assert likeness.customers_named(asked) == []
    assert likeness.customers_that_look_named(asked) == [row]


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ("Case-Alias", "case-alias"),
        ("zeb-1", "zeb\u20111"),
        (" lead", "lead"),
        ("meter\u200b-9", "meter-9"),
        ("асme-7", "acme-7"),
        ("acme-l", "acme-1"),
    ],
)
def test_an_alias_of_another_that_reads_like_one_is_near(held: str, asked: str) -> None:
    row = add("Holder", held, "other")
    add("Gone", asked.upper() + " ", missing_since=NOW)

    near = likeness.near_aliases([asked, "new"], own_id=str(uuid4()))

    assert near == [likeness.Alike(asked, held, row.pk, "Holder")]
    assert likeness.near_aliases([asked, "new"], own_id=str(row.pk)) == []
    assert likeness.near_aliases([held], own_id=None) == likeness.near_aliases([], own_id=None) == []


@pytest.mark.parametrize(
    "asked", [str(ID), str(ID).upper(), f" {ID}", str(ID).replace("-", "\u2011"), ID.hex]
)
def test_an_id_is_known_however_it_is_written(asked: str) -> None:
    add("Owner", id=ID)
    add("Other", external_id=str(uuid4()))

    assert likeness.whose_ids(["a", asked], own_id=str(uuid4())) == [
        likeness.Alike(asked, str(ID), ID, "Owner")
    ]
    assert likeness.whose_ids([asked], own_id=str(ID)) == []
    assert likeness.whose_ids([str(uuid4())], own_id=None) == []


def test_an_external_id_of_another_is_known() -> None:
    row = add("Owner", external_id="CRM-7")
    add("Empty")

    asked = ["crm-7", "crm-8", "\u200b"]

    assert likeness.whose_external_ids(asked, own_id=None) == [
        likeness.Alike("crm-7", "CRM-7", row.pk, "Owner")
    ]
    assert likeness.whose_external_ids(asked, own_id=str(row.pk)) == []


def test_two_thousand_aliases_are_compared_in_one_query() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO billing_customer (id, name, external_id, custom_fields, fetched_at)
               SELECT gen_random_uuid(), 'Company ' || n, 'crm-' || n, '{}', now()
                 FROM generate_series(1, 20000) n;
               INSERT INTO billing_ingestalias (customer_id, alias, fetched_at)
               SELECT id, external_id, now() FROM billing_customer;
               ANALYZE billing_customer, billing_ingestalias"""
        )
    asked = [f"CRM\u2011{number}" for number in range(90)] + [f"new-{number}" for number in range(1_910)]

    with CaptureQueriesContext(connection) as sent:
        near = likeness.near_aliases(asked, own_id=None)

    assert {each.text for each in near} == {f"crm-{number}" for number in range(1, 90)}
    assert len(sent) == 1
