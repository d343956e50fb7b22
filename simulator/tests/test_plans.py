"""Customer plans (Metronome 1.0): how they begin and end, driven by the strict SDK."""

from __future__ import annotations

from typing import Any

import pytest
from metronome import BadRequestError, Metronome

from simulator.running import RunningSimulator

PAST, START, TODAY, END = (f"2026-{day}T00:00:00Z" for day in ("01-01", "03-01", "06-15", "09-01"))


@pytest.fixture
def own(sdk: Metronome, simulator: RunningSimulator) -> dict[str, Any]:
    """A customer and a plan that can be added to it."""
    simulator.control("POST", "clock", {"at": "2026-06-15T12:00:00Z", "frozen": True})
    plan = next(iter(sdk.v1.plans.list(limit=1))).id
    return {"customer_id": sdk.v1.customers.create(name="Acme").data.id, "plan_id": plan}


def plans_of(sdk: Metronome, own: dict[str, Any]) -> list[tuple[str, str]]:
    rows = sdk.v1.customers.plans.list(customer_id=own["customer_id"])
    return [
        (f"{row.starting_on:%m-%d}", f"{row.ending_before:%m-%d}" if row.ending_before else "")
        for row in rows
    ]


def test_a_plan_does_not_end_before_it_starts(
    sdk: Metronome, simulator: RunningSimulator, own: dict[str, Any]
) -> None:
    plans, customer = sdk.v1.customers.plans, own["customer_id"]
    made = plans.add(**own, starting_on=START).data.id
    known = simulator.ledger()

    with pytest.raises(BadRequestError) as refused:
        plans.end(customer_id=customer, customer_plan_id=made, ending_before=PAST)

    assert refused.value.body["message"] == "ending_before must not be before the start of the plan"
    assert (plans_of(sdk, own), simulator.ledger()) == ([("03-01", "")], known)
    plans.end(customer_id=customer, customer_plan_id=made, ending_before=START)
    statuses = {
        status: [
            row.customer_details.id
            for row in sdk.v1.plans.list_customers(plan_id=own["plan_id"], status=status)
            if row.customer_details.id == customer
        ]
        for status in ("active", "ended", "upcoming")
    }
    assert statuses == {"active": [], "ended": [customer], "upcoming": []}


@pytest.mark.parametrize(
    ("choice", "after"),
    [
        ("keep", [("09-01", ""), ("06-15", ""), ("03-01", "06-15")]),
        ("end", [("09-01", "09-01"), ("06-15", "06-15"), ("03-01", "06-15")]),
    ],
)
def test_what_becomes_of_an_archived_customers_plans_is_a_switch(
    sdk: Metronome, simulator: RunningSimulator, own: dict[str, Any], choice: str, after: list[Any]
) -> None:
    simulator.control("POST", "switches", {"archived_plans": choice})
    sdk.v1.customers.plans.add(**own, starting_on=START, ending_before=TODAY)
    sdk.v1.customers.plans.add(**own, starting_on=TODAY)
    sdk.v1.customers.plans.add(**own, starting_on=END)

    sdk.v1.customers.archive(id=own["customer_id"])

    assert plans_of(sdk, own) == after


def test_overlapping_plans_are_refused_by_a_switch(
    sdk: Metronome, simulator: RunningSimulator, own: dict[str, Any]
) -> None:
    add = sdk.v1.customers.plans.add
    add(**own, starting_on=START, ending_before=END)
    add(**own, starting_on=TODAY)
    simulator.control("POST", "switches", {"overlapping_plans": "refuse"})

    for start, end in [(PAST, TODAY), (END, None)]:
        with pytest.raises(BadRequestError) as refused:
            add(**own, starting_on=start, **({"ending_before": end} if end else {}))
        assert refused.value.body["message"] == "The customer has another plan at that time"
    add(**own, starting_on=PAST, ending_before=START)
    assert plans_of(sdk, own) == [("06-15", ""), ("03-01", "09-01"), ("01-01", "03-01")]
