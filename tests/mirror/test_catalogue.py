"""What contracts are made from: read whole with the account, kept by name, and missed when it goes."""

from __future__ import annotations

from typing import Any

import pytest

from billing.metronome.account import Gateway
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.package import Package
from billing.mirror.resources.product import Product
from billing.mirror.resources.rate_card import RateCard
from tests.simulator_server import RunningSimulator

pytestmark = pytest.mark.django_db(transaction=True)


def kept(simulator: RunningSimulator, of: str) -> dict[str, Any]:
    return simulator.control("GET", "snapshot")["main"][of]


def test_they_are_mirrored_with_the_account_and_once_more_nothing_is_written(
    gateway: Gateway, simulator: RunningSimulator, house: None
) -> None:
    first = refresh_account(gateway, pauses=())
    again = refresh_account(gateway, pauses=())

    cards, packages, products = (kept(simulator, of) for of in ("rate_cards", "packages", "products"))
    assert len(cards) >= 1
    assert len(packages) >= 1
    assert len(products) > 5
    assert {str(row.pk): (row.name, row.currency) for row in RateCard.objects.all()} == {
        of: (card["name"], card["fiat_credit_type"]["name"]) for of, card in cards.items()
    }
    assert {str(row.pk): (row.name, row.rate_card_id) for row in Package.objects.all()} == {
        of: (package["name"], package["rate_card_id"]) for of, package in packages.items()
    }
    assert {str(row.pk): row.type for row in Product.objects.all()} == {
        of: product["type"] for of, product in products.items()
    }
    assert (first.status, again.status, again.rows_written) == ("succeeded", "succeeded", 0)


def test_more_than_a_page_of_packages_is_read_whole(
    gateway: Gateway, simulator: RunningSimulator, house: None
) -> None:
    card = next(iter(kept(simulator, "rate_cards")))
    for number in range(120):
        body = {"name": f"Package {number}", "rate_card_id": card}
        simulator.control("POST", "change", {"what": "POST /v1/packages/create", "body": body})

    refresh_account(gateway, pauses=())

    assert Package.objects.filter(name__startswith="Package ").count() >= 120


def test_an_archived_package_says_so_and_an_archived_card_goes_missing(
    gateway: Gateway, simulator: RunningSimulator, house: None
) -> None:
    refresh_account(gateway, pauses=())
    package, card = Package.objects.get(), RateCard.objects.order_by("sort_name").first()
    for what, body in (
        ("POST /v1/packages/archive", {"package_id": str(package.pk)}),
        ("POST /v1/contract-pricing/rate-cards/archive", {"id": str(card.pk)}),
    ):
        simulator.control("POST", "change", {"what": what, "body": body})

    refresh_account(gateway, pauses=())

    package.refresh_from_db()
    card.refresh_from_db()
    assert (package.archived_at is None, package.missing_since) == (False, None)
    assert card.missing_since is not None
