"""Finding what a folder holds, so that adding to it is adding a file."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")


def found_in(package: str, base: type[T]) -> dict[str, T]:
    """Name → one of each class with a `name` that a module of this package, or below it, makes of `base`.

    Raises ValueError for a name that two of them have.
    """
    found: dict[str, T] = {}
    for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        for each in vars(import_module(module.name)).values():
            is_made_here = (
                isinstance(each, type) and issubclass(each, base) and each.__module__ == module.name
            )
            if is_made_here and (name := getattr(each, "name", "")):
                if name in found:
                    raise ValueError(
                        f"{module.name} calls itself {name}, as {type(found[name]).__module__} does"
                    )
                found[name] = each()
    return found
