"""Commits of a customer: reference §3.6."""

from __future__ import annotations

from typing import Required, TypedDict

from metronome.types.v1.customers.commit_create_params import CommitCreateParams
from metronome.types.v1.customers.commit_list_params import CommitListParams
from metronome.types.v1.customers.commit_update_end_date_params import CommitUpdateEndDateParams

from simulator.api import balances, customers
from simulator.checks import uuid_of
from simulator.engine import commits
from simulator.http import ApiError, Reply, Request
from simulator.routing import route
from simulator.world import World


class TrueupDisable(TypedDict, total=False):
    """What the SDK has no type for."""

    customer_id: Required[str]
    contract_id: Required[str]
    commit_id: Required[str]


class CommitArchive(TypedDict, total=False):
    """What the SDK has no type for."""

    customer_id: Required[str]
    commit_id: Required[str]


@route("POST /v1/contracts/customerCommits/create", CommitCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    customer = customers.found(world, request.given["customer_id"])
    row = commits.prepare(world, request, customer["id"], request.given, "commit")
    commits.store(world, row)
    shown = commits.show(world, row)
    world.happened(request, resource=("commit", row["id"]), action="create", after=shown)
    return Reply(200, {"data": {"id": row["id"]}})


@route("POST /v1/contracts/customerCommits/list", CommitListParams)
def list_commits(world: World, request: Request) -> Reply:
    return balances.listed(world, request, "commit_id", "include_contract_commits", "commit")


@route("POST /v1/contracts/customerCommits/updateEndDate", CommitUpdateEndDateParams, writes=True)
def update_end_date(world: World, request: Request) -> Reply:
    """Prepaid commits only, and only to an earlier end."""
    given = request.given
    customer = customers.found(world, given["customer_id"])
    row = balances.found(world, customer["id"], given["commit_id"], "commit_id", "commit")
    if row["type"] != "PREPAID":
        raise ApiError(400, "Only the end date of a PREPAID commit can be updated")
    before = commits.show(world, row)
    commits.shorten(world, row, given.get("access_ending_before"), given.get("invoices_ending_before"))
    after = commits.show(world, row)
    world.happened(
        request, resource=("commit", row["id"]), action="update_end_date", before=before, after=after
    )
    return Reply(200, {"data": {"id": row["id"]}})


@route("POST /v2/contracts/commits/archive", CommitArchive, writes=True)
def archive(world: World, request: Request) -> Reply:
    return balances.archived(world, request, "commit")


@route("POST /v1/contracts/commits/disableTrueup", TrueupDisable, writes=True)
def disable_trueup(world: World, request: Request) -> Reply:
    """A postpaid commit of a contract is not invoiced for what it was not used for."""
    given = request.given
    customer = customers.found(world, given["customer_id"])
    row = balances.found(world, customer["id"], given["commit_id"], "commit_id", "commit")
    if row["contract_id"] != uuid_of(given["contract_id"], "contract_id"):
        raise ApiError(404, "The specified commit was not found on this contract", code="NotFound")
    if row["type"] != "POSTPAID" or commits.is_archived(world, row):
        raise ApiError(400, "Only a POSTPAID commit that isn't archived has a true-up")
    before = commits.show(world, row)
    row["invoice_schedule"] = {**row["invoice_schedule"], "do_not_invoice": True}
    after = commits.show(world, row)
    world.happened(
        request, resource=("commit", row["id"]), action="disable_trueup", before=before, after=after
    )
    return Reply(200, {"data": {"id": row["id"]}})
