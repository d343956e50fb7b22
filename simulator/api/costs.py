"""Costs over time, a customer's metrics, and what events would cost: reference §3.1 and §3.7."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from metronome.types.v1.customer_list_billable_metrics_params import CustomerListBillableMetricsParams
from metronome.types.v1.customer_list_costs_params import CustomerListCostsParams
from metronome.types.v1.customer_preview_events_params import CustomerPreviewEventsParams
from metronome.types.v1.customers.invoice_list_breakdowns_params import InvoiceListBreakdownsParams

from simulator.amounts import total
from simulator.api.billable_metrics import shown
from simulator.api.customers import found
from simulator.api.invoices import date_of
from simulator.api.usage import MOST_EVENTS, is_duplicate
from simulator.checks import in_order, moment_of, rfc3339
from simulator.engine.invoices import invoicing
from simulator.engine.invoices.breakdowns import breakdown, windows
from simulator.engine.prices.periods import is_active
from simulator.engine.prices.usage import Meter, events_of, meter
from simulator.http import ApiError, Reply, Request
from simulator.paging import query_page
from simulator.routing import route
from simulator.world import Row, World

A_PAGE = {"DAY": 35, "HOUR": 24}


def _periodic(world: World, customer: Row) -> list[Row]:
    """The customer's invoices that cover a period and aren't void."""
    rows = world.invoices_of.get(customer["id"], [])
    return [each for each in rows if "end_timestamp" in each and each["status"] != "VOID"]


@route("GET /v1/customers/{customer_id}/invoices/breakdowns", InvoiceListBreakdownsParams)
def list_breakdowns(world: World, request: Request) -> Reply:
    """One row for each invoice and window that has begun; no page has more than 35 days or 24 hours."""
    customer, given = found(world, request.ids["customer_id"]), request.given
    in_order(given["starting_on"], given["ending_before"])
    status, unit = given.get("status", "").upper(), given.get("credit_type_id", "").lower()
    size, backwards = given.get("window_size", "DAY"), given.get("sort") == "date_desc"
    rows = [
        (window, invoice)
        for invoice in sorted(_periodic(world, customer), key=date_of)
        if (not status or invoice["status"] == status) and (not unit or invoice["credit_type"]["id"] == unit)
        for window in windows(invoice, given["starting_on"], given["ending_before"], size, world.stamp())
    ]
    rows.sort(key=lambda row: row[0], reverse=backwards)

    def show(row: tuple[tuple[str, str], Row]) -> Row:
        window, invoice = row
        whole = breakdown(world, invoicing.contract_of(world, invoice), invoice, window)
        if given.get("skip_zero_qty_line_items"):
            whole["line_items"] = [line for line in whole["line_items"] if line.get("quantity") != 0]
        return whole

    return Reply(200, query_page(request, rows, most=100, default=A_PAGE[size], show=show))


@route("GET /v1/customers/{customer_id}/costs", CustomerListCostsParams)
def list_costs(world: World, request: Request) -> Reply:
    """What each day came to before balances, by currency and line."""
    customer, given = found(world, request.ids["customer_id"]), request.given
    in_order(given["starting_on"], given["ending_before"])
    begin = moment_of(given["starting_on"], "starting_on").replace(hour=0, minute=0, second=0, microsecond=0)
    end = moment_of(given["ending_before"], "ending_before")
    days = -(-int((end - begin).total_seconds()) // 86_400)
    invoices, now = _periodic(world, customer), world.stamp()

    def show(number: int) -> Row:
        day = rfc3339(begin + timedelta(days=number)), rfc3339(begin + timedelta(days=number + 1))
        parts = [
            breakdown(world, invoicing.contract_of(world, each), each, day)
            for each in invoices
            if each["start_timestamp"] < day[1] and day[0] < min(each["end_timestamp"], now)
        ]
        units: dict[str, Row] = {}
        for line in (
            line
            for part in parts
            for line in part["line_items"]
            if line["type"] != "applied_commit_or_credit"
        ):
            unit = units.setdefault(
                line["credit_type"]["id"], {"name": line["credit_type"]["name"], "lines": []}
            )
            unit["lines"].append({"name": line["name"], "cost": line["total"], **_group(line)})
        costs = {
            unit_id: {
                "name": unit["name"],
                "cost": total(each["cost"] for each in unit["lines"]),
                "line_item_breakdown": unit["lines"],
            }
            for unit_id, unit in units.items()
        }
        return {"start_timestamp": day[0], "end_timestamp": day[1], "credit_types": costs}

    return Reply(200, query_page(request, range(days), show=show))


def _group(line: Row) -> Row:
    """Its first pricing group, if it has one."""
    for key, value in (line.get("pricing_group_values") or {}).items():
        return {"group_key": key, "group_value": value}
    return {}


@route("GET /v1/customers/{customer_id}/billable-metrics", CustomerListBillableMetricsParams)
def list_billable_metrics(world: World, request: Request) -> Reply:
    """All of them; with `on_current_plan` those that an active contract has prices for."""
    customer, given = found(world, request.ids["customer_id"]), request.given
    rows = list(world.billable_metrics.values())
    if given.get("on_current_plan"):
        wanted = _priced_metrics(world, customer)
        rows = [each for each in rows if each["id"] in wanted]
    archived = given.get("include_archived", False)
    return Reply(
        200,
        query_page(
            request,
            rows,
            keep=lambda row: archived or not row.get("archived_at"),
            show=shown,
        ),
    )


def _active_contracts(world: World, customer: Row) -> list[Row]:
    rows = world.contracts_of.get(customer["id"], [])
    return [each for each in rows if is_active(each, world.stamp())]


def _priced_metrics(world: World, customer: Row) -> set[Any]:
    cards = {each.get("rate_card_id") for each in _active_contracts(world, customer)}
    products = {rate["product_id"] for card in cards for rate in world.rates_of.get(card or "", [])}
    return {world.products[each]["current"].get("billable_metric_id") for each in products}


@route("POST /v1/customers/{customer_id}/previewEvents", CustomerPreviewEventsParams)
def preview_events(world: World, request: Request) -> Reply:
    """The current invoices as these events would make them, alone or with those there are."""
    customer, given = found(world, request.ids["customer_id"]), request.given
    if not 1 <= len(given["events"]) <= MOST_EVENTS:
        raise ApiError(400, f"between 1 and {MOST_EVENTS} events may be previewed")
    events = _previewed(world, customer, given["events"])
    usage = meter(world, customer["id"], events)
    if given.get("mode") == "merge":
        now = meter(world, customer["id"])
        both = sorted([*events_of(world, customer["id"]), *events], key=lambda each: each["timestamp"])
        usage = Meter(both, now.daily, now.since, now.until)
    invoices = [invoicing.preview(world, contract, usage) for contract in _active_contracts(world, customer)]
    if given.get("skip_zero_qty_line_items"):
        for invoice in invoices:
            invoice["line_items"] = [line for line in invoice["line_items"] if line.get("quantity") != 0]
    return Reply(200, {"data": invoices})


def _previewed(world: World, customer: Row, given: list[Row]) -> list[Row]:
    """Events in order of time, each transaction once, without those that were sent before.

    Raises ApiError 400.
    """
    events, seen = [], set()
    for place, each in enumerate(given):
        if not each["event_type"]:
            raise ApiError(400, f"events[{place}].event_type must not be empty")
        at = each.get("timestamp") or world.stamp()
        event = {
            "customer_id": customer["id"],
            "event_type": each["event_type"],
            "timestamp": rfc3339(moment_of(at, f"events[{place}].timestamp")),
            "properties": each.get("properties", {}),
        }
        named = each.get("transaction_id")
        if named is None or not (named in seen or is_duplicate(world, named)):
            events.append(event)
        seen.add(named)
    return sorted(events, key=lambda event: event["timestamp"])
