"""Credits of a customer: reference §3.6."""

from __future__ import annotations

from typing import Required, TypedDict

from metronome.types.v1.customers.credit_create_params import CreditCreateParams
from metronome.types.v1.customers.credit_list_params import CreditListParams
from metronome.types.v1.customers.credit_update_end_date_params import CreditUpdateEndDateParams

from simulator.api import balances, customers
from simulator.engine import commits
from simulator.http import Reply, Request
from simulator.routing import route
from simulator.world import World


class CreditArchive(TypedDict, total=False):
    """What the SDK has no type for."""

    customer_id: Required[str]
    credit_id: Required[str]


@route("POST /v1/contracts/customerCredits/create", CreditCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    customer = customers.found(world, request.given["customer_id"])
    row = commits.prepare(world, request, customer["id"], request.given, "credit")
    commits.store(world, row)
    shown = commits.show(world, row)
    world.happened(request, resource=("credit", row["id"]), action="create", after=shown)
    return Reply(200, {"data": {"id": row["id"]}})


@route("POST /v1/contracts/customerCredits/list", CreditListParams)
def list_credits(world: World, request: Request) -> Reply:
    return balances.listed(world, request, "credit_id", "include_contract_credits", "credit")


@route("POST /v1/contracts/customerCredits/updateEndDate", CreditUpdateEndDateParams, writes=True)
def update_end_date(world: World, request: Request) -> Reply:
    """Only to an earlier end."""
    given = request.given
    customer = customers.found(world, given["customer_id"])
    row = balances.found(world, customer["id"], given["credit_id"], "credit_id", "credit")
    before = commits.show(world, row)
    commits.shorten(world, row, given["access_ending_before"])
    after = commits.show(world, row)
    world.happened(
        request, resource=("credit", row["id"]), action="update_end_date", before=before, after=after
    )
    return Reply(200, {"data": {"id": row["id"]}})


@route("POST /v2/contracts/credits/archive", CreditArchive, writes=True)
def archive(world: World, request: Request) -> Reply:
    return balances.archived(world, request, "credit")
