"""The right to send one call once: what was spent or copied sends nothing."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from billing.metronome.account import Gateway
from billing.metronome.calls import CallKey, HttpCall, NotToBeSent, Sending
from billing.metronome.operations.base import Made
from billing.metronome.operations.customers.set_ingest_aliases import SetIngestAliases, WholeSet
from billing.metronome.operations.customers.set_name import Renaming, SetName
from tests.simulator_server import RunningSimulator

CUSTOMER = "0b1c2d3e-4f50-4617-8829-3a4b5c6d7e8f"


@pytest.fixture
def sending() -> Sending:
    call = HttpCall("POST", f"/v1/customers/{CUSTOMER}/setName", {"name": "Ours"})
    key = CallKey(uuid.uuid4(), 1)
    return Sending(call, key, "CR-000001/1.1", is_resend=False, ids_are_fresh=False)


def test_a_sending_is_spent_once(sending: Sending) -> None:
    sending.spend()

    with pytest.raises(NotToBeSent, match="spent before, or is a copy"):
        sending.spend()


def forged(sending: Sending) -> Sending:
    """One that nobody made, filled in behind its back."""
    blank = Sending.__new__(Sending)
    for name in ("call", "key", "reference", "is_resend", "ids_are_fresh"):
        object.__setattr__(blank, name, getattr(sending, name))
    return blank


@pytest.mark.parametrize(
    ("how", "refusal"),
    [
        (copy.copy, TypeError),
        (copy.deepcopy, TypeError),
        (pickle.dumps, TypeError),
        (lambda sending: dataclasses.replace(sending, reference="CR-000002/1.1"), TypeError),
        (lambda sending: setattr(sending, "reference", "CR-000002/1.1"), AttributeError),
    ],
    ids=["copy", "deepcopy", "pickle", "replace", "set"],
)
def test_a_sending_is_neither_copied_nor_changed(
    sending: Sending, how: Callable[[Any], object], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        how(sending)
    assert sending.reference == "CR-000001/1.1"


def test_what_nobody_made_or_was_spent_sends_nothing(
    gateway: Gateway, simulator: RunningSimulator, sending: Sending
) -> None:
    with pytest.raises(NotToBeSent):
        gateway.write(forged(sending))
    sending.spend()
    with pytest.raises(NotToBeSent):
        SetName().send(gateway, sending)

    assert gateway.requests_spent == 0
    assert simulator.ledger() == []


def test_params_come_back_from_json_as_they_were() -> None:
    writer = SetIngestAliases()
    for params in (WholeSet(CUSTOMER, ("a", "b")), WholeSet(Made(1), ())):
        assert writer.read(writer.write(params)) == params
    assert writer.write(WholeSet(Made(1), ("a",))) == {
        "customer_id": {"from": 1, "field": "id"},
        "ingest_aliases": ["a"],
    }


def test_an_id_that_is_not_there_yet_is_shown_as_whose_it_will_be_and_filled_in_before_sending() -> None:
    writer, params = SetName(), Renaming(Made(1), "Ours")

    assert writer.show(params).path == "/v1/customers/‹id from call 1›/setName"
    assert (
        writer.show(writer.resolved(params, {1: {"id": CUSTOMER}})).path
        == f"/v1/customers/{CUSTOMER}/setName"
    )
    with pytest.raises(KeyError):
        writer.resolved(params, {})
    with pytest.raises(ValueError, match="badly formed"):
        writer.resolved(params, {1: {"id": "../../v1/customers/archive"}})


@pytest.mark.parametrize(
    "content", [{"customer_id": CUSTOMER}, {"customer_id": CUSTOMER, "name": "x", "more": 1}]
)
def test_params_with_a_member_too_many_or_too_few_are_refused(content: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        SetName().read(content)
