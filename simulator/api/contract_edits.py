"""Edits of contracts and of their commits and credits: reference §3.4."""

from __future__ import annotations

import copy

from metronome.types.v2.contract_edit_commit_params import ContractEditCommitParams
from metronome.types.v2.contract_edit_credit_params import ContractEditCreditParams
from metronome.types.v2.contract_edit_params import ContractEditParams
from metronome.types.v2.contract_get_edit_history_params import ContractGetEditHistoryParams

from simulator.api.contracts import changeable, customer_of, found
from simulator.checks import uuid_of
from simulator.engine.contracts import commits
from simulator.engine.contracts.contract_views import shown
from simulator.engine.contracts.edits import Edit
from simulator.http import ApiError, Reply, Request
from simulator.routing import route
from simulator.world import World


@route("POST /v2/contracts/edit", ContractEditParams, writes=True)
def edit(world: World, request: Request) -> Reply:
    """All or nothing: every part is checked on a copy before anything changes."""
    contract, key = changeable(world, request), request.given.get("uniqueness_key")
    checked = Edit(world, request, contract)
    world.claim("contract_edit", key, contract["id"])
    before = shown(world, contract)
    told = checked.carry_out()
    world.happened(
        request,
        resource=("contract", contract["id"]),
        action="edit",
        before=before,
        after=shown(world, contract),
    )
    return Reply(200, {"data": {"id": told["id"], "edit": told}})


@route("POST /v2/contracts/commits/edit", ContractEditCommitParams, writes=True)
def edit_commit(world: World, request: Request) -> Reply:
    return _edit_balance(world, request, "commit")


@route("POST /v2/contracts/credits/edit", ContractEditCreditParams, writes=True)
def edit_credit(world: World, request: Request) -> Reply:
    return _edit_balance(world, request, "credit")


def _edit_balance(world: World, request: Request, kind: str) -> Reply:
    """Of a contract or of the customer itself."""
    customer_id = customer_of(world, request)
    row = world.balances.get(uuid_of(request.given[f"{kind}_id"], f"{kind}_id"))
    if row is None or (row["customer_id"], row["kind"]) != (customer_id, kind):
        raise ApiError(400, f"{kind.capitalize()} not found", code=f"{kind.capitalize()}NotFound")
    before = commits.show(world, row)
    commits.edit(world, row, request.given)
    after = commits.show(world, row)
    world.happened(request, resource=(kind, row["id"]), action="edit", before=before, after=after)
    return Reply(200, {"data": {"id": row["id"]}})


@route("POST /v2/contracts/getEditHistory", ContractGetEditHistoryParams)
def edit_history(world: World, request: Request) -> Reply:
    """Oldest first, unpaged."""
    contract = found(world, request)
    rows = [copy.deepcopy(each["edit"]) for each in world.edits_of.get(contract["id"], [])]
    return Reply(200, {"data": rows})
