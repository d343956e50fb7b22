"""Where notices go: destinations with secrets of their own, and what goes wrong on the way to each.

No API of Metronome makes a destination; here the control plane does, one account's at a time.
"""

from __future__ import annotations

import contextlib
import ipaddress
from typing import Required, TypedDict

import httpx

from simulator import notices
from simulator.http import ApiError, Reply
from simulator.plane.control import Asked, command, within
from simulator.world import Row, World

MOST = 20
LIMITS = {
    "duplicates": (0, 20),
    "delay_seconds": (0, 86_400),
    "stale_seconds": (-86_400, 86_400),
    "retry_seconds": (0.01, 900),
}
DEFAULTS: Row = {
    "duplicates": 0,
    "reorder": False,
    "delay_seconds": 0.0,
    "wrong_signature": False,
    "stale_seconds": 0.0,
    "keep_date": False,
    "retry_seconds": 1.0,
}


class Switches(TypedDict, total=False):
    """What goes wrong on the way to one destination.

    duplicates: sent so many more times; reorder: what is due goes newest first; stale_seconds: how old the
    date is; keep_date: a retry carries its first date and signature; retry_seconds: before the first retry.
    """

    duplicates: int
    reorder: bool
    delay_seconds: float
    wrong_signature: bool
    stale_seconds: float
    keep_date: bool
    retry_seconds: float


class NewDestination(Switches, total=False):
    """`beyond_loopback` allows an address that is not this machine's."""

    url: Required[str]
    secret: str
    beyond_loopback: bool


class Notice(TypedDict, total=False):
    """A notification that nothing here brings about; without `properties` it is a flat one with `members`."""

    type: Required[str]
    id: str
    properties: dict[str, object]
    members: dict[str, object]


def register(world: World, given: Row) -> Row:
    """A new destination; it gets what is told from now on. Raises ApiError 400."""
    if len(world.destinations) >= MOST:
        raise ApiError(400, f"there may be at most {MOST} destinations")
    _check_address(given["url"], given.get("beyond_loopback", False))
    if given.get("secret") == "":
        raise ApiError(400, "secret must not be empty; leave it out to have one made")
    row = {
        "id": world.new_id(),
        "url": given["url"],
        "secret": given.get("secret") or world.new_id().replace("-", ""),
        "switches": DEFAULTS | _switches(given),
        "tries": 0,
        "delivered": 0,
        "given_up": 0,
        "last_status": None,
    }
    world.destinations.append(row)
    return row


def _check_address(url: str, beyond_loopback: bool) -> None:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise ApiError(400, "url must be an address") from None
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise ApiError(400, "url has no possible port")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ApiError(400, "url must begin with http:// or https://")
    local = parsed.host == "localhost"
    with contextlib.suppress(ValueError):
        local = local or ipaddress.ip_address(parsed.host).is_loopback
    if not local and not beyond_loopback:
        raise ApiError(400, "url must lead to this machine, unless beyond_loopback is true")


def _switches(given: Row) -> Row:
    chosen = {name: given[name] for name in DEFAULTS if name in given}
    for name, (least, most) in LIMITS.items():
        within(name, chosen.get(name), least, most)
    return chosen


def find(world: World, destination_id: str) -> Row:
    """The destination. Raises ApiError 404."""
    for each in world.destinations:
        if each["id"] == destination_id:
            return each
    raise ApiError(404, "There is no such destination")


def change(world: World, destination_id: str, given: Row) -> Row:
    """Turn switches of a destination. Raises ApiError 404 and 400."""
    row = find(world, destination_id)
    row["switches"] |= _switches(given)
    return row


def remove(world: World, destination_id: str | None = None) -> None:
    """Forget one destination, or all, and what waits for it. Raises ApiError 404."""
    gone = [find(world, destination_id)] if destination_id else list(world.destinations)
    for each in gone:
        world.destinations.remove(each)
        for row in world.outbox:
            row["waiting"].pop(each["id"], None)
    forget_done(world)


def forget_done(world: World) -> None:
    """Drop notices that wait for nobody any more."""
    world.outbox[:] = [row for row in world.outbox if row["waiting"]]


@command("GET webhooks")
def _list(asked: Asked) -> Reply:
    return Reply(200, {"data": asked.world.destinations, "waiting": len(asked.world.outbox)})


@command("POST webhooks", NewDestination)
def _register(asked: Asked) -> Reply:
    return Reply(200, {"data": register(asked.world, asked.given)})


@command("POST webhooks/{id}", Switches)
def _change(asked: Asked) -> Reply:
    return Reply(200, {"data": change(asked.world, asked.request.ids["id"], asked.given)})


@command("DELETE webhooks")
def _remove_all(asked: Asked) -> Reply:
    remove(asked.world)
    return Reply(200, {})


@command("DELETE webhooks/{id}")
def _remove(asked: Asked) -> Reply:
    remove(asked.world, asked.request.ids["id"])
    return Reply(200, {})


@command("POST webhooks/send", Notice)
def _send(asked: Asked) -> Reply:
    """Tell every destination something that nothing here brings about, such as `integration.issue`."""
    given = dict(asked.given)
    notices.put(asked.world, {**given.pop("members", {}), **given})
    return Reply(200, {"waiting": len(asked.world.outbox)})
