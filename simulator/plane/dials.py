"""Commands that turn something: faults, switches, the clock, latency, rate limits."""

from __future__ import annotations

from typing import Any, Required, TypedDict

from simulator import agenda
from simulator.checks import moment_of, rfc3339
from simulator.http import ApiError, Reply
from simulator.plane.control import Asked, command, within
from simulator.routing import ROUTES
from simulator.world import SWITCHES, Row, World


@command("GET faults")
def faults(asked: Asked) -> Reply:
    return Reply(200, {"data": [fault.as_json() for fault in asked.service.faults.active]})


@command("POST faults", Any)
def add_fault(asked: Asked) -> Reply:
    return Reply(200, {"data": asked.service.order_fault(asked.given).as_json()})


@command("DELETE faults")
def clear_faults(asked: Asked) -> Reply:
    asked.service.clear_faults()
    return Reply(200, {})


@command("DELETE faults/{id}")
def remove_fault(asked: Asked) -> Reply:
    number = asked.request.ids["id"]
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise ApiError(400, "A fault's id is a number")
    asked.service.faults.remove(int(number))
    asked.service.past.pop(int(number), None)
    return Reply(200, {})


@command("GET switches")
def switches(asked: Asked) -> Reply:
    return Reply(200, {"switches": asked.world.switches, "choices": SWITCHES})


@command("POST switches", dict[str, str])
def set_switches(asked: Asked) -> Reply:
    for name, choice in asked.given.items():
        if choice not in SWITCHES.get(name, ()):
            known = "; ".join(f"{each}: {' or '.join(choices)}" for each, choices in SWITCHES.items())
            raise ApiError(400, f"{name[:100]} can't be {choice[:100]}. The switches are {known}")
    asked.world.switches.update(asked.given)
    return Reply(200, asked.world.switches)


class Clock(TypedDict, total=False):
    """`at` sets the clock, `move_seconds` and `move_days` move it, `frozen` stops it or lets it run on."""

    offset_seconds: float
    at: str
    move_seconds: float
    move_days: float
    frozen: bool


@command("GET clock")
def clock(asked: Asked) -> Reply:
    return Reply(200, asked.world.clock | {"now": asked.world.stamp()})


@command("POST clock", Clock)
def set_clock(asked: Asked) -> Reply:
    """Whatever became due meanwhile has happened when this answers. Nothing is undone by going back."""
    world, given = asked.world, asked.given
    before = dict(world.clock)
    try:
        _move(world, given)
        agenda.later(world.stamp(), days=1)
        moment_of(world.stamp(), "The clock")
    except (ApiError, OverflowError, ValueError) as problem:
        world.clock.update(before)
        words = problem.message if isinstance(problem, ApiError) else "The clock can't go there"
        raise ApiError(400, words) from None
    agenda.catch_up(world)
    return clock(asked)


def _move(world: World, given: Row) -> None:
    frozen = given.get("frozen", world.clock["frozen_at"] is not None)
    if "offset_seconds" in given:
        world.clock.update(offset_seconds=given["offset_seconds"], frozen_at=None)
    target = moment_of(given["at"], "at") if "at" in given else world.now()
    target = moment_of(
        agenda.later(
            rfc3339(target), seconds=given.get("move_seconds", 0.0), days=given.get("move_days", 0.0)
        ),
        "The clock",
    )
    if frozen:
        world.clock["frozen_at"] = rfc3339(target)
        return
    world.clock["frozen_at"] = None
    if given.keys() & {"at", "move_seconds", "move_days", "frozen"}:
        world.clock["offset_seconds"] += (target - world.now()).total_seconds()


class Latency(TypedDict):
    seconds: Required[float]


@command("POST latency", Latency)
def latency(asked: Asked) -> Reply:
    within("seconds", asked.given["seconds"], 0, 600)
    asked.service.latency_seconds = float(asked.given["seconds"])
    return Reply(200, {"seconds": asked.service.latency_seconds})


class Rate(TypedDict, total=False):
    """Requests a second: for an account, for families of routes, for one target customer. 0 is no limit."""

    requests_per_second: float
    families: dict[str, float]
    customer: float
    retry_after: float | None


@command("GET rate")
def rate(asked: Asked) -> Reply:
    limits = asked.service.limits
    return Reply(
        200,
        {
            "requests_per_second": limits.account,
            "families": limits.families,
            "customer": limits.customer,
            "retry_after": limits.retry_after,
        },
    )


@command("POST rate", Rate)
def set_rate(asked: Asked) -> Reply:
    """What is left out is no limit."""
    given = asked.given
    families = given.get("families", {})
    known = {each.family for each in ROUTES.values()}
    if unknown := sorted(families.keys() - known):
        raise ApiError(400, f"There is no family {unknown[0][:100]}; there are {', '.join(sorted(known))}")
    for name, value in {
        **families,
        **{name: given.get(name) for name in given if name != "families"},
    }.items():
        within(name, value, 0, 1_000_000)
    asked.service.limits.set(
        account=given.get("requests_per_second", 0.0),
        families=families,
        customer=given.get("customer", 0.0),
        retry_after=given.get("retry_after"),
    )
    return rate(asked)


class Trial(TypedDict):
    limit: Required[int]


@command("POST trial", Trial)
def trial(asked: Asked) -> Reply:
    """How many active customers the account may have: 5 on the real trial; 0 is no limit."""
    within("limit", asked.given["limit"], 0, 1_000_000)
    asked.world.trial_limit = asked.given["limit"]
    return Reply(200, {"limit": asked.world.trial_limit})
