"""Contracts and invoices as seeded (read only), and billing configurations (reference §3.3 to 3.7)."""

from __future__ import annotations

from typing import Any

from simulator.checks import uuid_of
from simulator.customers import found
from simulator.http import ApiError, Reply, Request
from simulator.paging import limit_of, page, query_page
from simulator.world import World


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


def _list(world: World, request: Request, show: Any) -> Reply:
    fields = request.fields()
    customer_id = uuid_of(fields.get("customer_id"), "customer_id")
    if customer_id not in world.customers:
        raise ApiError(400, "Customer not found", code="CustomerNotFound")
    archived = fields.get("include_archived", False)
    if not isinstance(archived, bool):
        raise ApiError(400, "include_archived must be a boolean")
    filters = [request.path, {k: v for k, v in fields.items() if k not in ("limit", "cursor")}]
    rows, onward = page(
        world.contracts.get(customer_id, []),
        limit=limit_of(fields.get("limit"), most=20, default=20),
        cursor=fields.get("cursor"),
        filters=filters,
        keep=lambda row: archived or not row["archived_at"],
        show=show,
    )
    return Reply(200, {"data": rows, "cursor": onward})


def list_v1(world: World, request: Request) -> Reply:
    """POST /v1/contracts/list"""
    return _list(world, request, _v1)


def list_v2(world: World, request: Request) -> Reply:
    """POST /v2/contracts/list"""
    return _list(world, request, _v2)


def _get(world: World, request: Request, show: Any) -> Reply:
    fields = request.fields()
    customer_id = uuid_of(fields.get("customer_id"), "customer_id")
    contract_id = uuid_of(fields.get("contract_id"), "contract_id")
    if customer_id not in world.customers:
        raise ApiError(400, "Customer not found", code="CustomerNotFound")
    for contract in world.contracts.get(customer_id, []):
        if contract["id"] == contract_id:
            return Reply(200, {"data": show(contract)})
    raise ApiError(400, "Contract not found", code="ContractNotFound")


def get_v1(world: World, request: Request) -> Reply:
    """POST /v1/contracts/get"""
    return _get(world, request, _v1)


def get_v2(world: World, request: Request) -> Reply:
    """POST /v2/contracts/get"""
    return _get(world, request, _v2)


def list_invoices(world: World, request: Request) -> Reply:
    """GET /v1/customers/{customer_id}/invoices: void ones too unless filtered."""
    customer = found(world, request.ids["customer_id"])
    sort, status = request.query.get("sort", "date_asc"), request.query.get("status", "").upper()
    if sort not in ("date_asc", "date_desc"):
        raise ApiError(400, "sort must be date_asc or date_desc")
    rows = sorted(
        world.invoices.get(customer["id"], []),
        key=lambda row: row["start_timestamp"],
        reverse=sort == "date_desc",
    )
    kind, contract = request.query.get("type", "").upper(), request.query.get("contract_id")
    return Reply(
        200,
        query_page(
            request,
            rows,
            keep=lambda row: (
                (not status or row["status"] == status)
                and (not kind or row["type"] == kind)
                and (not contract or row.get("contract_id") == contract)
            ),
        ),
    )


def get_invoice(world: World, request: Request) -> Reply:
    """GET /v1/customers/{customer_id}/invoices/{invoice_id}"""
    customer = found(world, request.ids["customer_id"])
    for invoice in world.invoices.get(customer["id"], []):
        if invoice["id"] == request.ids["invoice_id"]:
            return Reply(200, {"data": invoice})
    raise ApiError(404, "The specified invoice was not found", code="NotFound")


def get_configurations(world: World, request: Request) -> Reply:
    """POST /v1/getCustomerBillingProviderConfigurations: an unknown customer has none."""
    fields = request.fields()
    customer_id = uuid_of(fields.get("customer_id"), "customer_id")
    rows = world.billing_configurations.get(customer_id, [])
    if not fields.get("include_archived"):
        rows = [row for row in rows if not row["archived_at"]]
    return Reply(200, {"data": rows})
