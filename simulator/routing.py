"""How a handler says which route it answers, and how a request finds it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.http import ApiError, Reply, Request
from simulator.shapes import Shape
from simulator.world import World

Handler = Callable[[World, Request], Reply]
NAMES = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path template. `family` is what a rate limit counts together (reference §1.3)."""

    name: str
    handler: Handler
    shape: Shape | None
    writes: bool
    exact: bool
    family: str

    def read(self, request: Request) -> None:
        """Check and clean what the request says. Raises ApiError 400.

        `request.given` becomes the clean body of a POST or PUT, the clean query of a GET; without a shape
        it stays as sent. With `exact` an unknown field is refused, as the service does on a few routes.
        """
        if request.method in ("POST", "PUT"):
            given: Any = {} if request.body is None else request.body
        else:
            given = request.query
        if self.exact and isinstance(given, dict) and self.shape is not None:
            for name in given.keys() - self.shape.names:
                raise ApiError(400, f"Unknown field {name}")
        request.given = given if self.shape is None else self.shape.read(given)


ROUTES: dict[str, Route] = {}


def route(
    name: str, takes: Any = None, *, writes: bool = False, exact: bool = False
) -> Callable[[Handler], Handler]:
    """Register a handler: `@route("POST /v1/customers", CustomerCreateParams, writes=True)`.

    `takes` is a parameter type of the SDK: the body's for POST and PUT, the query's for GET. Ids in the path
    are in `request.ids`, and not in `request.given`.
    """

    def register(handler: Handler) -> Handler:
        shape = None
        if takes is not None:
            loose = name.startswith(("GET ", "DELETE "))
            shape = Shape(takes, loose=loose, without=NAMES.findall(name))
        if name in ROUTES:
            raise ValueError(f"two handlers for {name}")
        ROUTES[name] = Route(name, handler, shape, writes, exact, _family(name))
        return handler

    return register


def _family(name: str) -> str:
    path = name.split(" ", 1)[1]
    if path == "/v1/ingest":
        return "ingest"
    part = path.split("/")[2]
    return "contracts" if part in ("contracts", "contract-pricing") else part


class Router:
    """Finds a route; those with fewer ids come first, so `…/breakdowns` beats `…/{invoice_id}`."""

    def __init__(self) -> None:
        self._exact = {name: each for name, each in ROUTES.items() if "{" not in name}
        templates = sorted((name for name in ROUTES if "{" in name), key=lambda name: name.count("{"))
        self._templates = [
            (ROUTES[name], re.compile(NAMES.sub(r"(?P<\1>[^/]+)", name.replace(".", r"\."))))
            for name in templates
        ]

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and the ids in the path; None for no route of ours."""
        target = f"{method} {path}"
        if target in self._exact:
            return self._exact[target], {}
        for each, pattern in self._templates:
            if found := pattern.fullmatch(target):
                return each, found.groupdict()
        return None
