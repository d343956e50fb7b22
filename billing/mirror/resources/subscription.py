"""Customers' subscriptions to plans: read plan by plan, one page for a hundred of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from billing.lists.prepared import Records, no_id
from billing.metronome.objects.plan import PlanRecord, terms
from billing.metronome.objects.subscription import (
    CustomerPlanRecord,
    PlanListRow,
    customer_plans,
    plan_customers,
)
from billing.mirror.resource import For, Resource, Whole


class CustomerPlan(models.Model):
    """One subscription of a customer to a plan; `ending_before` is exclusive, null is open-ended."""

    id = models.UUIDField(primary_key=True)
    customer = models.ForeignKey("billing.Customer", on_delete=models.PROTECT, related_name="customer_plans")
    plan = models.ForeignKey("billing.Plan", on_delete=models.PROTECT, related_name="customer_plans")
    starting_on = models.DateTimeField()
    ending_before = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField()
    missing_since = models.DateTimeField(null=True)

    class Meta:
        app_label = "billing"
        indexes = [models.Index(fields=["plan", "starting_on", "id"], name="customer_plans_by_plan")]

    def __str__(self) -> str:
        return f"{self.customer_id} on {self.plan_id}"


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


def current_plans() -> QuerySet[CustomerPlan]:
    """Subscriptions that have not ended: running ones and those that begin later."""
    return CustomerPlan.objects.filter(
        Q(ending_before__isnull=True) | Q(ending_before__gt=Now()), missing_since__isnull=True
    )


def subscriptions_of(customer_id: UUID) -> list[CustomerPlan]:
    """A customer's subscriptions, newest first, ended and missing ones too, each with its plan."""
    return _subscriptions().asked(customer=customer_id)


@cache
def _subscriptions() -> Records:
    rows = CustomerPlan.objects.filter(customer=no_id("customer")).select_related("plan")
    return Records(rows.order_by("-starting_on", "pk"), customer=no_id("customer"))


def subscriptions(customer_id: UUID | str) -> list[CustomerPlan]:
    """A customer's subscriptions, newest first, ended ones too, each with its plan."""
    rows = CustomerPlan.objects.filter(customer_id=customer_id, missing_since__isnull=True)
    return list(rows.select_related("plan").order_by("-starting_on", "pk"))


def subscription_rows(customer_id: UUID | str) -> dict[str, str]:
    """Id → words of each, as a request freezes and a live check reads them."""
    return {
        str(row.pk): terms(row.plan.name, row.starting_on, row.ending_before)
        for row in subscriptions(customer_id)
    }
