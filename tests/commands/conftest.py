"""The fixtures of tests about manage.py."""

from __future__ import annotations

from tests.world import administrator, checker, gateway, house, maker, simulator, simulator_process

__all__ = ["administrator", "checker", "gateway", "house", "maker", "simulator", "simulator_process"]
