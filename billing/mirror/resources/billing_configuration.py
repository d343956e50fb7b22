"""Billing provider configurations, customer by customer."""

from __future__ import annotations

from django.db import models

from billing.metronome.objects.billing_configuration import billing_configurations
from billing.mirror.models import Customer, Mirrored
from billing.mirror.resource import For, Resource


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
