"""Invoices: reference §3.7."""

from __future__ import annotations

from typing import Any

from metronome.types.v1.customers.invoice_add_charge_params import InvoiceAddChargeParams
from metronome.types.v1.customers.invoice_list_params import InvoiceListParams
from metronome.types.v1.customers.invoice_retrieve_params import InvoiceRetrieveParams
from metronome.types.v1.invoice_regenerate_params import InvoiceRegenerateParams
from metronome.types.v1.invoice_void_params import InvoiceVoidParams

from simulator import pdf
from simulator.amounts import USD, exact, plain, total
from simulator.api.customers import found
from simulator.checks import uuid_of
from simulator.engine.invoices import invoicing
from simulator.engine.prices.periods import month_of_plan
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.shapes import LARGEST
from simulator.world import Row, World


def date_of(invoice: Row) -> str:
    """What invoices are sorted and chosen by: where their period begins, else when they were issued."""
    return invoice.get("start_timestamp") or invoice.get("issued_at", "")


def shown(world: World, invoice: Row, given: Row) -> Row:
    """The API's form, without lines of no quantity where the query says so."""
    row = invoicing.shown(world, invoice)
    if not given.get("skip_zero_qty_line_items"):
        return row
    return {**row, "line_items": [line for line in row["line_items"] if line.get("quantity") != 0]}


@route("GET /v1/customers/{customer_id}/invoices", InvoiceListParams)
def list_invoices(world: World, request: Request) -> Reply:
    """Void ones too unless filtered; oldest first unless `sort` says otherwise."""
    customer, given = found(world, request.ids["customer_id"]), request.given
    rows = sorted(
        world.invoices_of.get(customer["id"], []), key=date_of, reverse=given.get("sort") == "date_desc"
    )
    status, kind, contract = given.get("status", "").upper(), given.get("type"), given.get("contract_id")
    notice = given.get("webhook_notification_id")
    start, end, unit = given.get("starting_on"), given.get("ending_before"), given.get("credit_type_id")
    historical = given.get("include_historical_commit_invoices", False)
    return Reply(
        200,
        query_page(
            request,
            rows,
            keep=lambda row: (
                (historical or not _is_historical(world, row))
                and (not status or row["status"] == status)
                and (not kind or row["type"] == kind)
                and (notice is None or notice in world.notice_ids)
                and (not contract or row.get("contract_id") == contract.lower())
                and (not unit or row["credit_type"]["id"] == unit.lower())
                and (not start or date_of(row) >= start)
                and (not end or (row.get("end_timestamp") or date_of(row)) < end)
            ),
            show=lambda row: shown(world, row, given),
        ),
    )


def _is_historical(world: World, invoice: Row) -> bool:
    """Whether it bills nothing but commits that were archived by themselves."""
    bought = [each.get("commit_id") for each in invoice.get("line_items", [])]
    rows = [world.balances.get(each or "") for each in bought]
    return bool(rows) and all(row and row["archived_at"] and not row["expired_at"] for row in rows)


def own_invoice(world: World, customer: Row, invoice_id: Any) -> Row:
    """An invoice of a customer. Raises ApiError 404."""
    wanted = uuid_of(invoice_id, "invoice_id")
    for invoice in world.invoices_of.get(customer["id"], []):
        if invoice["id"] == wanted:
            return invoice
    raise ApiError(404, "The specified invoice was not found", code="NotFound")


@route("GET /v1/customers/{customer_id}/invoices/{invoice_id}", InvoiceRetrieveParams)
def get_invoice(world: World, request: Request) -> Reply:
    customer = found(world, request.ids["customer_id"])
    invoice = own_invoice(world, customer, request.ids["invoice_id"])
    return Reply(200, {"data": shown(world, invoice, request.given)})


@route("GET /v1/customers/{customer_id}/invoices/{invoice_id}/pdf")
def get_pdf(world: World, request: Request) -> Reply:
    """The bytes of a PDF, made when asked for."""
    customer = found(world, request.ids["customer_id"])
    row = invoicing.shown(world, own_invoice(world, customer, request.ids["invoice_id"]))
    lines = [f"Invoice {row['id']}", customer["name"], f"{row['type']} {row['status']}"]
    if "start_timestamp" in row:
        lines.append(f"{row['start_timestamp'][:10]} to {row['end_timestamp'][:10]}")
    lines += [f"{line['name']}: {line['total']} {line['credit_type']['name']}" for line in row["line_items"]]
    lines.append(f"Total: {row['total']} {row['credit_type']['name']}")
    return Reply(200, content=pdf.page(lines), content_type="application/pdf")


def any_invoice(world: World, invoice_id: Any, name: str = "id") -> Row:
    """An invoice of anybody. Raises ApiError 404."""
    wanted = uuid_of(invoice_id, name)
    for rows in world.invoices_of.values():
        for invoice in rows:
            if invoice["id"] == wanted:
                return invoice
    raise ApiError(404, "The specified invoice was not found", code="NotFound")


@route("POST /v1/invoices/void", InvoiceVoidParams, writes=True)
def void(world: World, request: Request) -> Reply:
    """Only what is finalized can be made void."""
    invoice = any_invoice(world, request.given["id"])
    if invoice["status"] != "FINALIZED":
        raise ApiError(400, f"An invoice that is {invoice['status']} can't be voided", executed=True)
    invoicing.void(world, invoice)
    world.happened(
        request,
        resource=("invoice", invoice["id"]),
        action="void",
        before={"status": "FINALIZED"},
        after={"status": "VOID"},
    )
    return Reply(200, {"data": {"id": invoice["id"]}})


@route("POST /v1/invoices/regenerate", InvoiceRegenerateParams, writes=True)
def regenerate(world: World, request: Request) -> Reply:
    """Only what is void can be regenerated, and once."""
    invoice = any_invoice(world, request.given["id"])
    if invoice["status"] != "VOID":
        raise ApiError(400, "Only a voided invoice can be regenerated", executed=True)
    if "issued_at" not in invoice:
        raise ApiError(400, "An invoice that never was finalized can't be regenerated", executed=True)
    others = world.invoices_of[invoice["customer_id"]]
    if any(each.get("regenerated_from_invoice_id") == invoice["id"] for each in others):
        raise ApiError(400, "The invoice has already been regenerated", executed=True)
    again = invoicing.regenerate(world, invoice)
    world.happened(request, resource=("invoice", again["id"]), action="regenerate", after=again)
    return Reply(200, {"data": {"id": again["id"]}})


@route("POST /v1/customers/{customer_id}/addCharge", InvoiceAddChargeParams, writes=True)
def add_charge(world: World, request: Request) -> Reply:
    """A fixed charge of another plan, on the invoice of one month of a customer's plan; empty answer."""
    customer, given = found(world, request.ids["customer_id"]), request.given
    plan = world.customer_plans.get(uuid_of(given["customer_plan_id"], "customer_plan_id"))
    if plan is None or plan["customer_id"] != customer["id"]:
        raise ApiError(404, "The specified customer plan was not found", code="NotFound")
    charge = _foreign_charge(world, plan, uuid_of(given["charge_id"], "charge_id"))
    cost = plain(exact(given["price"]) * exact(given["quantity"]))
    if abs(cost) > LARGEST:
        raise ApiError(400, "price times quantity is out of range")
    invoice, month = _of_plan(world, customer, plan, given["invoice_start_timestamp"])
    if invoice is None:
        invoice = _new_of_plan(world, customer, plan, month)
    unit = charge.get("credit_type") or USD
    part = {"charge_id": charge["id"], "name": given["description"], "custom_fields": {}, "subtotal": cost}
    line = {
        "name": charge["product_name"],
        "type": "usage",
        "product_id": charge["product_id"],
        "credit_type": {"id": unit["id"], "name": unit["name"]},
        "quantity": given["quantity"],
        "total": cost,
        "sub_line_items": [part | {"price": given["price"], "quantity": given["quantity"]}],
    }
    invoice["line_items"] = [*invoice["line_items"], line]
    invoice["total"] = invoice["subtotal"] = total(
        each["total"] for each in invoice["line_items"] if each["credit_type"]["id"] == USD["id"]
    )
    world.happened(request, resource=("invoice", invoice["id"]), action="add_charge", after=line)
    return Reply(200, {})


def _foreign_charge(world: World, plan: Row, charge_id: str) -> Row:
    """A fixed charge of another plan than the customer's. Raises ApiError."""
    for each in world.plans.values():
        for charge in each["charges"]:
            if charge["id"] == charge_id:
                if each["id"] == plan["plan_id"] or charge["charge_type"] != "fixed":
                    raise ApiError(400, "charge_id must name a fixed charge that is not on the current plan")
                return charge
    raise ApiError(404, "The specified charge was not found", code="NotFound")


def _of_plan(world: World, customer: Row, plan: Row, start: str) -> tuple[Row | None, tuple[str, str]]:
    """The plan's draft that begins at this instant, None when there is none yet, and its month.

    Raises ApiError 400 where none may be.
    """
    month = month_of_plan(plan, start)
    if month is None:
        raise ApiError(400, "invoice_start_timestamp must be the start of a month of the customer plan")
    for invoice in world.invoices_of.get(customer["id"], []):
        if invoice.get("plan_id") == plan["plan_id"] and invoice["start_timestamp"] == start:
            if invoice["status"] != "DRAFT":
                raise ApiError(400, f"The invoice is {invoice['status']} and can't be changed")
            return invoice, month
    return None, month


def _new_of_plan(world: World, customer: Row, plan: Row, month: tuple[str, str]) -> Row:
    """A draft for one month of a customer's plan."""
    invoice = {
        "id": world.new_id(),
        "customer_id": customer["id"],
        "plan_id": plan["plan_id"],
        "plan_name": world.plans[plan["plan_id"]]["name"],
        "plan_custom_fields": dict(world.plans[plan["plan_id"]]["custom_fields"]),
        "customer_custom_fields": dict(customer["custom_fields"]),
        "status": "DRAFT",
        "type": "PLAN_ARREARS",
        "credit_type": dict(USD),
        "billable_status": "billable",
        "external_invoice": None,
        "line_items": [],
        "start_timestamp": month[0],
        "end_timestamp": month[1],
    }
    if plan["net_payment_terms_days"] is not None:
        invoice["net_payment_terms_days"] = plan["net_payment_terms_days"]
    world.invoices_of.setdefault(customer["id"], []).append(invoice)
    invoicing.finalize_later(world, invoice)
    return invoice
