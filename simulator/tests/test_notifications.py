"""Offset and system notifications."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from metronome import APIStatusError, Metronome

from simulator.running import RunningSimulator
from simulator.tests.receiver import Receiver, receiving

NOBODY = "00000000-0000-4000-8000-000000000000"
TYPES = [
    "contract.create",
    "contract.start",
    "contract.edit",
    "contract.end",
    "contract.archive",
    "commit.create",
    "commit.edit",
    "commit.archive",
    "commit.segment.start",
    "commit.segment.end",
    "credit.create",
    "credit.edit",
    "credit.archive",
    "credit.segment.start",
    "credit.segment.end",
]


@pytest.fixture
def receiver(simulator: RunningSimulator) -> Iterator[Receiver]:
    with receiving() as one:
        simulator.control("POST", "webhooks", {"url": one.url, "retry_seconds": 0.01})
        yield one


def contract_with_an_end(simulator: RunningSimulator) -> dict[str, Any]:
    """The seeded contract that ends first, of a customer who is there."""
    world = simulator.control("GET", "snapshot")["main"]
    contracts = [
        each
        for rows in world["contracts_of"].values()
        for each in rows
        if not each["archived_at"] and each["ending_before"]
    ]
    now = datetime.now(UTC).isoformat()
    return min(
        (each for each in contracts if each["ending_before"] > now), key=lambda it: it["ending_before"]
    )


def offset(sdk: Metronome, kind: str = "contract.end", duration: str = "-P1D", **options: Any) -> str:
    policy = {"type": kind, "offset": duration}
    return sdk.v2.notifications.offset.create(name="Reminder", policy=policy, **options).data.id


def move_to(simulator: RunningSimulator, at: datetime) -> None:
    """The account's clock to an instant."""
    simulator.control("POST", "clock", {"offset_seconds": (at - datetime.now(UTC)).total_seconds()})


def end_of(contract: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(contract["ending_before"])


def test_an_offset_notification_is_kept_edited_and_archived(sdk: Metronome) -> None:
    offsets = sdk.v2.notifications.offset
    policy = {"type": "contract.start", "offset": "P1D"}

    made = offsets.create(name="A day in", policy=policy).data
    edited = offsets.edit(id=made.id, policy={"type": "contract.start", "offset": "PT36H"}).data
    read = offsets.retrieve(id=made.id).data
    listed = [row.id for row in offsets.list()]
    archived = offsets.archive(id=made.id).data

    assert (made.name, made.type, made.policy.offset) == ("A day in", "OFFSET_LIFECYCLE_EVENT", "P1D")
    assert (made.created_by, made.environment_type, made.archived_at) == (
        "API token",
        "SANDBOX",
        None,
    )
    assert edited == read
    assert read.policy.offset == "PT36H"
    assert listed == [made.id]
    assert archived.archived_at is not None
    assert list(offsets.list()) == []
    assert [row.id for row in offsets.list(archive_filter="ARCHIVED")] == [made.id]


def test_a_list_goes_on_at_its_cursor(sdk: Metronome) -> None:
    made = [offset(sdk) for _ in range(3)]

    first = sdk.v2.notifications.offset.list(limit=2, archive_filter="ALL")

    assert [row.id for row in first.data] == made[:2]
    assert [row.id for row in first] == made


def test_system_notifications_are_off_until_they_are_switched_on(sdk: Metronome) -> None:
    before = sdk.v2.notifications.system.list().data

    on = sdk.v2.notifications.offset.edit(policy={"type": "contract.start"}, is_enabled=True).data
    after = sdk.v2.notifications.system.list().data

    assert [row.policy.type for row in before] == TYPES
    assert {row.is_enabled for row in before} == {False}
    assert (on.type, on.policy.type, on.is_enabled) == ("SYSTEM_LIFECYCLE_EVENT", "contract.start", True)
    assert [row.policy.type for row in after if row.is_enabled] == ["contract.start"]


def test_a_day_before_its_end_a_contract_is_told(
    sdk: Metronome, simulator: RunningSimulator, receiver: Receiver
) -> None:
    contract = contract_with_an_end(simulator)
    made = offset(sdk, "contract.end", "-P1D")

    move_to(simulator, end_of(contract) - timedelta(days=1) + timedelta(seconds=1))
    (payload,) = receiver.flat(1)

    assert payload == {
        "id": payload["id"],
        "type": "contract.end",
        "timestamp": contract["ending_before"],
        "environment_type": "SANDBOX",
        "customer_id": contract["customer_id"],
        "customer_custom_fields": payload["customer_custom_fields"],
        "contract_id": contract["id"],
        "contract_custom_fields": {},
        "offset_id": made,
        "offset_duration": "-P1D",
    }


def test_what_was_edited_or_archived_meanwhile_is_told_as_it_is_now(
    sdk: Metronome, simulator: RunningSimulator, receiver: Receiver
) -> None:
    contract = contract_with_an_end(simulator)
    gone, kept = offset(sdk, "contract.end", "-PT3H"), offset(sdk, "contract.end", "-PT2H")
    sdk.v2.notifications.offset.archive(id=gone)
    sdk.v2.notifications.offset.edit(id=kept, policy={"type": "contract.end", "offset": "-PT1H"})

    move_to(simulator, end_of(contract) + timedelta(minutes=-30))
    (payload,) = receiver.flat(1)

    assert (payload["offset_id"], payload["offset_duration"]) == (kept, "-PT1H")


def test_a_uniqueness_key_is_used_once(sdk: Metronome) -> None:
    offset(sdk, uniqueness_key="once")

    with pytest.raises(APIStatusError) as caught:
        offset(sdk, uniqueness_key="once")

    assert caught.value.status_code == 409
    assert len(list(sdk.v2.notifications.offset.list())) == 1


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"type": "contract.end", "offset": "tomorrow"}, "ISO 8601"),
        ({"type": "contract.end", "offset": "P"}, "ISO 8601"),
        ({"type": "contract.end", "offset": "P1DT"}, "ISO 8601"),
        ({"type": "contract.end", "offset": "P4000D"}, "at most ten years"),
        ({"type": "contract.create", "offset": "-P1D"}, "can't be negative"),
        ({"type": "customer.create", "offset": "P1D"}, "must be one of"),
    ],
)
def test_an_impossible_policy_is_refused(
    sdk: Metronome, simulator: RunningSimulator, policy: dict[str, str], message: str
) -> None:
    with pytest.raises(APIStatusError) as caught:
        sdk.v2.notifications.offset.create(name="x", policy=policy)

    assert (caught.value.status_code, caught.value.body["code"]) == (400, "BadRequest")
    assert message in caught.value.body["message"]
    assert simulator.ledger() == []


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        (lambda own, made: own.retrieve(id=NOBODY), 404, "NotificationConfigNotFound"),
        (lambda own, made: own.archive(id=NOBODY), 404, "NotificationConfigNotFound"),
        (
            lambda own, made: own.edit(id=NOBODY, policy={"type": "contract.end", "offset": "P1D"}),
            400,
            "NotificationConfigNotFound",
        ),
        (lambda own, made: own.edit(id=made, policy={"type": "contract.end"}), 400, "BadRequest"),
        (
            lambda own, made: own.edit(id=made, policy={"type": "contract.start", "offset": "P1D"}),
            400,
            "BadRequest",
        ),
        (
            lambda own, made: own.edit(
                id=made, policy={"type": "contract.end", "offset": "P1D"}, is_enabled=True
            ),
            400,
            "BadRequest",
        ),
        (lambda own, made: own.edit(policy={"type": "nonsense"}, is_enabled=True), 400, "BadRequest"),
        (
            lambda own, made: own.edit(policy={"type": "contract.end", "offset": "P1D"}),
            400,
            "BadRequest",
        ),
    ],
)
def test_what_can_not_be_is_refused_with_its_code(
    sdk: Metronome, simulator: RunningSimulator, call: Any, status: int, code: str
) -> None:
    made = offset(sdk)
    known = len(simulator.ledger())

    with pytest.raises(APIStatusError) as caught:
        call(sdk.v2.notifications.offset, made)

    assert (caught.value.status_code, caught.value.body["code"]) == (status, code)
    assert len(simulator.ledger()) == known


def test_an_archived_notification_stays_as_it_is(sdk: Metronome) -> None:
    made = offset(sdk)
    sdk.v2.notifications.offset.archive(id=made)

    for call in (
        lambda: sdk.v2.notifications.offset.archive(id=made),
        lambda: sdk.v2.notifications.offset.edit(id=made, policy={"type": "contract.end", "offset": "P1D"}),
    ):
        with pytest.raises(APIStatusError) as caught:
            call()
        assert (caught.value.status_code, caught.value.body["message"]) == (
            400,
            "Notification already archived",
        )
