"""Customers' subscriptions to plans: read plan by plan, one page for a hundred of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q

from billing.metronome.objects.plan import PlanRecord
from billing.metronome.objects.subscription import (
    CustomerPlanRecord,
    PlanListRow,
    customer_plans,
    plan_customers,
)
from billing.mirror.models import CustomerPlan
from billing.mirror.resource import For, Resource, Whole


class SubscriptionResource(Resource):
    """A subscription. Requests know it as a row of its customer's."""

    name = "subscription"
    model = CustomerPlan
    turn = 3
    reads = (
        For("plan", "customers of plans", plan_customers, in_sweep=True),
        For("customer", "the customer’s plans", customer_plans),
    )
    expected = Q(customer__archived_at__isnull=True)
    """Of archived customers nobody ends one any more, and a plan's list may leave them out."""

    def records(self, rows: Sequence[PlanListRow | CustomerPlanRecord]) -> list[CustomerPlanRecord]:
        return [row.subscription if isinstance(row, PlanListRow) else row for row in rows]

    def brought(self, rows: Sequence[PlanListRow | CustomerPlanRecord]) -> dict[str, Sequence[Any]]:
        """Customers made since their list was read, and plans that the plan list doesn't show, by name."""
        customers = [row.customer for row in rows if isinstance(row, PlanListRow) and row.customer]
        named = {each.plan_id: each.plan_name for each in self.records(rows)}
        plans = [PlanRecord(plan_id, name, "", {}) for plan_id, name in named.items()]
        return {"customer": customers, "plan": plans}

    def again(self, ids: Sequence[Any], gone: Mapping[str, Collection[Any]]) -> Iterable[Whole]:
        """By customer; those of a customer that is gone itself are gone unasked."""
        suspects = CustomerPlan.objects.filter(pk__in=ids).exclude(customer_id__in=gone.get("customer", ()))
        for owner in suspects.order_by("customer_id").values_list("customer_id", flat=True).distinct():
            yield Whole("absences", customer_plans(str(owner)))
