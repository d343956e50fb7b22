"""The fixtures of tests that kill, starve and lie."""

from __future__ import annotations

from tests.changes.conftest import (
    administrator,
    checker,
    checker2,
    gateway,
    house,
    maker,
    simulator,
    simulator_process,
    snapshot,
)

__all__ = [
    "administrator",
    "checker",
    "checker2",
    "gateway",
    "house",
    "maker",
    "simulator",
    "simulator_process",
    "snapshot",
]
