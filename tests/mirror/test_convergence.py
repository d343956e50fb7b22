"""However the mirror came there: once nothing moves any more, one round makes it what Metronome answers."""

from __future__ import annotations

from billing.metronome.account import Gateway
from tests.mirror.converging import converge
from tests.simulator_server import RunningSimulator


def test_after_random_changes_and_broken_readings_one_round_makes_every_noun_true(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    somebody = converge(gateway, simulator, 11, turns=12, deaths=1)

    assert sum(somebody.did.values()) > 120
    assert {name for name in somebody.acts if not somebody.did[name]} == set()
