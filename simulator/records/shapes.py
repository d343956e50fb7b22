"""What a record may be: the official SDK's own answer types judge it, as strictly as JSON allows.

Times become RFC 3339 in UTC and ids lower case, as everything here compares them as texts.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import orjson
from metronome.types import shared
from metronome.types.v1 import (
    billable_metric_list_response,
    contract_get_subscription_seats_history_response,
    custom_field_list_keys_response,
    customer_detail,
    customer_retrieve_billing_configurations_response,
    package_list_response,
    plan_list_charges_response,
    plan_list_response,
    pricing_unit_list_response,
)
from metronome.types.v1.contracts import (
    product_list_response,
    rate_card_list_response,
    rate_card_retrieve_rate_schedule_response,
)
from metronome.types.v1.contracts.rate_cards import named_schedule_list_response
from metronome.types.v1.customers import invoice
from metronome.types.v1.customers import plan_list_response as customer_plan_list_response
from metronome.types.v1.settings import billing_provider_list_response
from pydantic import BaseModel, ValidationError

from simulator.checks import UUID, moment_of, rfc3339
from simulator.http import ApiError
from simulator.shapes import LARGEST
from simulator.world import Row


class Usage(BaseModel):
    """A quantity of a product that was used in a piece of time, in the units that invoices bill it in."""

    customer_id: str
    contract_id: str | None = None
    product_id: str
    starting_at: datetime
    ending_before: datetime
    quantity: float
    pricing_group_values: dict[str, str] | None = None
    presentation_group_values: dict[str, str | None] | None = None


class NamedSchedule(BaseModel):
    """A named schedule as one list tells those of contracts; here also of a customer or a rate card."""

    contract_id: str | None = None
    customer_id: str | None = None
    rate_card_id: str | None = None
    schedule_name: str
    properties: dict[str, Any] | None = None
    segments: list[named_schedule_list_response.Segment]


TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)", re.ASCII)
OPEN = ("custom_fields", "properties", "value", "ingest_aliases", "name", "configuration", "description")
OPEN += ("pricing_group_values", "presentation_group_values", "reason", "assigned_seat_ids")
MODELS: dict[str, type[BaseModel]] = {
    "pricing_units": pricing_unit_list_response.PricingUnitListResponse,
    "custom_field_keys": custom_field_list_keys_response.CustomFieldListKeysResponse,
    "billing_providers": billing_provider_list_response.Data,
    "billable_metrics": billable_metric_list_response.BillableMetricListResponse,
    "products": product_list_response.ProductListResponse,
    "rate_cards": rate_card_list_response.RateCardListResponse,
    "rates": rate_card_retrieve_rate_schedule_response.Data,
    "packages": package_list_response.PackageListResponse,
    "plans": plan_list_response.PlanListResponse,
    "charges": plan_list_charges_response.PlanListChargesResponse,
    "customers": customer_detail.CustomerDetail,
    "customer_plans": customer_plan_list_response.PlanListResponse,
    "billing_provider_configurations": customer_retrieve_billing_configurations_response.Data,
    "contracts": shared.ContractV2,
    "commits": shared.Commit,
    "credits": shared.Credit,
    "seats": contract_get_subscription_seats_history_response.Data,
    "named_schedules": NamedSchedule,
    "invoices": invoice.Invoice,
    "usage": Usage,
}
OWNERS = {  # what a record names beside its own shape, because an answer tells it by its address
    "rates": ("rate_card_id",),
    "charges": ("plan_id",),
    "customer_plans": ("customer_id",),
    "commits": ("customer_id",),
    "credits": ("customer_id",),
    "seats": ("contract_id", "subscription_id"),
}


def clean(kind: str, record: Any) -> Row:
    """A record of a kind, times and ids in their usual form. Raises ApiError 400 with what is wrong."""
    if not isinstance(record, dict):
        raise ApiError(400, "it is no JSON object")
    for owner in OWNERS.get(kind, ()):
        if not isinstance(record.get(owner), str):
            raise ApiError(400, f"{owner} is required beside what the API tells")
    try:
        MODELS[kind].model_validate_json(orjson.dumps(record), strict=True)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        raise ApiError(400, f"{where}: {first['msg']}") from None
    return usual(record)


def usual(value: Any) -> Any:
    """A copy with times and ids in their usual form, but for what a caller writes freely.

    Raises ApiError 400 for times and numbers that are out of range.
    """
    if isinstance(value, dict):
        return {name: inner if name in OPEN else usual(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [usual(each) for each in value]
    if isinstance(value, str):
        if UUID.fullmatch(value):
            return value.lower()
        return rfc3339(moment_of(value, "a time")) if TIME.fullmatch(value) else value
    if isinstance(value, int | float) and abs(value) > LARGEST:
        raise ApiError(400, "a number is out of range")
    return value


def build() -> None:
    """Build all the checks, which otherwise happens on their first use."""
    for model in MODELS.values():
        model.model_rebuild(force=True)
