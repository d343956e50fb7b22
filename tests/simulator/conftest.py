"""The simulator alone: no Django, no database of ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from metronome import Metronome

from tests.simulator_server import TOKEN, RunningSimulator, simulator, simulator_process

__all__ = ["simulator", "simulator_process"]


@pytest.fixture
def sdk(simulator: RunningSimulator) -> Iterator[Metronome]:
    """The official SDK, strict: an answer that is not of its type raises."""
    with Metronome(
        base_url=simulator.url, bearer_token=TOKEN, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client
