"""Billing provider configurations, customer by customer."""

from __future__ import annotations

from functools import cache
from uuid import UUID

from django.db import models

from billing.lists.prepared import Records, no_id
from billing.metronome.objects.billing_configuration import billing_configurations, in_words
from billing.metronome.objects.delivery_method import told_by
from billing.mirror.models import Mirrored
from billing.mirror.resource import For, Resource
from billing.mirror.resources.customer.models import Customer


class BillingConfiguration(Mirrored):
    """Through whom a customer can be billed. It bills nothing until a contract names it."""

    id = models.UUIDField(primary_key=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="billing_configurations")
    billing_provider = models.TextField()
    delivery_method = models.TextField()
    is_archived = models.BooleanField(default=False)

    class Meta:
        app_label = "billing"

    def __str__(self) -> str:
        return f"{self.billing_provider} of {self.customer_id}"


class BillingConfigurationResource(Resource):
    """A configuration. Requests know it as a row of its customer's."""

    name = "billing_configuration"
    model = BillingConfiguration
    reads = (For("customer", "the customer’s billing configurations", billing_configurations),)


def billed_through(customer_id: UUID | str) -> list[str]:
    """A customer's billing provider configurations in words, and to whose account; those in use first."""
    found = _configurations().asked(owner=UUID(str(customer_id)))
    return [f"{in_words(row.raw)}{_through(row)}" for row in found if row.raw]


def _through(row: BillingConfiguration) -> str:
    """What tells its delivery method from others of the account; nothing where it is over."""
    told = "" if row.is_archived else told_by(row.raw)
    return f" ({told})" if told else ""


@cache
def _configurations() -> Records:
    own = BillingConfiguration.objects.filter(customer_id=no_id("owner"), missing_since=None)
    return Records(own.order_by("is_archived", "pk"), owner=no_id("owner"))
