"""Metronome's own JSON of a record: kept beside its columns, exact, and shown on its page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.test import Client

from billing.metronome.account import Gateway
from billing.metronome.exact import as_json
from billing.metronome.objects.customer import CustomerRecord, customers
from billing.mirror.cleaning import Cleaner
from billing.mirror.refresh import refresh_account
from billing.mirror.resources import RESOURCES
from billing.mirror.resources.customer.models import Customer
from billing.mirror.storing import store
from billing.users import User

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SOURCE = {
    "id": str(UUID(int=1)),
    "name": "Halcyon",
    "ingest_aliases": [],
    "custom_fields": {},
    "deep": [{"share": Decimal("0.333333333333333333333333"), "text": "half \ud800 and <b>"}],
}


def keep(source: dict) -> int:
    return store(RESOURCES["customer"], [CustomerRecord.from_json(source)], NOW, clean=Cleaner())


@pytest.mark.django_db
def test_it_is_kept_to_the_last_digit_and_storable() -> None:
    assert keep(SOURCE) == 1

    row = Customer.objects.get()
    assert row.raw["deep"] == [
        {"share": Decimal("0.333333333333333333333333"), "text": "half \ufffd and <b>"}
    ]
    assert "0.333333333333333333333333" in row.raw_text
    assert keep(SOURCE) == 0


@pytest.mark.django_db
def test_what_has_no_column_is_a_difference_too() -> None:
    keep(SOURCE)

    assert keep(SOURCE | {"deep": []}) == 1
    assert Customer.objects.get().raw["deep"] == []


def test_a_number_is_written_as_the_number_that_it_is() -> None:
    assert as_json({"a": Decimal("1E+3"), "b": Decimal("0.10"), "c": "0.10"}) == (
        '{"a": 1E+3, "b": 0.10, "c": "0.10"}'
    )


def test_a_customers_page_shows_it_folded_and_escaped(
    gateway: Gateway, auditor: User, client: Client
) -> None:
    refresh_account(gateway)
    keep(SOURCE)
    client.force_login(auditor)

    page = client.get(f"/customers/{SOURCE['id']}/").content.decode()

    assert "Metronome’s own record" in page
    assert "0.333333333333333333333333" in page
    assert "and &lt;b&gt;" in page
    assert "and <b>" not in page


def test_every_customer_and_plan_of_an_account_has_its_own(gateway: Gateway) -> None:
    refresh_account(gateway)

    assert not Customer.objects.filter(raw=None).exists()
    listed = {row.id: row.raw for row in gateway.page(customers(archived=False)).items}
    for row in Customer.objects.filter(pk__in=listed):
        assert json.loads(as_json(row.raw)) == json.loads(as_json(listed[str(row.pk)]))
