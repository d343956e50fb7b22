"""Named schedules, driven by the strict SDK, whose two resources have each other's paths."""

from __future__ import annotations

from typing import Any

import pytest
from metronome import BadRequestError, Metronome, NotFoundError

from simulator.running import RunningSimulator

NOBODY = "00000000-0000-4000-8000-000000000000"
JAN, FEB, MAR = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"


def values(answer: Any) -> list[tuple[Any, str, str | None]]:
    """(value, month it starts in, month it ends in) of every segment."""
    return [
        (each.value, f"{each.starting_at:%m}", each.ending_before and f"{each.ending_before:%m}")
        for each in answer
    ]


@pytest.fixture
def contract(simulator: RunningSimulator) -> dict[str, str]:
    """The ids of a seeded contract, as the SDK's arguments."""
    contracts = simulator.control("GET", "snapshot")["main"]["contracts_of"].values()
    row = next(rows[0] for rows in contracts if not rows[0]["archived_at"])
    return {"customer_id": row["customer_id"], "contract_id": row["id"]}


def test_a_value_is_laid_over_what_was_there(sdk: Metronome, simulator):
    schedules = sdk.v1.contracts.named_schedules
    card = {"rate_card_id": sdk.v1.contracts.rate_cards.create(name="List").data.id, "schedule_name": "fx"}
    assert schedules.retrieve(**card).data == []

    schedules.update(**card, starting_at=JAN, value={"eur": 0.9})
    schedules.update(**card, starting_at=FEB, ending_before=MAR, value=1)

    everything = [({"eur": 0.9}, "01", "02"), (1, "02", "03"), ({"eur": 0.9}, "03", None)]
    assert values(schedules.retrieve(**card).data) == everything
    assert values(schedules.retrieve(**card, covering_date=FEB).data) == [(1, "02", "03")]
    assert schedules.retrieve(**card, covering_date="2025-12-31T00:00:00Z").data == []

    schedules.update(**card, starting_at=JAN, value=2)
    assert values(schedules.retrieve(**card).data) == [(2, "01", None)]
    assert [row["action"] for row in simulator.ledger()[1:]] == ["update_named_schedule"] * 3


def test_a_customer_has_schedules_of_its_own(sdk: Metronome, contract):
    schedules = sdk.v1.customers.named_schedules
    own = {"customer_id": contract["customer_id"], "schedule_name": "tier"}

    schedules.update(**own, starting_at=JAN, value="gold")

    assert values(schedules.retrieve(**own).data) == [("gold", "01", None)]
    assert schedules.retrieve(customer_id=own["customer_id"], schedule_name="other").data == []


def test_a_contracts_schedules_are_told_apart_by_their_properties(sdk: Metronome, contract):
    schedules = sdk.v1.contracts.rate_cards.named_schedules
    for region, value in (("eu", 1), ("us", 2)):
        schedules.update(
            **contract, schedule_name="cap", starting_at=JAN, value=value, properties={"region": region}
        )
    schedules.update(**contract, schedule_name="floor", starting_at=FEB, value=0)
    customer_id = contract["customer_id"]

    def listed(**filters: Any) -> list[tuple[str, Any, list[Any]]]:
        rows = list(schedules.list(customer_id=customer_id, limit=1, **filters))
        return [(row.schedule_name, row.properties, [each.value for each in row.segments]) for row in rows]

    eu, us, floor = ("cap", {"region": "eu"}, [1]), ("cap", {"region": "us"}, [2]), ("floor", None, [0])
    assert values(schedules.retrieve(**contract, schedule_name="cap", properties={"region": "us"}).data) == [
        (2, "01", None)
    ]
    assert schedules.retrieve(**contract, schedule_name="cap").data == []
    assert listed() == [eu, us, floor]
    assert listed(contract_id=contract["contract_id"], schedule_name="cap") == [eu, us]
    assert listed(properties={"region": "eu"}) == [eu]
    assert listed(covering_date=JAN) == [eu, us]


def test_schedules_of_unknown_owners_are_not_found(sdk: Metronome, contract):
    of_card, of_contract = sdk.v1.contracts.named_schedules, sdk.v1.contracts.rate_cards.named_schedules
    value = {"schedule_name": "fx", "starting_at": JAN, "value": 1}
    strange = contract | {"contract_id": NOBODY}
    for call in (
        lambda: of_card.retrieve(rate_card_id=NOBODY, schedule_name="fx"),
        lambda: of_card.update(rate_card_id=NOBODY, **value),
        lambda: sdk.v1.customers.named_schedules.retrieve(customer_id=NOBODY, schedule_name="fx"),
        lambda: sdk.v1.customers.named_schedules.update(customer_id=NOBODY, **value),
        lambda: of_contract.retrieve(**strange, schedule_name="fx"),
        lambda: of_contract.update(**strange, **value),
        lambda: list(of_contract.list(customer_id=NOBODY)),
        lambda: list(of_contract.list(**strange)),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_a_schedule_needs_a_name_and_times_in_order(sdk: Metronome, simulator, contract):
    schedules = sdk.v1.contracts.rate_cards.named_schedules

    with pytest.raises(BadRequestError, match="schedule_name must not be empty"):
        schedules.update(**contract, schedule_name="", starting_at=JAN, value=1)
    with pytest.raises(BadRequestError, match="ending_before must be after its start"):
        schedules.update(**contract, schedule_name="fx", starting_at=FEB, ending_before=JAN, value=1)

    assert list(schedules.list(customer_id=contract["customer_id"])) == []
    assert simulator.ledger() == []
