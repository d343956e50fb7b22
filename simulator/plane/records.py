"""Commands about records: an account of its own from what a mirror holds, and what an account is made of."""

from __future__ import annotations

from typing import Any

from simulator import agenda
from simulator.checks import uuid_of
from simulator.http import ApiError, Reply
from simulator.plane.control import Asked, command
from simulator.records import chosen
from simulator.records.load import differences, load
from simulator.records.reading import read
from simulator.world import World

MOST_LOADED = 100


@command("POST load", Any)
def load_records(asked: Asked) -> Reply:
    """A new account from records, and the token that opens it; see simulator.records.load.

    `left_out` names what wasn't taken or isn't modelled, `differences` where a record tells another balance
    or total than follows from the others, `chosen` the undocumented rules that a line of a draft used.
    """
    if len(asked.service.loaded) >= MOST_LOADED:
        raise ApiError(409, f"There are {MOST_LOADED} loaded accounts: forget one first")
    world, report = load(asked.given)
    agenda.catch_up(world)
    told = {"differences": differences(world, asked.given), "chosen": chosen.used(world)}
    name = f"loaded-{asked.service.next_loaded()}"
    token = asked.service.open(name, world)
    opened = {"account": name, "token": token, "taken": report.taken, "left_out": report.left_out}
    return Reply(200, opened | told)


@command("DELETE load/{id}")
def forget_loaded(asked: Asked) -> Reply:
    """Forget a loaded account; its token opens nothing any more."""
    name = asked.request.ids["id"]
    if name not in asked.service.loaded:
        raise ApiError(404, f"There is no loaded account {name[:100]}")
    asked.service.close(name)
    return Reply(200, {})


@command("GET records")
def records(asked: Asked) -> Reply:
    """What an account is made of, or with `?customer_id=` one customer of it, as `load` takes it."""
    query = asked.request.query
    ids = (
        [uuid_of(each, "customer_id") for each in query["customer_id"].split(",")]
        if "customer_id" in query
        else None
    )
    if ids and (unknown := [each for each in ids if each not in asked.world.customers]):
        raise ApiError(404, f"There is no customer {unknown[0]}")
    agenda.catch_up(asked.world)
    return Reply(200, read(asked.world, ids))


@command("GET chosen")
def chosen_rules(asked: Asked) -> Reply:
    """The undocumented rules that a line of a draft uses now."""
    agenda.catch_up(asked.world)
    return Reply(200, {"data": chosen.used(asked.world)})


@command("POST empty")
def empty(asked: Asked) -> Reply:
    """All accounts empty, what was loaded gone, no faults: as a waiting instance begins."""
    asked.service.begin_again({"main": World()})
    return Reply(200, {})
