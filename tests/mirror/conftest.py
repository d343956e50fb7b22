"""The fixtures of tests about the mirror."""

from __future__ import annotations

from tests.world import administrator, gateway, house, maker, simulator, simulator_process

__all__ = ["administrator", "gateway", "house", "maker", "simulator", "simulator_process"]
