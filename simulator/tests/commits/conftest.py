"""A customer whose clock stands still in January 2030, a product, a contract, and commits of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from metronome import Metronome

from simulator.running import RunningSimulator
from simulator.tests.commits.schedules import NOW, YEAR, Create
from simulator.tests.saying import day


@pytest.fixture
def customer(sdk: Metronome, simulator: RunningSimulator) -> str:
    """A customer of an account whose clock stands still in January 2030."""
    simulator.control("POST", "clock", {"at": NOW, "frozen": True})
    return sdk.v1.customers.create(name="Committed", ingest_aliases=["committed"]).data.id


@pytest.fixture
def product(sdk: Metronome, customer: str) -> str:
    return sdk.v1.contracts.products.create(name="Commitment", type="FIXED").data.id


@pytest.fixture
def contract(sdk: Metronome, customer: str) -> str:
    return sdk.v1.contracts.create(customer_id=customer, starting_at=day(1)).data.id


@pytest.fixture
def create(sdk: Metronome, customer: str, product: str) -> Create:
    """Create a commit, prepaid and for the year unless told otherwise; its id."""

    def make(**given: Any) -> str:
        whole = {"type": "PREPAID", "priority": 1, "access_schedule": YEAR, "product_id": product, **given}
        return sdk.v1.customers.commits.create(customer_id=customer, **whole).data.id

    return make


@pytest.fixture
def only(sdk: Metronome, customer: str) -> Callable[[str], Any]:
    """One commit with its balance and ledger."""

    def read(commit_id: str) -> Any:
        (row,) = sdk.v1.customers.commits.list(
            customer_id=customer,
            commit_id=commit_id,
            include_balance=True,
            include_ledgers=True,
            include_archived=True,
        )
        return row

    return read
