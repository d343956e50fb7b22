"""Credits of customers, driven by the strict SDK."""

from __future__ import annotations

from typing import Any

import pytest
from metronome import BadRequestError, Metronome, NotFoundError

from simulator import agenda, notices
from simulator.engine.contracts import commits
from simulator.engine.contracts.commit_terms import blank
from simulator.running import RunningSimulator
from simulator.tests.saying import day
from simulator.world import World

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def customer(sdk: Metronome, simulator: RunningSimulator) -> str:
    """A customer of an account whose clock stands still in January 2030."""
    simulator.control("POST", "clock", {"at": "2030-01-15T00:00:00Z", "frozen": True})
    return sdk.v1.customers.create(name="Credited", ingest_aliases=["credited"]).data.id


@pytest.fixture
def terms(sdk: Metronome, customer: str) -> dict[str, Any]:
    """What a credit of 50 for the first half of the year needs."""
    product = sdk.v1.contracts.products.create(name="Goodwill", type="FIXED").data.id
    item = {"amount": 50, "starting_at": day(1), "ending_before": day(7)}
    return {
        "customer_id": customer,
        "product_id": product,
        "priority": 5,
        "access_schedule": {"schedule_items": [item]},
    }


def test_a_credit_is_shown_as_it_was_made(sdk, simulator, customer, terms):
    sdk.v1.custom_fields.add_key(entity="contract_credit", key="why", enforce_uniqueness=False)
    made = sdk.v1.customers.credits.create(
        **terms, name="Sorry", custom_fields={"why": "outage"}, specifiers=[{"product_tags": ["compute"]}]
    ).data.id

    (row,) = sdk.v1.customers.credits.list(customer_id=customer, include_balance=True, include_ledgers=True)

    assert (row.id, row.type, row.name, row.priority, row.balance) == (made, "CREDIT", "Sorry", 5, 50)
    assert (row.product.name, row.custom_fields) == ("Goodwill", {"why": "outage"})
    assert [each.product_tags for each in row.specifiers] == [["compute"]]
    assert [(each.type, each.amount) for each in row.ledger] == [("CREDIT_SEGMENT_START", 50)]
    assert (simulator.ledger()[-1]["resource_type"], simulator.ledger()[-1]["action"]) == ("credit", "create")


def test_credits_and_commits_are_listed_apart(sdk, customer, terms):
    credit = sdk.v1.customers.credits.create(**terms).data.id
    commit = sdk.v1.customers.commits.create(**terms, type="PREPAID").data.id

    assert [row.id for row in sdk.v1.customers.credits.list(customer_id=customer)] == [credit]
    assert [row.id for row in sdk.v1.customers.commits.list(customer_id=customer)] == [commit]
    assert list(sdk.v1.customers.credits.list(customer_id=customer, credit_id=commit)) == []


def test_a_credit_of_an_unknown_customer_or_product_is_refused(sdk, customer, terms):
    with pytest.raises(NotFoundError):
        sdk.v1.customers.credits.create(**terms | {"customer_id": NOBODY})
    with pytest.raises(BadRequestError):
        sdk.v1.customers.credits.create(**terms | {"product_id": NOBODY})
    with pytest.raises(NotFoundError):
        sdk.v1.customers.credits.list(customer_id=NOBODY)

    assert list(sdk.v1.customers.credits.list(customer_id=customer)) == []


def test_the_end_of_a_credit_comes_earlier_and_what_is_left_expires_then(sdk, simulator, customer, terms):
    made = sdk.v1.customers.credits.create(**terms).data.id

    updated = sdk.v1.customers.credits.update_end_date(
        customer_id=customer, credit_id=made, access_ending_before=day(2)
    )

    simulator.control("POST", "clock", {"at": "2030-02-01T00:00:00Z", "frozen": True})
    (row,) = sdk.v1.customers.credits.list(customer_id=customer, include_balance=True, include_ledgers=True)
    assert updated.data.id == made
    assert row.balance == 0
    assert [(each.type, each.amount, each.timestamp) for each in row.ledger] == [
        ("CREDIT_SEGMENT_START", 50, day(1)),
        ("CREDIT_EXPIRATION", -50, day(2)),
    ]


def test_the_end_of_a_credit_never_comes_later(sdk, customer, terms):
    made = sdk.v1.customers.credits.create(**terms).data.id

    with pytest.raises(BadRequestError) as refused:
        sdk.v1.customers.credits.update_end_date(
            customer_id=customer, credit_id=made, access_ending_before=day(8)
        )
    with pytest.raises(NotFoundError):
        sdk.v1.customers.credits.update_end_date(
            customer_id=customer, credit_id=NOBODY, access_ending_before=day(2)
        )

    assert refused.value.body["message"] == "access_ending_before can't be after the current end"


def test_notices_tell_of_a_credit_and_of_its_segments(monkeypatch):
    told = []
    monkeypatch.setattr(
        notices, "balance", lambda world, event, row, **about: told.append((world.stamp()[:10], event, about))
    )
    world = World(clock={"offset_seconds": 0.0, "frozen_at": "2030-01-15T00:00:00.000Z"})
    spans = [("2030-01-01", "2030-07-01"), ("2030-02-01", "2030-03-01"), ("2029-01-01", "2029-02-01")]
    row = blank(world, NOBODY, "credit", None) | {"access_schedule": {"access_type": "SPEND"}}
    row["access_schedule"]["schedule_items"] = [
        {
            "id": start,
            "amount": 5,
            "starting_at": f"{start}T00:00:00.000Z",
            "ending_before": f"{end}T00:00:00.000Z",
        }
        for start, end in spans
    ]

    commits.store(world, row)
    world.clock["frozen_at"] = "2030-07-01T00:00:00.000Z"
    agenda.catch_up(world)

    def about(index: int) -> dict[str, Any]:
        return {"segment_id": spans[index][0], "segment_index": index, "segment_count": 3}

    assert told == [
        ("2030-01-15", "create", {}),
        ("2030-01-15", "segment.start", about(0)),
        ("2030-02-01", "segment.start", about(1)),
        ("2030-03-01", "segment.end", about(1)),
        ("2030-07-01", "segment.end", about(0)),
    ]
