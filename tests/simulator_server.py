"""A simulator of one's own for a test, under the names that the product's tests use."""

from simulator.running import (
    CERTIFICATES,
    OTHER_ACCOUNT_TOKEN,
    READ_ONLY_TOKEN,
    ROOT,
    TOKEN,
    RunningSimulator,
    start_simulator,
)

__all__ = [
    "CERTIFICATES",
    "OTHER_ACCOUNT_TOKEN",
    "READ_ONLY_TOKEN",
    "ROOT",
    "TOKEN",
    "RunningSimulator",
    "start_simulator",
]
