"""How a write can end, told from the raw answer: one table, over real HTTP."""

from __future__ import annotations

import socket
import time
import uuid
from typing import Any

import pytest

from billing.metronome.account import Gateway
from billing.metronome.calls import CallKey, Sending
from billing.metronome.objects.customer import customers, customers_by_id, read_customer
from billing.metronome.operations import operation
from billing.metronome.operations.customers.set_name import Renaming
from billing.metronome.outcomes import GatewayError, Halt, NotSent, OutcomeUnknown, ReadFailed, Refused
from tests.metronome.conftest import gateway_to
from tests.simulator_server import OTHER_ACCOUNT_TOKEN, READ_ONLY_TOKEN, RunningSimulator

SET_NAME = "POST /v1/customers/{customer_id}/setName"


def rename(gateway: Gateway, simulator: RunningSimulator, *, resend: bool = False) -> dict[str, Any]:
    """Send one renaming of the first active customer."""
    with gateway_to(simulator.url) as reader:
        customer = reader.page(customers(archived=False)).items[0]
    setter = operation("customers.setName")
    return setter.send(
        gateway,
        Sending(
            setter.show(Renaming(customer.id, "New name")),
            CallKey(uuid.uuid4(), 1),
            "CR-000001/1.1",
            is_resend=resend,
            ids_are_fresh=False,
        ),
    )


def test_a_confirmed_write_returns_its_result(gateway: Gateway, simulator: RunningSimulator) -> None:
    result = rename(gateway, simulator)

    assert result["name"] == "New name"
    assert simulator.customer(id=result["id"])["name"] == "New name"
    assert simulator.ledger()[0]["user_agent"] == "countersign/1.0 (test) CR-000001/1.1"


@pytest.mark.parametrize(
    ("kind", "options", "expected", "effects"),
    [
        ("status_before", {"status": 400, "message": "no"}, Refused, 0),
        ("status_before", {"status": 404, "message": "no"}, Refused, 0),
        ("status_before", {"status": 409, "message": "no"}, Refused, 0),
        ("status_before", {"status": 422, "message": "no"}, Refused, 0),
        ("status_before", {"status": 401, "message": "no"}, Halt, 0),
        ("status_before", {"status": 403, "message": "no"}, Halt, 0),
        ("status_before", {"status": 302, "headers": {"location": "http://127.0.0.1:1/"}}, Halt, 0),
        ("status_before", {"status": 429}, NotSent, 0),
        ("status_before", {"status": 408}, OutcomeUnknown, 0),
        ("status_before", {"status": 500}, OutcomeUnknown, 0),
        ("status_after", {"status": 503}, OutcomeUnknown, 1),
        ("drop_before", {}, OutcomeUnknown, 0),
        ("drop_after", {}, OutcomeUnknown, 1),
        ("html", {}, OutcomeUnknown, 1),
        ("empty_object", {}, OutcomeUnknown, 1),
        ("truncated", {}, OutcomeUnknown, 1),
    ],
)
def test_each_ending_has_its_outcome(
    gateway: Gateway,
    simulator: RunningSimulator,
    kind: str,
    options: dict[str, Any],
    expected: type[GatewayError],
    effects: int,
) -> None:
    simulator.fault(SET_NAME, kind, **options)

    with pytest.raises(expected) as caught:
        rename(gateway, simulator)

    assert type(caught.value) is expected
    assert len(simulator.ledger()) == effects
    assert simulator.requests()["counts"][SET_NAME] == 1


def test_a_refusal_of_a_resend_proves_nothing(gateway: Gateway, simulator: RunningSimulator) -> None:
    simulator.fault(SET_NAME, "status_before", status=409, message="already used")

    with pytest.raises(OutcomeUnknown):
        rename(gateway, simulator, resend=True)


@pytest.mark.parametrize("kind", ["dribble_headers", "dribble_body"])
def test_a_dribbled_answer_does_not_outlive_the_deadline(simulator: RunningSimulator, kind: str) -> None:
    simulator.fault(SET_NAME, kind, seconds=0.2)

    with gateway_to(simulator.url, deadline_seconds=0.6) as gateway:
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown, match="no whole answer within"):
            rename(gateway, simulator)
        took = time.monotonic() - began

    assert took < 10  # the whole answer would take longer than this


def test_no_connection_means_not_sent(simulator: RunningSimulator) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with gateway_to(f"http://127.0.0.1:{port}") as gateway, pytest.raises(NotSent):
            rename(gateway, simulator)


def test_an_unknown_and_a_read_only_token_halt(simulator: RunningSimulator) -> None:
    for token in ("nobody-knows-this", READ_ONLY_TOKEN):
        with gateway_to(simulator.url, token=token) as gateway, pytest.raises(Halt):
            rename(gateway, simulator)

    assert simulator.ledger() == []


def test_a_token_of_another_account_sees_none_of_ours(gateway: Gateway, simulator: RunningSimulator) -> None:
    ids = [customer.id for customer in gateway.page(customers(archived=False)).items[:5]]

    with gateway_to(simulator.url, token=OTHER_ACCOUNT_TOKEN) as other:
        assert customers_by_id(other, ids, archived=False) == ()
        assert read_customer(other, ids[0]) is None


@pytest.mark.parametrize("kind", ["html", "empty_object", "truncated", "drop_after"])
def test_a_read_without_its_envelope_is_an_error_never_an_empty_list(
    gateway: Gateway, simulator: RunningSimulator, kind: str
) -> None:
    simulator.fault("GET /v1/customers", kind)

    with pytest.raises(ReadFailed):
        gateway.page(customers(archived=False))


def test_reads_bring_every_page(gateway: Gateway, simulator: RunningSimulator) -> None:
    simulator.reset(customers=250)
    seen, cursor = [], None
    while True:
        page = gateway.page(customers(archived=False), cursor)
        seen += [customer.id for customer in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    archived = gateway.page(customers(archived=True)).items
    assert len(seen) == len(set(seen))
    assert len(seen) + len(archived) == 250
    assert gateway.requests_spent == 4


def test_a_broken_connection_is_said_in_plain_words_and_kept_to_the_letter(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault(SET_NAME, "drop_after")

    with pytest.raises(OutcomeUnknown) as caught:
        rename(gateway, simulator)

    assert caught.value.message == "No answer came: the connection broke before a whole answer was there."
    assert caught.value.evidence.error.startswith("RemoteProtocolError: ")


def test_a_replayed_answer_is_not_believed_when_the_customer_reads_otherwise(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    key = CallKey(uuid.uuid4(), 1)
    customer = gateway.page(customers(archived=False)).items[0]
    setter = operation("customers.setName")
    call = setter.show(Renaming(customer.id, "New name"))

    def send() -> dict[str, Any]:
        sending = Sending(call, key, "CR-000001/1.1", is_resend=True, ids_are_fresh=False)
        return setter.send(gateway, sending)

    assert send() == {"id": customer.id, "name": "New name"}
    simulator.change("rename", customer.id, name="Old name")

    with pytest.raises(OutcomeUnknown, match="reads “Old name”"):
        send()
    assert len(simulator.ledger()) == 2


@pytest.mark.parametrize(
    ("kind", "options"),
    [("drop_before", {}), ("html", {})]
    + [("status_before", {"status": status, "message": "no"}) for status in (302, 401, 403, 429, 500)],
)
def test_a_confirmed_write_whose_read_back_fails_is_unknown_never_unsent(
    gateway: Gateway, simulator: RunningSimulator, kind: str, options: dict[str, Any]
) -> None:
    simulator.fault("GET /v1/customers/{customer_id}", kind, **options)

    with pytest.raises(OutcomeUnknown, match="confirmed, but the read-back failed"):
        rename(gateway, simulator)
    assert len(simulator.ledger()) == 1
