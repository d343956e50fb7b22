"""Every route that this simulator answers: importing a module registers its handlers."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import simulator.api
import simulator.engine
from simulator.routing import ROUTES, Router

for package in (simulator.api, simulator.engine):
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        import_module(module.name)

ROUTER = Router()

__all__ = ["ROUTER", "ROUTES"]
