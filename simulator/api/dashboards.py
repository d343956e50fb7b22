"""Dashboards for embedding: reference §3.8. The address looks signed and leads nowhere."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlencode

import orjson
from metronome.types.v1.dashboard_get_embeddable_url_params import DashboardGetEmbeddableURLParams

from simulator import agenda
from simulator.api.customers import found
from simulator.checks import uuid_of
from simulator.http import ApiError, Reply, Request
from simulator.routing import route
from simulator.world import Row, World

HOST = "https://embeddable-dashboards.invalid"
VALID_SECONDS = 3_600
TRUTHS = ("true", "false")
VALUES = {
    "show_zero_usage_line_items": TRUTHS,
    "hide_voided_invoices": TRUTHS,
    "hide_grant_name": TRUTHS,
    "invoice_type": ("USAGE", "SCHEDULED"),
    "invoice_status_filter": ("VOID", "FINALIZED", "DRAFT", "FINALIZED_AND_DRAFT", "ALL"),
}
IDS = frozenset({"contract_id", "credit_ledger_credit_type_id"})


@route("POST /v1/dashboards/getEmbeddableUrl", DashboardGetEmbeddableURLParams)
def get_embeddable_url(world: World, request: Request) -> Reply:
    """An address that is valid for an hour and holds everything that was asked for."""
    given = request.given
    customer = found(world, given["customer_id"])
    for option in given.get("dashboard_options", []):
        _check(option)
    wanted = {name: given[name] for name in given if name not in ("customer_id", "dashboard")}
    query = {
        "customer_id": customer["id"],
        "expires_at": agenda.later(world.stamp(), seconds=VALID_SECONDS),
        "options": orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS).decode(),
    }
    key = f"dashboards of {world.seed}".encode()
    query["signature"] = hmac.new(key, urlencode(query).encode(), hashlib.sha256).hexdigest()
    address = f"{HOST}/customers/{given['dashboard']}/v1?{urlencode(query)}"
    return Reply(200, {"data": {"url": address}})


def _check(option: Row) -> None:
    """Raises ApiError 400 for a value that the option hasn't."""
    name, value = option["key"], option["value"]
    if name in IDS:
        uuid_of(value, name)
    elif name in VALUES and value not in VALUES[name]:
        raise ApiError(400, f"{name} must be one of {', '.join(VALUES[name])}")
