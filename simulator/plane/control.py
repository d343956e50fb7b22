"""The control plane under /_sim/: for tests and for a person who plays the other side of a demo.

On loopback it asks for no token; elsewhere for one, as `Bearer` or as the password of `Basic`.

A command is a function registered with `@command`; nonsense is a 400 with a sentence.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from simulator.accounts import Accounts
from simulator.checks import json_of
from simulator.http import ApiError, Reply, Request
from simulator.shapes import Shape
from simulator.world import World


@dataclass(slots=True)
class Asked:
    """One command: the service, its clean fields and the request that brought it."""

    service: Accounts
    given: Any
    request: Request

    @property
    def account(self) -> str:
        """The account that it is about, `main` unless `?account=` says otherwise. Raises ApiError 400."""
        account = self.request.query.get("account", "main")
        if account not in self.service.accounts:
            raise ApiError(400, f"account must be one of {', '.join(sorted(self.service.accounts))}")
        return account

    @property
    def world(self) -> World:
        return self.service.world(self.account)


class Command(NamedTuple):
    takes: Shape | None
    action: Callable[[Asked], Reply]


NUMBERS = re.compile(r"[0-9.]+")
COMMANDS: dict[str, Command] = {}


def command(name: str, takes: Any = None) -> Callable[[Callable[[Asked], Reply]], Callable[[Asked], Reply]]:
    """Register a command: `@command("POST clock", Clock)`. A name's last part may be `{id}`."""

    def register(action: Callable[[Asked], Reply]) -> Callable[[Asked], Reply]:
        COMMANDS[name] = Command(None if takes is None else Shape(takes), action)
        return action

    return register


def control(service: Accounts, request: Request) -> Reply:
    """Answer one request of the control plane. Raises ApiError."""
    _refuse_foreign_page(request)
    address = request.path.removeprefix("/_sim").strip("/")
    if service.control_token is not None and f"{request.method} {address}" != "GET health":
        _refuse_without(service.control_token, request)
    found = COMMANDS.get(f"{request.method} {address}")
    if found is None:
        folder, _, request.ids["id"] = address.rpartition("/")
        found = COMMANDS.get(f"{request.method} {folder}/{{id}}")
    if found is None:
        known = ", ".join(sorted(COMMANDS))
        raise ApiError(404, f"The control plane has no such address; it has {known}")
    given: Any = request.raw
    if found.takes is not None:
        given = json_of(request.raw) if request.raw else {}
        if isinstance(given, dict) and (unknown := sorted(given.keys() - found.takes.names)):
            names = ", ".join(sorted(found.takes.names)) or "none"
            if found.takes.names:
                raise ApiError(400, f"There is no field {unknown[0][:100]} here; the fields are {names}")
        given = found.takes.read(given)
    return found.action(Asked(service, given, request))


def _refuse_foreign_page(request: Request) -> None:
    """A page of another site, open in the same browser, is not to move this simulator.

    Nor one whose name was made to lead here: only an address, or a name without a dot, can't be made to.
    """
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    if origin is not None and origin.partition("://")[2] != host:
        raise ApiError(403, "The control plane takes nothing from a page of another site")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if "." in name and not NUMBERS.fullmatch(name):
        raise ApiError(403, "The control plane answers to an address or to a name without a dot")


def _refuse_without(wanted: str, request: Request) -> None:
    """Raises ApiError 401, with which a browser asks a person for the token."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
    if scheme.lower() not in ("bearer", "basic") or not hmac.compare_digest(given.encode(), wanted.encode()):
        refusal = ApiError(401, "The control plane asks for its token")
        refusal.headers = {"www-authenticate": 'Basic realm="Metronome simulator", charset="UTF-8"'}
        raise refusal


def within(name: str, value: float | None, least: float, most: float) -> None:
    """Refuse a number outside its bounds; None is no number."""
    if value is not None and not (math.isfinite(value) and least <= value <= most):
        raise ApiError(400, f"{name} must be between {least:,} and {most:,}")
