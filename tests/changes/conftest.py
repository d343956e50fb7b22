"""The fixtures of tests about change requests."""

from __future__ import annotations

from typing import Any

import pytest

from billing.changes.models import ChangeRequest
from billing.metronome.client import Gateway
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import (
    administrator,
    approve,
    auditor,
    checker,
    checker2,
    gateway,
    house,
    maker,
    mirrored,
    propose,
    simulator,
    simulator_process,
)

__all__ = [
    "administrator",
    "auditor",
    "checker",
    "checker2",
    "gateway",
    "house",
    "maker",
    "simulator",
    "simulator_process",
]


@pytest.fixture
def snapshot(gateway: Gateway, simulator: RunningSimulator) -> dict[str, Any]:
    """A mirrored, active customer."""
    return mirrored(gateway, simulator)


@pytest.fixture
def submitted(snapshot: dict[str, Any], maker: User) -> ChangeRequest:
    """A renaming that waits for one manager."""
    return propose("customer.rename", maker, {"name": "Halcyon Freight GmbH"}, snapshot=snapshot)


@pytest.fixture
def approved(submitted: ChangeRequest, checker: User) -> ChangeRequest:
    """The renaming, approved."""
    return approve(submitted, checker)
