"""Webhooks: signed exactly, sent at least once, and disturbed where a test orders it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from simulator.running import RunningSimulator
from simulator.tests.receiver import Receiver, receiving
from simulator.webhooks import sign

VECTOR = b"""{
  "id": "b2c9e307-624e-4e7d-a5a4-1b74107d78c4",
  "type": "widget_created",
  "properties": {
    "customer_id": "5f794d50-085a-4db6-8d15-286e518b7225",
    "widget_id": "0891458d-b6f0-4fdd-a41e-380aae1a1e38"
  }
}"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def register(simulator: RunningSimulator, receiver: Receiver, **options: Any) -> dict[str, Any]:
    given = {"url": receiver.url, "secret": "s3cret", "retry_seconds": 0.01, **options}
    return simulator.control("POST", "webhooks", given)["data"]


def send(simulator: RunningSimulator, number: int) -> None:
    notice = {"type": "integration.issue", "properties": {"number": number}}
    simulator.control("POST", "webhooks/send", notice)


def numbers(receiver: Receiver, count: int) -> list[int]:
    return [payload["properties"]["number"] for payload in receiver.payloads(count)]


def settled(simulator: RunningSimulator) -> dict[str, Any]:
    """The destinations once nothing waits any more."""
    for _ in range(1_000):
        answer = simulator.control("GET", "webhooks")
        if not answer["waiting"]:
            return answer["data"][0]
    raise AssertionError("something still waits")


def test_the_published_vector_has_its_published_signature() -> None:
    signature = sign("correct-horse-battery-staple", "Mon, 02 Jan 2006 22:04:05 GMT", VECTOR)

    assert signature == "b82652fa2246cf1d8a27e591f155c865f68b46c19b9213fd9c052f2419b4742b"


def test_a_notice_arrives_signed_and_dated(simulator: RunningSimulator, receiver: Receiver) -> None:
    register(simulator, receiver)

    send(simulator, 1)
    one = receiver.next()

    assert one.is_signed_with("s3cret")
    assert one.headers["date"] == one.headers["x-metronome-date"]
    assert one.headers["date"].endswith(" GMT")
    assert (one.headers["content-type"], one.headers["user-agent"]) == ("application/json", "Metronome")
    assert abs((datetime.now(UTC) - parsedate_to_datetime(one.headers["date"])).total_seconds()) < 30
    assert one.payload == {
        "id": one.payload["id"],
        "type": "integration.issue",
        "properties": {"number": 1},
    }


def test_every_destination_gets_every_notice_under_its_own_secret(
    simulator: RunningSimulator, receiver: Receiver
) -> None:
    register(simulator, receiver, secret="first")
    with receiving() as other:
        register(simulator, other, secret="second")

        send(simulator, 1)
        here, there = receiver.next(), other.next()

    assert here.body == there.body
    assert (here.is_signed_with("first"), there.is_signed_with("second")) == (True, True)


def test_what_is_refused_is_sent_again_until_it_is_taken(
    simulator: RunningSimulator, receiver: Receiver
) -> None:
    register(simulator, receiver)
    receiver.statuses.extend([500, 302, 404])

    send(simulator, 1)
    tries = [receiver.next() for _ in range(4)]
    after = settled(simulator)

    assert len({one.body for one in tries}) == 1
    assert all(one.is_signed_with("s3cret") for one in tries)
    assert (after["tries"], after["delivered"], after["last_status"]) == (4, 1, 200)
    assert receiver.is_quiet()


def test_nobody_there_is_tried_again_too(simulator: RunningSimulator) -> None:
    with receiving() as gone:
        url = gone.url
    given = {"url": url, "retry_seconds": 0.01}
    made = simulator.control("POST", "webhooks", given)["data"]
    send(simulator, 1)
    for _ in range(1_000):
        row = simulator.control("GET", "webhooks")["data"][0]
        if row["tries"] >= 2:
            break

    assert (row["tries"] >= 2, row["delivered"], row["last_status"]) == (True, 0, None)
    simulator.control("DELETE", f"webhooks/{made['id']}")
    assert simulator.control("GET", "webhooks") == {"data": [], "waiting": 0}


def test_duplicates_are_sent_on_demand(simulator: RunningSimulator, receiver: Receiver) -> None:
    register(simulator, receiver, duplicates=2)

    send(simulator, 7)

    assert numbers(receiver, 3) == [7, 7, 7]
    assert settled(simulator)["delivered"] == 1


def test_order_is_kept_unless_it_is_to_be_turned_round(
    simulator: RunningSimulator, receiver: Receiver
) -> None:
    made = register(simulator, receiver)
    for number in range(3):
        send(simulator, number)
    assert numbers(receiver, 3) == [0, 1, 2]
    settled(simulator)

    simulator.control("POST", f"webhooks/{made['id']}", {"reorder": True, "delay_seconds": 86_400})
    for number in range(3):
        send(simulator, number)
    simulator.control("POST", f"webhooks/{made['id']}", {"delay_seconds": 0})

    assert numbers(receiver, 3) == [2, 1, 0]


def test_signatures_can_be_wrong_and_dates_stale(simulator: RunningSimulator, receiver: Receiver) -> None:
    made = register(simulator, receiver, wrong_signature=True)
    send(simulator, 1)
    wrong = receiver.next()
    switches = {"wrong_signature": False, "stale_seconds": 600}
    simulator.control("POST", f"webhooks/{made['id']}", switches)
    send(simulator, 2)
    stale = receiver.next()

    assert (wrong.is_signed_with("s3cret"), len(wrong.headers["metronome-webhook-signature"])) == (False, 64)
    assert stale.is_signed_with("s3cret")
    age = datetime.now(UTC) - parsedate_to_datetime(stale.headers["x-metronome-date"])
    assert 600 <= age.total_seconds() < 630


def test_what_happened_before_a_destination_was_there_is_not_told(
    simulator: RunningSimulator, receiver: Receiver
) -> None:
    send(simulator, 1)
    register(simulator, receiver)
    send(simulator, 2)

    assert numbers(receiver, 1) == [2]


def test_what_waits_survives_a_snapshot(simulator: RunningSimulator, receiver: Receiver) -> None:
    made = register(simulator, receiver, delay_seconds=86_400)
    send(simulator, 1)
    state = simulator.control("GET", "snapshot")
    simulator.control("DELETE", "webhooks")

    simulator.control("POST", "restore", state)
    simulator.control("POST", f"webhooks/{made['id']}", {"delay_seconds": 0})

    assert numbers(receiver, 1) == [1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "url is required"),
        ({"url": "nonsense"}, "url must begin with http:// or https://"),
        ({"url": "http://127.0.0.1:port/"}, "url must be an address"),
        ({"url": "ftp://127.0.0.1/"}, "url must begin with http:// or https://"),
        (
            {"url": "https://example.com/hooks"},
            "url must lead to this machine, unless beyond_loopback is true",
        ),
        ({"url": "http://localhost/", "duplicates": 21}, "duplicates must be between 0 and 20"),
    ],
)
def test_an_impossible_destination_is_refused(
    simulator: RunningSimulator, given: dict[str, Any], message: str
) -> None:
    answer = httpx.post(f"{simulator.url}/_sim/webhooks", json=given, trust_env=False)

    assert (answer.status_code, answer.json()) == (400, {"message": message})
    assert simulator.control("GET", "webhooks") == {"data": [], "waiting": 0}


def test_an_address_of_another_machine_is_taken_when_asked_for(simulator: RunningSimulator) -> None:
    given = {"url": "https://example.com/hooks", "beyond_loopback": True}

    row = simulator.control("POST", "webhooks", given)["data"]

    assert (row["url"], len(row["secret"])) == ("https://example.com/hooks", 32)


def test_a_destination_that_is_not_there_is_not_found(simulator: RunningSimulator) -> None:
    for method in ("POST", "DELETE"):
        answer = httpx.request(method, f"{simulator.url}/_sim/webhooks/nothing", trust_env=False)
        assert (answer.status_code, answer.json()) == (404, {"message": "There is no such destination"})
