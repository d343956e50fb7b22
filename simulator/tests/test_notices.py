"""What happens to contracts, commits and invoices is told, at its time and in its shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from metronome import Metronome

from simulator.running import RunningSimulator
from simulator.tests.contracting import JAN, JUN, NEXT, Market, create, edit
from simulator.tests.receiver import Receiver, receiving

NOON = "2026-06-15T12:00:00.000Z"


@pytest.fixture
def simulator(simulator_process: RunningSimulator) -> RunningSimulator:
    """Without seeded customers, of whom there would be much to tell."""
    simulator_process.reset(customers=0)
    return simulator_process


@pytest.fixture
def receiver(simulator: RunningSimulator) -> Iterator[Receiver]:
    with receiving() as one:
        simulator.control("POST", "webhooks", {"url": one.url})
        yield one


def switch_on(sdk: Metronome, *kinds: str) -> None:
    for kind in kinds:
        sdk.v2.notifications.offset.edit(policy={"type": kind}, is_enabled=True)


def at(simulator: RunningSimulator, when: str) -> None:
    """The frozen clock at an instant."""
    simulator.control("POST", "clock", {"at": when, "frozen": True})


def told(receiver: Receiver, number: int) -> list[tuple[str, str]]:
    """(type, timestamp) of the next so many."""
    return [(each["type"], each["timestamp"]) for each in receiver.flat(number)]


def commit(market: Market, start: str = JAN, end: str = NEXT) -> dict[str, Any]:
    item = {"amount": 10, "starting_at": start, "ending_before": end}
    return {
        "product_id": market.fee,
        "type": "PREPAID",
        "priority": 1,
        "access_schedule": {"schedule_items": [item]},
    }


def test_a_contract_is_told_from_its_making_to_its_archive(
    sdk: Metronome, simulator: RunningSimulator, receiver: Receiver, market: Market
) -> None:
    switch_on(sdk, *(f"contract.{event}" for event in ("create", "start", "edit", "end", "archive")))
    contract = create(sdk, market, starting_at="2026-06-16T00:00:00Z", ending_before="2026-06-20T00:00:00Z")
    at(simulator, "2026-06-17T00:00:00Z")
    edit(sdk, market, contract, update_contract_name="Renamed")
    at(simulator, "2026-06-21T00:00:00Z")
    sdk.v1.contracts.archive(customer_id=market.customer, contract_id=contract, void_invoices=False)

    (first,) = receiver.flat(1)
    assert first == {
        "id": first["id"],
        "type": "contract.create",
        "timestamp": NOON,
        "environment_type": "SANDBOX",
        "customer_id": market.customer,
        "customer_custom_fields": {},
        "contract_id": contract,
        "contract_custom_fields": {},
    }
    assert told(receiver, 4) == [
        ("contract.start", "2026-06-16T00:00:00.000Z"),
        ("contract.edit", "2026-06-17T00:00:00.000Z"),
        ("contract.end", "2026-06-20T00:00:00.000Z"),
        ("contract.archive", "2026-06-21T00:00:00.000Z"),
    ]


def test_a_type_that_is_off_is_not_told(
    sdk: Metronome, simulator: RunningSimulator, receiver: Receiver, market: Market
) -> None:
    switch_on(sdk, "contract.create", "contract.edit")
    sdk.v2.notifications.offset.edit(policy={"type": "contract.create"}, is_enabled=False)
    contract = create(sdk, market)
    edit(sdk, market, contract, update_contract_name="Renamed")

    assert told(receiver, 1) == [("contract.edit", NOON)]


def test_a_commit_of_a_contract_is_told_with_its_segments(
    sdk: Metronome, simulator: RunningSimulator, receiver: Receiver, market: Market
) -> None:
    switch_on(sdk, "commit.create", "commit.segment.start", "commit.segment.end")
    given = commit(market, "2026-06-16T00:00:00Z", "2026-06-17T00:00:00Z")
    contract = create(sdk, market, commits=[given])
    at(simulator, "2026-06-18T00:00:00Z")

    made, started, ended = receiver.flat(3)
    assert (made["type"], made["contract_id"]) == ("commit.create", contract)
    assert (started["type"], started["timestamp"]) == ("commit.segment.start", "2026-06-16T00:00:00.000Z")
    assert (started["commit_id"], started["parent_recurring_commit_id"]) == (made["commit_id"], None)
    assert (started["segment_index"], started["segment_count"]) == (0, 1)
    assert (ended["type"], ended["segment_id"]) == ("commit.segment.end", started["segment_id"])


def test_a_customers_own_credit_says_nothing_of_a_contract(
    sdk: Metronome, receiver: Receiver, market: Market
) -> None:
    switch_on(sdk, "credit.create")
    given = commit(market)
    del given["type"]
    credit = sdk.v1.customers.credits.create(customer_id=market.customer, **given).data.id

    payload = receiver.next().payload
    assert payload["credit_id"] == credit
    assert not [name for name in payload if name.startswith("contract")]


def test_a_finalized_invoice_is_told_in_the_wrapped_shape(
    sdk: Metronome, simulator: RunningSimulator, receiver: Receiver, market: Market
) -> None:
    contract = create(sdk, market, starting_at=JUN)
    call = {"transaction_id": "1", "customer_id": "acme", "event_type": "call", "timestamp": NOON}
    sdk.v1.usage.ingest(usage=[call])
    at(simulator, "2026-07-03T00:00:00Z")

    payload = receiver.next().payload
    assert payload["type"] == "invoice.finalized"
    (invoice,) = sdk.v1.customers.invoices.list(customer_id=market.customer, status="FINALIZED")
    assert invoice.contract_id == contract
    assert payload["properties"] == {
        "invoice_id": invoice.id,
        "customer_id": market.customer,
        "invoice_finalized_date": payload["properties"]["invoice_finalized_date"],
    }
    assert invoice.issued_at.isoformat(timespec="milliseconds") == payload["properties"][
        "invoice_finalized_date"
    ].replace("Z", "+00:00")


def test_offsets_follow_what_happens_and_what_is_foreseen(
    sdk: Metronome, simulator: RunningSimulator, receiver: Receiver, market: Market
) -> None:
    def offset(kind: str, duration: str) -> str:
        policy = {"type": kind, "offset": duration}
        return sdk.v2.notifications.offset.create(name=kind, policy=policy).data.id

    made = [
        offset("contract.create", "PT1H"),
        offset("commit.segment.end", "-P1D"),
        offset("contract.end", "P1M"),
    ]
    contract = create(
        sdk,
        market,
        ending_before="2026-07-01T00:00:00Z",
        commits=[commit(market, JAN, "2026-06-20T00:00:00Z")],
    )
    end = "2026-06-25T00:00:00Z"
    sdk.v1.contracts.update_end_date(customer_id=market.customer, contract_id=contract, ending_before=end)
    at(simulator, "2026-08-30T00:00:00Z")

    own = receiver.flat(3)
    assert [(each["offset_id"], each["offset_duration"], each["timestamp"]) for each in own] == [
        (made[0], "PT1H", NOON),
        (made[1], "-P1D", "2026-06-20T00:00:00.000Z"),
        (made[2], "P1M", "2026-06-25T00:00:00.000Z"),
    ]
    assert {each["contract_id"] for each in own} == {contract}
