"""A refresh makes records of what differs alone, told by a digest of each row's own JSON."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from billing.metronome.account import Gateway
from billing.metronome.listing import UnreadPage
from billing.metronome.objects.customer import customers
from billing.metronome.records import Page
from billing.mirror.comparing import has_digest
from billing.mirror.refresh import refresh_account, refresh_customer
from billing.mirror.resources import RESOURCES, mirrored
from billing.mirror.resources.customer.models import Customer
from tests.simulator_server import RunningSimulator


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the customers that refreshes make records of."""
    names: list[str] = []
    read = UnreadPage.read

    def noted(page: UnreadPage[Any], places: Collection[int] | None = None) -> Page[Any]:
        found = read(page, places)
        if page.listing.path == "/v1/customers":
            names.extend(each.name for each in found.items)
        return found

    monkeypatch.setattr(UnreadPage, "read", noted)
    return names


def test_an_unchanged_account_is_read_without_making_a_record(gateway: Gateway, made: list[str]) -> None:
    refresh_account(gateway)
    assert len(made) == 30
    made.clear()

    run = refresh_account(gateway)

    assert (run.status, run.rows_written, made) == ("succeeded", 0, [])
    for noun in mirrored():
        if has_digest(noun):
            assert noun.model.objects.exists(), noun.name
            assert not noun.model.objects.filter(raw_digest=None).exists(), noun.name


def test_a_record_is_made_of_what_changed_alone(
    gateway: Gateway, simulator: RunningSimulator, made: list[str]
) -> None:
    refresh_account(gateway)
    changed = gateway.page(customers(archived=False)).items[3]
    simulator.change("rename", changed.id, name="Larkspur Shipping")
    made.clear()

    run = refresh_account(gateway)

    assert (run.rows_written, made) == (1, ["Larkspur Shipping"])


def test_what_was_read_by_its_id_is_no_difference_to_its_list(
    gateway: Gateway, simulator: RunningSimulator, made: list[str]
) -> None:
    refresh_account(gateway)
    changed = gateway.page(customers(archived=False)).items[3]
    simulator.change("rename", changed.id, name="Larkspur Shipping")
    refresh_customer(gateway, changed.id)
    made.clear()

    run = refresh_account(gateway)

    assert (run.rows_written, made) == (0, [])


def test_what_has_no_digest_is_written_once(gateway: Gateway, made: list[str]) -> None:
    refresh_account(gateway)
    some = Customer.objects.order_by("pk").values_list("pk", flat=True)[:3]
    Customer.objects.filter(pk__in=list(some)).update(raw_digest=None)
    made.clear()

    assert refresh_account(gateway).rows_written == 3
    assert len(made) == 3
    assert refresh_account(gateway).rows_written == 0


def test_a_row_that_is_not_of_this_list_is_no_match(gateway: Gateway, made: list[str]) -> None:
    refresh_account(gateway)
    active = Customer.objects.filter(archived_at=None).order_by("pk").first()
    Customer.objects.filter(pk=active.pk).update(archived_at=active.created_at)  # as no list says it
    made.clear()

    assert refresh_account(gateway).rows_written == 1
    assert made == [active.name]
    assert RESOURCES["customer"].model.objects.get(pk=active.pk).archived_at is None
