"""Credits of a customer: reference §3.6."""

from __future__ import annotations

from typing import Required, TypedDict

from metronome.types.v1.customers.credit_create_params import CreditCreateParams
from metronome.types.v1.customers.credit_list_params import CreditListParams
from metronome.types.v1.customers.credit_update_end_date_params import CreditUpdateEndDateParams

from simulator.api import balances
from simulator.engine.contracts import commits
from simulator.http import Reply, Request
from simulator.routing import route
from simulator.world import World


class CreditArchive(TypedDict, total=False):
    """What the SDK has no type for."""

    customer_id: Required[str]
    credit_id: Required[str]


@route("POST /v1/contracts/customerCredits/create", CreditCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    return balances.created(world, request, "credit")


@route("POST /v1/contracts/customerCredits/list", CreditListParams)
def list_credits(world: World, request: Request) -> Reply:
    return balances.listed(world, request, "credit_id", "include_contract_credits", "credit")


@route("POST /v1/contracts/customerCredits/updateEndDate", CreditUpdateEndDateParams, writes=True)
def update_end_date(world: World, request: Request) -> Reply:
    """Only to an earlier end."""
    row, end = balances.named(world, request, "credit"), request.given["access_ending_before"]
    return balances.carried_out(
        world, request, row, "update_end_date", lambda: commits.shorten(world, row, end)
    )


@route("POST /v2/contracts/credits/archive", CreditArchive, writes=True)
def archive(world: World, request: Request) -> Reply:
    return balances.archived(world, request, "credit")
