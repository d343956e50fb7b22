"""How long a 429 asks to wait: both forms of the header, and nonsense."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest

from billing.metronome.account import Gateway
from billing.metronome.budget import BudgetExhausted
from billing.metronome.calls import CallKey, Sending
from billing.metronome.judging import retry_after
from billing.metronome.objects.customer import customers, read_customer
from billing.metronome.operations import operation
from billing.metronome.operations.customers.set_name import Renaming
from billing.metronome.outcomes import NotSent, OutcomeUnknown, ReadFailed
from tests.metronome.conftest import gateway_to
from tests.simulator_server import RunningSimulator

SET_NAME = "POST /v1/customers/{customer_id}/setName"


def asked(said: str | None) -> float:
    return retry_after(SimpleNamespace(headers={} if said is None else {"retry-after": said}), 15.0)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("0", 1.0),
        ("301", 300.0),
        ("9" * 5_000, 300.0),
        (None, 15.0),
        ("", 15.0),
        ("nan", 15.0),
        ("-3", 15.0),
        ("1_0", 15.0),
        ("soon", 15.0),
        ("Sat, 99 Nov 2026 11:59:00 GMT", 15.0),
        ("Sat, 28 Nov 1998 11:59:00 GMT", 1.0),
        ("Sat, 28 Nov 2099 11:59:00 GMT", 300.0),
    ],
)
def test_seconds_and_dates_are_kept_between_one_and_three_hundred(said: str | None, seconds: float) -> None:
    assert asked(said) == seconds


def test_a_date_two_minutes_ahead_is_two_minutes() -> None:
    ahead = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)

    assert asked(ahead) == pytest.approx(119, abs=2)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("asked_by", ["a read", "a write"])
def test_nobody_sends_while_metronome_asks_to_wait(
    gateway: Gateway, simulator: RunningSimulator, status: int, asked_by: str
) -> None:
    customer = gateway.page(customers(archived=False)).items[0]
    setter = operation("customers.setName")
    call = setter.show(Renaming(customer.id, "New name"))
    key = CallKey(uuid.uuid4(), 1)
    sending = Sending(call, key, "CR-000001/1.1", is_resend=False, ids_are_fresh=False)
    route = "GET /v1/customers" if asked_by == "a read" else SET_NAME
    ahead = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    simulator.fault(
        route, "status_before", status=status, message="slow down", headers={"retry-after": ahead}
    )
    counts = simulator.requests()["counts"]

    if asked_by == "a read":
        with pytest.raises(ReadFailed):
            gateway.page(customers(archived=False))
    else:
        with pytest.raises(NotSent if status == 429 else OutcomeUnknown):
            gateway.write(sending)

    with gateway_to(simulator.url) as another:
        with pytest.raises(BudgetExhausted):
            another.take_write_token(1.0)
        with pytest.raises(ReadFailed, match="asked us to send nothing") as held:
            read_customer(another, customer.id)
        assert 60 < held.value.retry_after_seconds <= 100
    after = simulator.requests()["counts"]
    assert sum(after.values()) - sum(counts.values()) == 1
