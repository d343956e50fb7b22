"""A gateway to a simulator of this test's own; no database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings

from billing.metronome.account import Gateway
from billing.metronome.config import GatewayConfig
from tests.simulator_server import TOKEN, RunningSimulator


def gateway_to(url: str, *, token: str = TOKEN, deadline_seconds: float = 5.0) -> Gateway:
    return Gateway(
        GatewayConfig(
            base_url=url,
            bearer_token=token,
            installation="test",
            redis_url=settings.REDIS_URL,
            requests_per_second=1000.0,
            deadline_seconds=deadline_seconds,
            read_deadline_seconds=deadline_seconds,
        )
    )


@pytest.fixture
def gateway(simulator: RunningSimulator) -> Iterator[Gateway]:
    with gateway_to(simulator.url) as opened:
        yield opened
