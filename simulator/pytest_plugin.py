"""Fixtures for anybody's tests: `pytest_plugins = ["simulator.pytest_plugin"]` in your topmost conftest.

`simulator` is a running simulator with 30 customers, as new for each test, one process for the session.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator.running import RunningSimulator, start_simulator


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[RunningSimulator]:
    """The session's simulator; what a test changes in it is there for the next one."""
    running = start_simulator()
    yield running
    running.stop()


@pytest.fixture
def simulator(simulator_process: RunningSimulator) -> RunningSimulator:
    """A simulator with 30 customers, as new: its `url`, and methods to play the other side."""
    simulator_process.reset()
    return simulator_process
