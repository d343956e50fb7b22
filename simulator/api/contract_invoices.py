"""Invoices that are made by hand for a contract: past usage, and professional services (reference §3.4)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Required, TypedDict

from metronome._utils import PropertyInfo
from metronome.types.v1.contract_create_historical_invoices_params import (
    ContractCreateHistoricalInvoicesParams,
)
from metronome.types.v1.contract_schedule_pro_services_invoice_params import (
    ContractScheduleProServicesInvoiceParams,
)

from simulator import fields, notices
from simulator.amounts import USD, exact, plain, total
from simulator.api.contracts import changeable
from simulator.api.invoices import any_invoice
from simulator.checks import in_order, uuid_of
from simulator.engine.contracts.commit_terms import contract_of
from simulator.engine.contracts.terms import kept
from simulator.engine.invoices import drawdown, invoicing
from simulator.engine.invoices.lines import of_product, sums
from simulator.engine.prices.pricing import contract_rate, price
from simulator.engine.prices.schedules import credit_type
from simulator.http import ApiError, Reply, Request
from simulator.routing import route
from simulator.shapes import LARGEST
from simulator.world import Row, World


class IssueDate(TypedDict, total=False):
    """What the SDK has no type for."""

    invoice_id: Required[str]
    issue_date: Required[Annotated[str | datetime, PropertyInfo(format="iso8601")]]


@route("POST /v1/contracts/updateInvoiceIssueDate", IssueDate, writes=True)
def update_issue_date(world: World, request: Request) -> Reply:
    """Drafts of a contract only. Usage is not issued before its period is over."""
    invoice, at = any_invoice(world, request.given["invoice_id"], "invoice_id"), request.given["issue_date"]
    contract = invoicing.contract_of(world, invoice)
    if contract is None:
        raise ApiError(400, "The invoice is of no contract")
    if invoice["status"] != "DRAFT":
        raise ApiError(400, f"An invoice that is {invoice['status']} keeps its issue date", executed=True)
    if at > (contract.get("ending_before") or at):
        raise ApiError(400, "issue_date must not be after the end of the contract")
    if at < max(world.stamp(), invoice.get("end_timestamp", "")):
        raise ApiError(400, "issue_date must not be in the past or before the end of the invoice's period")
    before = world.issue_date_of.get(invoice["id"])
    invoicing.issue_on(world, contract, invoice, at)
    world.happened(
        request,
        resource=("invoice", invoice["id"]),
        action="update_issue_date",
        before={"issue_date": before},
        after={"issue_date": at},
    )
    return Reply(200, {"data": {"id": invoice["id"]}})


@route("POST /v1/contracts/createHistoricalInvoices", ContractCreateHistoricalInvoicesParams, writes=True)
def create_historical(world: World, request: Request) -> Reply:
    """All or nothing; a preview makes none. They draw on balances at once, even if issued later."""
    given = request.given
    if not given["invoices"]:
        raise ApiError(400, "invoices must not be empty")
    invoices = [_historical(world, each) for each in given["invoices"]]
    fields.check_together(world, "invoice", invoices)
    taken: dict[str, Decimal] = {}
    for invoice, each in zip(invoices, given["invoices"], strict=True):
        priced = invoice["line_items"]
        drawn = _pay(world, invoice, taken)
        if given["preview"]:
            for source in drawn:
                segment_id = source.segment["id"]
                taken[segment_id] = taken.get(segment_id, Decimal(0)) + source.deducted
            continue
        drawdown.write(drawn, invoice["end_timestamp"], invoice["id"], invoice["contract_id"])
        parts = [_parts(line) for line in each["usage_line_items"]]
        world.usage_of_invoice[invoice["id"]] = [
            {"line": line, "parts": times} for line, times in zip(priced, parts, strict=True)
        ]
        _issue(world, request, invoice, each["issue_date"], "create_historical")
    return Reply(200, {"data": invoices})


def _pay(world: World, invoice: Row, taken: dict[str, Decimal]) -> list[drawdown.Drawn]:
    """Let balances, less what is `taken`, pay for an invoice that isn't in the world; what they give."""
    contract = invoicing.contract_of(world, invoice)
    lines, drawn = drawdown.settle(world, contract, invoice["line_items"], invoice["end_timestamp"], taken)
    invoice |= {"line_items": lines, **sums(lines, invoice["credit_type"])}
    return drawn


def _historical(world: World, given: Row) -> Row:
    """One invoice that is not yet in the world. Raises ApiError 400."""
    customer_id = uuid_of(given["customer_id"], "customer_id")
    contract = contract_of(world, customer_id, uuid_of(given["contract_id"], "contract_id"))
    if contract is None or contract["archived_at"]:
        raise ApiError(400, "contract_id names no contract of the customer that is unarchived")
    start, end = given["inclusive_start_date"], given["exclusive_end_date"]
    in_order(start, end, "exclusive_end_date")
    if start < contract["starting_at"] or end > (contract.get("ending_before") or end):
        raise ApiError(400, "A historical invoice must lie within its contract")
    if end > world.stamp():
        raise ApiError(400, "A historical invoice must lie in the past")
    custom = given.get("custom_fields", {})
    fields.check(world, "invoice", custom)
    lines = [_usage_line(world, contract, each, start, end) for each in given["usage_line_items"]]
    unit = credit_type(world, given["credit_type_id"])
    return _blank(world, contract, "USAGE", unit, lines) | {
        "billable_status": given.get("billable_status", "billable"),
        "custom_fields": custom,
        "start_timestamp": start,
        "end_timestamp": end,
    }


def _parts(given: Row) -> list[Row]:
    """The quantities of a given line, each with its time."""
    return [
        {
            "starting_at": each["inclusive_start_date"],
            "ending_before": each["exclusive_end_date"],
            "quantity": each["quantity"],
        }
        for each in given.get("subtotals_with_quantity", [given])
    ]


def _usage_line(world: World, contract: Row, given: Row, start: str, end: str) -> Row:
    since, until = given["inclusive_start_date"], given["exclusive_end_date"]
    in_order(since, until, "exclusive_end_date")
    if since < start or until > end:
        raise ApiError(400, "A usage line item must lie within its invoice")
    parts = given.get("subtotals_with_quantity")
    if (parts is None) == ("quantity" not in given):
        raise ApiError(400, "A usage line item requires either quantity or subtotals_with_quantity")
    for each in parts or []:
        in_order(each["inclusive_start_date"], each["exclusive_end_date"], "exclusive_end_date")
        if each["inclusive_start_date"] < since or each["exclusive_end_date"] > until:
            raise ApiError(400, "A subtotal must lie within its usage line item")
    quantity = given["quantity"] if parts is None else total(each["quantity"] for each in parts)
    product_id = uuid_of(given["product_id"], "product_id")
    product = world.products.get(product_id)
    if product is None or product["type"] != "USAGE":
        raise ApiError(400, "product_id must name a USAGE product")
    rate = contract_rate(world, contract, product_id, since, given.get("pricing_group_values"))
    if rate is None or not rate.get("entitled", True):
        raise ApiError(400, "No such product in rate card")
    return {
        **of_product(world, product_id),
        "type": "usage",
        "credit_type": dict(rate.get("credit_type") or USD),
        "quantity": quantity,
        **({"unit_price": rate["price"]} if "price" in rate else {}),
        "total": _affordable(price(rate, quantity)),
        "starting_at": since,
        "ending_before": until,
        **kept(given, "pricing_group_values", "presentation_group_values"),
    }


def _affordable(amount: Decimal) -> int | float:
    if abs(amount) > LARGEST:
        raise ApiError(400, "The line item's amount is out of range")
    return plain(amount)


def _blank(world: World, contract: Row, kind: str, unit: Row, lines: list[Row]) -> Row:
    return {
        "id": world.new_id(),
        "customer_id": contract["customer_id"],
        "contract_id": contract["id"],
        "contract_custom_fields": contract.get("custom_fields") or {},
        "customer_custom_fields": world.customers[contract["customer_id"]]["custom_fields"],
        "status": "DRAFT",
        "type": kind,
        "credit_type": unit,
        "billable_status": "billable",
        "external_invoice": None,
        **kept(contract, "net_payment_terms_days"),
        "line_items": lines,
        **sums(lines, unit),
    }


def _issue(world: World, request: Request, invoice: Row, at: str, action: str) -> None:
    """Put an invoice into the world: finalized as of a past date, or a draft until a future one."""
    world.invoices_of.setdefault(invoice["customer_id"], []).append(invoice)
    if at > world.stamp():
        invoicing.finalize_later(world, invoice, at)
    else:
        invoice.update(status="FINALIZED", issued_at=at)
        notices.invoice_finalized(world, invoice)
    world.happened(request, resource=("invoice", invoice["id"]), action=action, after=invoice)


@route("POST /v1/contracts/scheduleProServicesInvoice", ContractScheduleProServicesInvoiceParams, writes=True)
def schedule_services(world: World, request: Request) -> Reply:
    """One invoice for services of the contract, each up to its maximum over all invoices that aren't void."""
    contract, given = changeable(world, request), request.given
    if not given["line_items"]:
        raise ApiError(400, "line_items must not be empty")
    if given["issued_at"] < contract["starting_at"]:
        raise ApiError(400, "issued_at must not be before the contract")
    lines: list[Row] = []
    for each in given["line_items"]:
        lines.append(_service_line(world, contract, each, lines))
    invoice = _blank(world, contract, "SCHEDULED", dict(USD), lines)
    _issue(world, request, invoice, given["issued_at"], "schedule_professional_services")
    return Reply(200, {"data": [invoice]})


def _service_line(world: World, contract: Row, given: Row, before: list[Row]) -> Row:
    wanted = uuid_of(given["professional_service_id"], "professional_service_id")
    services = [each for each in contract.get("professional_services") or [] if each["id"] == wanted]
    if not services:
        raise ApiError(404, "The specified professional service was not found", code="NotFound")
    (service,) = services
    by_amendment = [
        each["id"]
        for each in contract.get("amendments", [])
        if any(row["id"] == wanted for row in each.get("professional_services", []))
    ]
    if by_amendment != ([uuid_of(given["amendment_id"], "amendment_id")] if "amendment_id" in given else []):
        raise ApiError(400, "amendment_id must name the amendment that added the professional service")
    parts = given.keys() & {"quantity", "unit_price"}
    if ("amount" in given and len(parts) == 1) or ("amount" not in given and "quantity" not in parts):
        raise ApiError(400, "A line item requires either amount, or quantity and unit_price")
    quantity = exact(given.get("quantity", 1))
    unit_price = exact(given.get("unit_price", given.get("amount", service["unit_price"])))
    if "amount" in given and plain(quantity * unit_price) != plain(given["amount"]):
        raise ApiError(400, "A line item's amount must be quantity times unit_price")
    amount = _affordable(quantity * unit_price)
    billed = [
        line["total"]
        for invoice in world.invoices_of.get(contract["customer_id"], [])
        if invoice["status"] != "VOID"
        for line in invoice.get("line_items", [])
        if line.get("professional_service_id") == wanted
    ]
    billed += [line["total"] for line in before if line["professional_service_id"] == wanted]
    if amount < 0 or total([amount, *billed]) > service["max_amount"]:
        raise ApiError(400, "The professional service's max_amount would be exceeded")
    return {
        **of_product(world, service["product_id"], service.get("description", "")),
        "type": "professional_service",
        "credit_type": dict(USD),
        "professional_service_id": wanted,
        "professional_service_custom_fields": service["custom_fields"],
        "quantity": plain(quantity),
        "unit_price": plain(unit_price),
        "total": amount,
        **kept(given, "metadata", "netsuite_invoice_billing_start", "netsuite_invoice_billing_end"),
    }
