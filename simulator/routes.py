"""Which handler answers which route."""

from __future__ import annotations

import re
from collections.abc import Callable

from simulator import audit_logs, billing, custom_fields, customers, plans
from simulator.http import Reply, Request
from simulator.world import World

Handler = Callable[[World, Request], Reply]

WRITES: dict[str, Handler] = {
    "POST /v1/customers": customers.create,
    "POST /v1/customers/archive": customers.archive,
    "POST /v1/customers/{customer_id}/setName": customers.set_name,
    "POST /v1/customers/{customer_id}/setIngestAliases": customers.set_ingest_aliases,
    "POST /v1/customers/{customer_id}/updateConfig": customers.update_config,
    "POST /v1/customers/{customer_id}/plans/add": plans.add,
    "POST /v1/customers/{customer_id}/plans/{customer_plan_id}/end": plans.end,
    "POST /v1/customFields/addKey": custom_fields.add_key,
    "POST /v1/customFields/removeKey": custom_fields.remove_key,
    "POST /v1/customFields/setValues": custom_fields.set_values,
    "POST /v1/customFields/deleteValues": custom_fields.delete_values,
}
READS: dict[str, Handler] = {
    "GET /v1/customers": customers.list_customers,
    "GET /v1/customers/{customer_id}": customers.retrieve,
    "GET /v1/plans": plans.list_plans,
    "GET /v1/planDetails/{plan_id}": plans.plan_details,
    "GET /v1/planDetails/{plan_id}/charges": plans.plan_charges,
    "GET /v1/planDetails/{plan_id}/customers": plans.plan_customers,
    "GET /v1/customers/{customer_id}/plans": plans.list_customer_plans,
    "GET /v1/customers/{customer_id}/plans/{customer_plan_id}/priceAdjustments": plans.price_adjustments,
    "POST /v1/contracts/list": billing.list_v1,
    "POST /v2/contracts/list": billing.list_v2,
    "POST /v1/contracts/get": billing.get_v1,
    "POST /v2/contracts/get": billing.get_v2,
    "GET /v1/customers/{customer_id}/invoices": billing.list_invoices,
    "GET /v1/customers/{customer_id}/invoices/{invoice_id}": billing.get_invoice,
    "POST /v1/getCustomerBillingProviderConfigurations": billing.get_configurations,
    "POST /v1/customFields/listKeys": custom_fields.list_keys,
    "GET /v1/auditLogs": audit_logs.list_audit_logs,
}
PATTERNS = [
    (name, re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", name) + "$"), handler)
    for name, handler in (WRITES | READS).items()
]
EXACT = {name: (name, handler) for name, handler in (WRITES | READS).items() if "{" not in name}


def match(method: str, path: str) -> tuple[str, Handler, dict[str, str]] | None:
    """The route's name, its handler and the ids in the path; None for no route of ours."""
    target = f"{method} {path}"
    if target in EXACT:
        return (*EXACT[target], {})
    for name, pattern, handler in PATTERNS:
        if found := pattern.match(target):
            return name, handler, found.groupdict()
    return None
