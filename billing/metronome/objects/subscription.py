"""A customer's subscriptions to plans (API reference §3.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.metronome.listing import Listing
from billing.metronome.objects.customer import CustomerRecord
from billing.metronome.records import id_in, must_when_in, text_in, when_in
from billing.metronome.rows import own_id, sort_out


@dataclass(frozen=True, slots=True)
class CustomerPlanRecord:
    """A customer's subscription to a plan; `id` is the customer_plan_id, `ending_before` is exclusive."""

    id: str
    customer_id: str
    plan_id: str
    plan_name: str
    starting_on: datetime
    ending_before: datetime | None
    raw: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

    def is_open(self, at: datetime) -> bool:
        """Not over yet."""
        return self.ending_before is None or self.ending_before > at

    @classmethod
    def from_customer_list(cls, customer_id: str, source: dict[str, Any]) -> CustomerPlanRecord:
        """From GET /v1/customers/{id}/plans."""
        return cls(
            id=id_in(source),
            customer_id=customer_id,
            plan_id=id_in(source, "plan_id"),
            plan_name=text_in(source, "plan_name"),
            starting_on=must_when_in(source, "starting_on"),
            ending_before=when_in(source, "ending_before"),
            raw=source,
        )

    @classmethod
    def from_plan_list(cls, customer_id: str, source: dict[str, Any]) -> CustomerPlanRecord:
        """From `plan_details` of GET /v1/planDetails/{id}/customers."""
        return cls(
            id=id_in(source, "customer_plan_id"),
            customer_id=customer_id,
            plan_id=id_in(source),
            plan_name=text_in(source, "name"),
            starting_on=must_when_in(source, "starting_on"),
            ending_before=when_in(source, "ending_before"),
            raw=source,
        )


@dataclass(frozen=True, slots=True)
class PlanListRow:
    """A row of a plan's list: a subscription, and its customer unless that is odd."""

    subscription: CustomerPlanRecord
    customer: CustomerRecord | None

    @classmethod
    def from_json(cls, source: dict[str, Any]) -> PlanListRow:
        found, _odd = sort_out([source["customer_details"]], CustomerRecord.from_json)
        customer_id = found[0].id if found else str(UUID(source["customer_details"]["id"]))
        subscription = CustomerPlanRecord.from_plan_list(customer_id, source["plan_details"])
        return cls(subscription, found[0] if found else None)


def plan_customers(plan_id: str) -> Listing[PlanListRow]:
    """A plan's subscriptions, ended and upcoming ones too."""
    return Listing(
        f"/v1/planDetails/{plan_id}/customers",
        PlanListRow.from_json,
        {"limit": 100, "status": "all"},
        id_of=_id_in_plan_list,
    )


def customer_plans(customer_id: str) -> Listing[CustomerPlanRecord]:
    """All subscriptions of one customer, newest first."""
    return Listing(
        f"/v1/customers/{customer_id}/plans",
        lambda row: CustomerPlanRecord.from_customer_list(customer_id, row),
        {"limit": 100},
    )


def _id_in_plan_list(row: Any) -> str:
    details = row.get("plan_details") if isinstance(row, dict) else None
    return own_id({"id": details.get("customer_plan_id")} if isinstance(details, dict) else row)
