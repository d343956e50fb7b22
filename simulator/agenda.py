"""What is due when: the account's future, carried out as its clock passes.

Anything that happens by time alone (a contract starts, an invoice is finalized) is a row on the agenda. Rows
are kept in the world, so a snapshot holds the future too; the code that carries one out is found by its kind.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from simulator.checks import moment_of, rfc3339
from simulator.world import World

LAST = 10**15  # more than is ever planned
KINDS: dict[str, Callable[..., None]] = {}


def due(kind: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register what a kind does: `@due("contract.start") def start(world, *, contract_id)`.

    It runs while `world.now()` is the very instant that it was planned for, and must cope with a thing
    that is gone, archived or has moved since: look before you act.
    """

    def register(action: Callable[..., None]) -> Callable[..., None]:
        KINDS[kind] = action
        return action

    return register


def plan(world: World, at: str, kind: str, *, last: bool = False, **what: Any) -> None:
    """Put something on the agenda at an RFC 3339 instant in UTC; what is past happens at the next chance.

    Of one instant things happen in the order that they were planned in, but the `last` ones after all others.
    """
    world.agenda_number += 1
    place = world.agenda_number + (LAST if last else 0)
    heapq.heappush(world.agenda, [at, place, kind, what])


def catch_up(world: World) -> None:
    """Carry out everything that is due by the account's clock, in order of time."""
    if not world.agenda or world.agenda[0][0] > (now := rfc3339(world.now())):
        return
    try:
        while world.agenda and world.agenda[0][0] <= now:
            at, _number, kind, what = heapq.heappop(world.agenda)
            world.moment = moment_of(at, "agenda")
            KINDS[kind](world, **what)
    finally:
        world.moment = None


def later(at: str, **delta: Any) -> str:
    """An instant plus a timedelta's words, as RFC 3339."""
    return rfc3339(moment_of(at, "at") + timedelta(**delta))


def months_later(at: str, months: int) -> str:
    """The same day and time so many months on; the last day of a shorter month."""
    begin = moment_of(at, "at")
    number = begin.year * 12 + begin.month - 1 + months
    year, month = divmod(number, 12)
    for day in (begin.day, 30, 29, 28):
        try:
            return rfc3339(begin.replace(year=year, month=month + 1, day=day))
        except ValueError:
            continue
    raise AssertionError("every month has a 28th")
