"""Pricing: rate cards, products and packages, each with its list, its file and the page of one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.audit.models import AuditEvent
from billing.mirror.resources.contract.resource import Contract
from billing.mirror.resources.package import Package
from billing.mirror.resources.product import Product
from billing.mirror.resources.rate_card import RateCard
from tests.pages.conftest import add_customer, now, squeezed

Row = RateCard | Product | Package
LISTS = {
    "/pricing/": (RateCard, "rate-cards", {}),
    "/pricing/products/": (Product, "products", {"type": "USAGE"}),
    "/pricing/packages/": (Package, "packages", {}),
}
every_list = pytest.mark.parametrize("address", LISTS)


def add(address: str, name: str, **more: Any) -> Row:
    model, _file, own = LISTS[address]
    return model.objects.create(id=uuid4(), name=name, **{"fetched_at": now(), **own, **more})


def names(answer: Any) -> list[str]:
    return [row.name for row in answer.context["page"].rows]


@every_list
def test_each_is_listed_and_narrowed_by_words_id_and_status(address: str, finance: Client, db: None) -> None:
    scale = add(address, "Scale <EU>")
    add(address, "Éclair 2026")
    add(address, "Gone", missing_since=now())

    assert names(finance.get(address)) == ["Éclair 2026", "Scale <EU>"]
    assert names(finance.get(f"{address}?sort=-name")) == ["Scale <EU>", "Éclair 2026"]
    assert names(finance.get(f"{address}?q=eclair")) == ["Éclair 2026"]
    assert names(finance.get(f"{address}?q=2026")) == ["Éclair 2026"]
    assert names(finance.get(f"{address}?q={scale.pk}")) == ["Scale <EU>"]
    assert names(finance.get(f"{address}?q=nothing")) == []
    assert names(finance.get(f"{address}?status=missing")) == ["Gone"]
    assert len(names(finance.get(f"{address}?status=all"))) == 3
    assert "<EU>" not in finance.get(address).content.decode()


@pytest.mark.parametrize("address", ["/pricing/products/", "/pricing/packages/"])
def test_archived_ones_are_asked_for(address: str, finance: Client, db: None) -> None:
    add(address, "Over", archived_at=now())

    assert names(finance.get(address)) == []
    assert names(finance.get(f"{address}?status=archived")) == ["Over"]


@every_list
def test_a_filter_that_makes_no_sense_says_so(address: str, finance: Client, db: None) -> None:
    file = f"/{LISTS[address][1]}.csv"

    for wrong in ("status=odd", "sort=price", f"q={'x' * 401}", "q=%00"):
        page = finance.get(f"{address}?{wrong}")
        assert (page.status_code, 'role="alert"' in page.content.decode()) == (400, True), wrong
        assert finance.get(f"{file}?{wrong}").status_code == 400
    assert "can’t be read" in finance.get(f"{address}?cursor=odd").content.decode()


@every_list
def test_pages_lead_on_and_back_without_a_gap(address: str, finance: Client, db: None) -> None:
    for number in range(120):
        add(address, f"Same {number % 3}" if number < 60 else f"Other {number:03}")

    seen, cursor = [], ""
    while True:
        page = finance.get(f"{address}?cursor={cursor}").context["page"]
        seen += [row.pk for row in page.rows]
        if page.older is None:
            break
        cursor = page.older
    back = finance.get(f"{address}?cursor={page.newer}").context["page"]

    assert len(seen) == len(set(seen)) == 120
    assert [row.pk for row in back.rows] == seen[50:100]


@every_list
def test_the_file_has_the_same_filters_and_goes_on_record(
    address: str, browser: Callable[[str], Client]
) -> None:
    add(address, "=1+1")
    add(address, "Other")
    file = f"/{LISTS[address][1]}.csv"

    answer = browser("auditor").get(f"{file}?q=%3D1")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))

    assert [row["name"] for row in rows] == ["'=1+1"]
    assert {"id", "name", "missing_since", "fetched_at"} <= rows[0].keys()
    event = AuditEvent.objects.get(event_type="list.exported")
    assert event.new["filter"] == {"q": "=1"}


@every_list
def test_twenty_rows_cost_no_more_queries_than_two(address: str, finance: Client, db: None) -> None:
    card = add("/pricing/", "Scale")
    own = {"rate_card_id": str(card.pk)} if address == "/pricing/packages/" else {}
    asked = []
    for total in (2, 20):
        while LISTS[address][0].objects.count() < total:
            add(address, "Another", **own)
        finance.get(address)
        with CaptureQueriesContext(connection) as queries:
            finance.get(address)
        asked.append(len(queries))

    assert asked[0] == asked[1]


def test_each_has_a_page_with_metronomes_own_record(finance: Client, db: None) -> None:
    raw = {"current": {"name": "Tokens", "tags": ["gpu"], "billable_metric_id": "m-1"}}
    card = add("/pricing/", "Scale <b>", currency="USD (cents)", raw={"aliases": ["scale"]})
    bundle = add(
        "/pricing/packages/",
        "Starter",
        rate_card_id=str(card.pk),
        raw={"duration": {"value": 12, "unit": "MONTHS"}, "net_payment_terms_days": 30},
    )
    product = add("/pricing/products/", "Tokens", type="PRO_SERVICE", raw=raw)

    of_card = squeezed(finance.get(f"/pricing/{card.pk}/").content.decode())
    of_product = squeezed(finance.get(f"/pricing/products/{product.pk}/").content.decode())
    of_package = squeezed(finance.get(f"/pricing/packages/{bundle.pk}/").content.decode())

    assert "Scale &lt;b&gt;" in of_card
    assert f'href="/pricing/packages/{bundle.pk}/"><bdi>Starter</bdi>' in of_card
    assert "USD (cents)" in of_card
    assert "&quot;scale&quot;" in of_card
    assert "Pro service" in of_product
    assert "gpu" in of_product
    assert "&quot;billable_metric_id&quot;" in of_product
    assert f'href="/pricing/{card.pk}/"><bdi>Scale &lt;b&gt;</bdi>' in of_package
    assert "an end after 12 months, net 30 days" in of_package
    for page in (of_card, of_product, of_package):
        assert '<a href="/pricing/" aria-current="page">' in page
    assert finance.get(f"/pricing/{uuid4()}/").status_code == 404


def test_a_package_at_a_rate_card_that_is_not_mirrored_shows_its_id(finance: Client, db: None) -> None:
    gone = str(uuid4())
    add("/pricing/packages/", "Starter", rate_card_id=gone)
    add("/pricing/packages/", "Bare")

    page = finance.get("/pricing/packages/").content.decode()

    assert gone in page
    assert f"/pricing/{gone}/" not in page


def test_a_contract_leads_to_what_it_was_made_from(finance: Client, db: None) -> None:
    card, unknown = add("/pricing/", "Scale"), uuid4()
    more = {"customer": add_customer("Halcyon"), "starting_at": now(), "fetched_at": now()}
    made = Contract.objects.create(id=uuid4(), rate_card_id=card.pk, package_id=unknown, **more)

    page = squeezed(finance.get(f"/contracts/{made.pk}/").content.decode())

    assert f'href="/pricing/{card.pk}/"><bdi>Scale</bdi>' in page
    assert str(unknown) in page
    assert f"/pricing/packages/{unknown}/" not in page


def test_an_id_opens_its_page_from_the_search_of_every_page(finance: Client, db: None) -> None:
    card = add("/pricing/", "Scale")

    found = finance.get(f"/search/?q={card.pk}")
    shown = finance.get(f"/search/?q={card.pk}", headers={"HX-Request": "true"}).content.decode()

    assert found["Location"] == f"/pricing/{card.pk}/"
    assert f'href="/pricing/{card.pk}/"' in shown
