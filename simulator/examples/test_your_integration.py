"""How an integration is tested against the simulator, in CI or at your desk.

    pip install ./simulator pytest
    pytest test_your_integration.py

In a GitHub workflow these two lines are a step; no service, no secret and no network are needed. `simulator`
is a fixture of the package's pytest plugin: a running simulator, as new for each test.
"""

from __future__ import annotations

import pytest
from metronome import InternalServerError, Metronome

from simulator.running import TOKEN, RunningSimulator


@pytest.fixture
def client(simulator: RunningSimulator) -> Metronome:
    """What your own code uses, pointed at the simulator."""
    return Metronome(base_url=simulator.url, bearer_token=TOKEN, max_retries=0)


def test_a_customer_is_created_once_though_the_first_answer_was_lost(
    client: Metronome, simulator: RunningSimulator
) -> None:
    simulator.fault("POST /v1/customers", "status_after", status=500, count=1)
    key = {"Idempotency-Key": "order-7"}

    with pytest.raises(InternalServerError):
        client.v1.customers.create(name="Halcyon", ingest_aliases=["halcyon-7"], extra_headers=key)

    assert [row.name for row in client.v1.customers.list(ingest_alias="halcyon-7")] == ["Halcyon"]


def test_a_month_later_the_draft_is_final(client: Metronome, simulator: RunningSimulator) -> None:
    customer = client.v1.customers.create(name="Halcyon", ingest_aliases=["halcyon-8"]).data.id
    card = next(row for row in client.v1.contracts.rate_cards.list(body={}) if row.name == "List prices USD")
    now = simulator.control("GET", "clock")["now"]
    start = f"{now[:7]}-01T00:00:00Z"
    client.v1.contracts.create(customer_id=customer, rate_card_id=card.id, starting_at=start)
    event = {"event_type": "api_request", "timestamp": now, "properties": {"region": "eu-west"}}
    client.v1.usage.ingest(usage=[{"transaction_id": "t-1", "customer_id": "halcyon-8", **event}])

    simulator.control("POST", "clock", {"move_days": 34 - int(now[8:10])})

    (final,) = client.v1.customers.invoices.list(customer_id=customer, status="FINALIZED")
    assert [line.total for line in final.line_items if line.name == "API requests"] == [0.5]
