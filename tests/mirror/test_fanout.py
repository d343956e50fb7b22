"""Lists that only a customer has: each is read to its end, and until then it is not read yet."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.db import connection
from django.db.models.functions import Now

from billing import tasks
from billing.metronome.account import Gateway
from billing.metronome.objects.contract import contracts_of
from billing.metronome.objects.customer import customers
from billing.mirror import fanout
from billing.mirror.models import Reading
from billing.mirror.refresh import refresh_account, refresh_customer
from billing.mirror.resources.billing_configuration import BillingConfiguration
from billing.mirror.resources.contract.resource import Contract
from billing.mirror.resources.customer.models import Customer
from tests.simulator_server import TOKEN, RunningSimulator

LONG_AGO = "2020-01-01T00:00:00Z"


def post(simulator: RunningSimulator, path: str, body: dict[str, Any]) -> Any:
    answer = httpx.post(
        f"{simulator.url}{path}",
        json=body,
        headers={"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": str(uuid4())},
    )
    answer.raise_for_status()
    return answer.json()["data"]


def add_contracts(simulator: RunningSimulator, customer_id: str, number: int) -> list[str]:
    bodies = [
        {"customer_id": customer_id, "name": f"Contract {n}", "starting_at": f"2026-01-01T{n % 24:02}:00:00Z"}
        for n in range(number)
    ]
    return [post(simulator, "/v1/contracts/create", body)["id"] for body in bodies]


@pytest.fixture
def bare(gateway: Gateway, simulator: RunningSimulator) -> str:
    """A mirrored, active customer without a contract."""
    refresh_account(gateway)
    ids = [row.id for row in gateway.page(customers(archived=False)).items]
    return next(each for each in ids if not gateway.every(contracts_of(each)))


def drain(gateway: Gateway) -> None:
    fanout.read_for_a_turn(gateway)


def test_every_contract_of_a_customer_with_45_is_mirrored_and_one_page_is_not_all(
    gateway: Gateway, simulator: RunningSimulator, bare: str
) -> None:
    made = add_contracts(simulator, bare, 45)

    assert len(gateway.page(contracts_of(bare)).items) == 20
    fanout.read_lists_of(gateway, bare)

    rows = Contract.objects.filter(customer_id=bare)
    assert {str(row.pk) for row in rows} == set(made)
    assert {row.name for row in rows} == {f"Contract {n}" for n in range(45)}
    assert all(row.raw["id"] == str(row.pk) for row in rows)


def test_not_read_yet_is_never_none(gateway: Gateway, bare: str) -> None:
    assert fanout.read_at(bare) == {"billing_configuration": None, "contract": None}

    fanout.read_lists_of(gateway, bare)

    read = fanout.read_at(bare)
    assert None not in read.values()
    assert not Contract.objects.filter(customer_id=bare).exists()


def test_a_round_reads_every_customers_lists_once_and_ends(
    gateway: Gateway, simulator: RunningSimulator, bare: str
) -> None:
    assert fanout.line_up() == 60
    assert fanout.line_up() == 0
    spent = gateway.requests_spent

    drain(gateway)

    assert gateway.requests_spent - spent == 60
    assert not Reading.objects.filter(read_at=None).exists()
    live = {str(pk) for pk in Contract.objects.values_list("pk", flat=True)}
    listed = {
        contract.id
        for pk in Customer.objects.values_list("pk", flat=True)
        for contract in gateway.every(contracts_of(str(pk)))
    }
    assert live == listed
    assert live
    spent = gateway.requests_spent
    drain(gateway)
    assert gateway.requests_spent == spent


def test_archived_customers_come_last_and_are_read_once(gateway: Gateway, bare: str) -> None:
    fanout.line_up()
    drain(gateway)

    archived = Reading.objects.filter(customer__archived_at__isnull=False)
    assert archived.exists()
    assert not archived.filter(due_at__isnull=False).exists()
    last_live = Reading.objects.exclude(pk__in=archived).order_by("-read_at").first()
    assert last_live.read_at < archived.order_by("read_at").first().read_at
    assert not Reading.objects.exclude(pk__in=archived).filter(due_at=None).exists()


def test_what_somebody_looks_at_jumps_the_queue(gateway: Gateway, bare: str) -> None:
    fanout.line_up()
    last = str(Customer.objects.filter(archived_at__isnull=False).order_by("-pk").first().pk)

    fanout.look_at(last)
    fanout._read_next(gateway)
    fanout._read_next(gateway)

    assert {str(row.customer_id) for row in Reading.objects.exclude(read_at=None)} == {last}


def test_an_unchanged_contract_is_not_written_again(gateway: Gateway, bare: str) -> None:
    fanout.line_up()
    drain(gateway)
    before = list(Contract.objects.order_by("pk").values())
    Reading.objects.update(due_at=Now())

    drain(gateway)

    assert before
    assert list(Contract.objects.order_by("pk").values()) == before


def test_a_contract_that_no_list_shows_is_asked_for_and_then_missing(
    gateway: Gateway, simulator: RunningSimulator, bare: str
) -> None:
    add_contracts(simulator, bare, 1)
    fanout.read_lists_of(gateway, bare)
    gone = Contract.objects.create(
        id=uuid4(), customer_id=bare, name="Gone", starting_at=LONG_AGO, fetched_at=LONG_AGO
    )
    spent = gateway.requests_spent

    fanout.read_lists_of(gateway, bare)

    gone.refresh_from_db()
    assert gone.missing_since is not None
    assert Contract.objects.filter(customer_id=bare, missing_since=None).count() == 1
    assert gateway.requests_spent - spent == 3


def test_a_list_that_breaks_half_way_changes_nothing_and_says_why(
    gateway: Gateway, simulator: RunningSimulator, bare: str
) -> None:
    add_contracts(simulator, bare, 25)
    simulator.fault("POST /v2/contracts/list", "status_before", status=500, skip=1, count=None)

    fanout.read_lists_of(gateway, bare)

    assert not Contract.objects.filter(customer_id=bare).exists()
    reading = Reading.objects.get(customer_id=bare, noun="contract")
    assert (reading.read_at, reading.claimed_until) == (None, None)
    assert "500" in reading.trouble
    assert fanout.read_at(bare)["billing_configuration"] is not None


def test_a_claim_whose_reader_died_is_taken_up_again(gateway: Gateway, bare: str) -> None:
    fanout.look_at(bare)
    Reading.objects.update(claimed_until="2999-01-01T00:00:00Z")
    assert not fanout._read_next(gateway)

    Reading.objects.update(claimed_until=LONG_AGO)

    assert fanout._read_next(gateway)


def test_lists_of_a_missing_customer_are_left_alone(gateway: Gateway, bare: str) -> None:
    fanout.look_at(bare)
    Customer.objects.filter(pk=bare).update(missing_since=LONG_AGO)

    assert not fanout._read_next(gateway)


def test_cut_inner_lists_are_read_whole(gateway: Gateway, simulator: RunningSimulator) -> None:
    refresh_account(gateway)
    owner, contract = next(
        (str(pk), each)
        for pk in Customer.objects.filter(archived_at=None).values_list("pk", flat=True)
        for each in gateway.every(contracts_of(str(pk)))
        if each.raw["commits"]
    )
    whole = {row["id"] for row in contract.raw["commits"]}

    class Cutting(Gateway):
        """Metronome that shows no commit in its list of contracts, and says so."""

        def every(self, listing: Any, odd: Any = None) -> Any:
            rows = super().every(listing, odd)
            if listing.path == "/v2/contracts/list":
                for row in rows:
                    row.raw.update(commits=[], has_more={"commits": True, "credits": False})
            return rows

    with Cutting(gateway.config) as cutting:
        fanout.read_lists_of(cutting, owner)

    row = Contract.objects.get(pk=contract.id)
    assert {each["id"] for each in row.raw["commits"]} == whole
    assert row.raw["has_more"] == {"commits": False, "credits": False}


def test_configurations_are_mirrored_with_their_end(
    gateway: Gateway, simulator: RunningSimulator, bare: str
) -> None:
    post(
        simulator,
        "/v1/setCustomerBillingProviderConfigurations",
        {
            "data": [
                {
                    "customer_id": bare,
                    "billing_provider": "stripe",
                    "delivery_method": "direct_to_billing_provider",
                    "configuration": {
                        "stripe_customer_id": "cus_1",
                        "stripe_collection_method": "charge_automatically",
                    },
                }
            ]
        },
    )

    fanout.read_lists_of(gateway, bare)

    row = BillingConfiguration.objects.get(customer_id=bare)
    assert (row.billing_provider, row.is_archived) == ("stripe", False)
    assert row.raw["configuration"]["stripe_customer_id"] == "cus_1"


def test_reading_one_customer_leaves_its_queued_lists_to_the_queue(gateway: Gateway, bare: str) -> None:
    spent = gateway.requests_spent

    refresh_customer(gateway, bare)

    assert gateway.requests_spent - spent == 2
    assert fanout.read_at(bare)["contract"] is None


@pytest.mark.django_db(transaction=True)
def test_turns_do_not_multiply_while_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[str] = []
    monkeypatch.setattr(tasks, "open_gateway", lambda: nullcontext())
    monkeypatch.setattr(fanout, "read_for_a_turn", lambda gateway: turns.append("turn") or False)
    elsewhere = connection.copy()  # the lock of another worker
    elsewhere.connect()
    try:
        with elsewhere.cursor() as cursor:
            lock = "pg_try_advisory_lock(hashtextextended('countersign: lists of customers', 0))"
            cursor.execute(f"SELECT {lock}")
            assert cursor.fetchone()[0]
        tasks.refresh_lists()
        assert turns == []
        with elsewhere.cursor() as cursor:  # given back first: a session ends some time after it is closed
            cursor.execute("SELECT pg_advisory_unlock_all()")
    finally:
        elsewhere.close()

    tasks.refresh_lists()
    assert turns == ["turn"]


def test_contracts_are_read_before_what_bills_them() -> None:
    assert [noun.name for noun in fanout.queued()] == ["contract", "billing_configuration"]
