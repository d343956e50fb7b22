"""Contracts: reference §3.4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metronome.types.v1.contract_list_params import ContractListParams as ContractListV1Params
from metronome.types.v1.contract_retrieve_params import ContractRetrieveParams as ContractRetrieveV1Params
from metronome.types.v2.contract_list_params import ContractListParams
from metronome.types.v2.contract_retrieve_params import ContractRetrieveParams

from simulator.checks import uuid_of
from simulator.http import ApiError, Reply, Request
from simulator.paging import body_page
from simulator.routing import route
from simulator.world import Row, World


def _v1(contract: dict[str, Any]) -> dict[str, Any]:
    terms = {
        key: contract[key]
        for key in (
            "name",
            "starting_at",
            "rate_card_id",
            "created_at",
            "created_by",
            "usage_statement_schedule",
        )
    }
    terms |= {"commits": [], "overrides": [], "scheduled_charges": [], "transitions": [], "credits": []}
    if contract.get("ending_before"):
        terms["ending_before"] = contract["ending_before"]
    return {
        "id": contract["id"],
        "customer_id": contract["customer_id"],
        "initial": terms,
        "current": terms,
        "amendments": [],
        **({"archived_at": contract["archived_at"]} if contract.get("archived_at") else {}),
    }


def _v2(contract: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in contract.items() if value is not None}


def customer_of(world: World, request: Request) -> str:
    """The customer's id. Raises the 400 of v2's routes."""
    customer_id = uuid_of(request.given["customer_id"], "customer_id")
    if customer_id not in world.customers:
        raise ApiError(400, "Customer not found", code="CustomerNotFound")
    return customer_id


def found(world: World, customer_id: str, contract_id: Any) -> Row:
    """A contract of a customer, archived or not. Raises the 400 of v2's routes."""
    wanted = uuid_of(contract_id, "contract_id")
    for contract in world.contracts.get(customer_id, []):
        if contract["id"] == wanted:
            return contract
    raise ApiError(400, "Contract not found", code="ContractNotFound")


def _list(world: World, request: Request, show: Callable[[Row], Row]) -> Reply:
    archived = request.given.get("include_archived", False)
    rows = world.contracts.get(customer_of(world, request), [])
    return Reply(
        200,
        body_page(
            request,
            rows,
            cursor="cursor",
            most=20,
            keep=lambda row: archived or not row["archived_at"],
            show=show,
        ),
    )


@route("POST /v1/contracts/list", ContractListV1Params)
def list_v1(world: World, request: Request) -> Reply:
    return _list(world, request, _v1)


@route("POST /v2/contracts/list", ContractListParams)
def list_v2(world: World, request: Request) -> Reply:
    return _list(world, request, _v2)


@route("POST /v1/contracts/get", ContractRetrieveV1Params)
def get_v1(world: World, request: Request) -> Reply:
    contract = found(world, customer_of(world, request), request.given["contract_id"])
    return Reply(200, {"data": _v1(contract)})


@route("POST /v2/contracts/get", ContractRetrieveParams)
def get_v2(world: World, request: Request) -> Reply:
    contract = found(world, customer_of(world, request), request.given["contract_id"])
    return Reply(200, {"data": _v2(contract)})
