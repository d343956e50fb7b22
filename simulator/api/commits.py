"""Commits of a customer: reference §3.6."""

from __future__ import annotations

from typing import Literal, Required, TypedDict

from metronome.types.v1.customers.commit_create_params import CommitCreateParams
from metronome.types.v1.customers.commit_list_params import CommitListParams
from metronome.types.v1.customers.commit_update_end_date_params import CommitUpdateEndDateParams

from simulator.api import balances
from simulator.checks import uuid_of
from simulator.engine.contracts import commits, gates
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


class Release(TypedDict):
    """What the SDK has no type for."""

    workflow_id: Required[str]
    outcome: Required[Literal["paid", "failed"]]


@route("POST /v1/contracts/commits/threshold-billing/release", Release, writes=True)
def release(world: World, request: Request) -> Reply:
    """What an external payment gate says of a commit that waits for it. Empty answer."""
    given = request.given
    workflow_id, outcome = uuid_of(given["workflow_id"], "workflow_id"), given["outcome"].lower()
    waiting = gates.release(world, workflow_id, outcome)
    about = {"workflow_id": workflow_id, "outcome": outcome, "invoice_id": waiting["invoice_id"]}
    world.happened(request, resource=("commit", waiting["commit"]["id"]), action="release", after=about)
    return Reply(200)


@route("POST /v1/contracts/customerCommits/create", CommitCreateParams, writes=True)
def create(world: World, request: Request) -> Reply:
    return balances.created(world, request, "commit")


@route("POST /v1/contracts/customerCommits/list", CommitListParams)
def list_commits(world: World, request: Request) -> Reply:
    return balances.listed(world, request, "commit_id", "include_contract_commits", "commit")


@route("POST /v1/contracts/customerCommits/updateEndDate", CommitUpdateEndDateParams, writes=True)
def update_end_date(world: World, request: Request) -> Reply:
    """Prepaid commits only, and only to an earlier end."""
    given, row = request.given, balances.named(world, request, "commit")
    if row["type"] != "PREPAID":
        raise ApiError(400, "Only the end date of a PREPAID commit can be updated")
    ends = given.get("access_ending_before"), given.get("invoices_ending_before")
    return balances.carried_out(
        world, request, row, "update_end_date", lambda: commits.shorten(world, row, *ends)
    )


@route("POST /v2/contracts/commits/archive", CommitArchive, writes=True)
def archive(world: World, request: Request) -> Reply:
    return balances.archived(world, request, "commit")


@route("POST /v1/contracts/commits/disableTrueup", TrueupDisable, writes=True)
def disable_trueup(world: World, request: Request) -> Reply:
    """A postpaid commit of a contract is not invoiced for what it was not used for."""
    row = balances.named(world, request, "commit")
    if row["contract_id"] != uuid_of(request.given["contract_id"], "contract_id"):
        raise ApiError(404, "The specified commit was not found on this contract", code="NotFound")
    if row["type"] != "POSTPAID" or commits.is_archived(world, row):
        raise ApiError(400, "Only a POSTPAID commit that isn't archived has a true-up")
    schedule = {**row["invoice_schedule"], "do_not_invoice": True}
    return balances.carried_out(
        world, request, row, "disable_trueup", lambda: row.update(invoice_schedule=schedule)
    )
