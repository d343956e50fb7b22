"""Invoices: reference §3.7."""

from __future__ import annotations

from metronome.types.v1.customers.invoice_list_params import InvoiceListParams

from simulator.api.customers import found
from simulator.checks import uuid_of
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.world import World


@route("GET /v1/customers/{customer_id}/invoices", InvoiceListParams)
def list_invoices(world: World, request: Request) -> Reply:
    """Void ones too unless filtered; oldest first unless `sort` says otherwise."""
    customer, given = found(world, request.ids["customer_id"]), request.given
    rows = sorted(
        world.invoices.get(customer["id"], []),
        key=lambda row: row["start_timestamp"],
        reverse=given.get("sort") == "date_desc",
    )
    status, kind, contract = given.get("status", "").upper(), given.get("type"), given.get("contract_id")
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


@route("GET /v1/customers/{customer_id}/invoices/{invoice_id}")
def get_invoice(world: World, request: Request) -> Reply:
    customer = found(world, request.ids["customer_id"])
    invoice_id = uuid_of(request.ids["invoice_id"], "invoice_id")
    for invoice in world.invoices.get(customer["id"], []):
        if invoice["id"] == invoice_id:
            return Reply(200, {"data": invoice})
    raise ApiError(404, "The specified invoice was not found", code="NotFound")
