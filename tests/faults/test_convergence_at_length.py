"""As tests/mirror/test_convergence.py, but longer, by other numbers, and more processes die."""

from __future__ import annotations

import pytest

from billing.metronome.account import Gateway
from tests.mirror.converging import converge
from tests.simulator_server import RunningSimulator


@pytest.mark.rows
@pytest.mark.parametrize("seed", range(100, 106))
def test_a_long_history_ends_in_a_true_mirror(
    gateway: Gateway, simulator: RunningSimulator, seed: int
) -> None:
    somebody = converge(gateway, simulator, seed, turns=40, deaths=8)

    assert sum(somebody.did.values()) > 300
