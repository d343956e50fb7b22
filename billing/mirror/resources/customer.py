"""Customers."""

from __future__ import annotations

from collections.abc import Collection

from billing import clock
from billing.metronome.client import Gateway
from billing.metronome.objects.billing_configuration import billing_configurations
from billing.metronome.objects.contract import contracts_of
from billing.metronome.objects.plan import terms_of
from billing.mirror.resource import Field, Reader, Resource, State


class CustomerResource(Resource):
    """What a customer is, and, where somebody asks, what hangs on it."""

    name = "customer"
    fields = (
        Field("name", "name", group="name"),
        Field("archived_at", "status", look="flag", group="archive", words=("active", "archived")),
        Field("custom_fields", "custom fields", look="mapping", group="custom_fields"),
        Field("ingest_aliases", "ingest aliases", look="set", group="aliases"),
        Field("plan_rows", "plans", look="rows", group="plans", is_apart=True),
        Field(
            "billing_rows",
            "billing provider configurations",
            look="rows",
            group="billing",
            is_apart=True,
        ),
        Field("open_contracts", "open contracts", look="set", is_apart=True),
        Field("open_plans", "open plans", look="set", is_apart=True),
        Field("finalized_invoices", "finalized invoices", look="set", is_apart=True),
    )

    def read(
        self, gateway: Gateway, thing_id: str, fields: Collection[str], *, owner_id: str = ""
    ) -> State | None:
        customer = gateway.customer(thing_id)
        if customer is None:
            return None
        state = customer.as_snapshot()
        more = [name for name in fields if name not in state]
        return state | {name: _HANGING_ON_IT[name](gateway, customer.id) for name in more}

    def called(self, state: State) -> str:
        return state.get("name", "")


_HANGING_ON_IT: dict[str, Reader] = {
    "plan_rows": lambda gateway, customer_id: {
        subscription.id: terms_of(subscription) for subscription in gateway.customer_plans(customer_id)
    },
    "billing_rows": lambda gateway, customer_id: {
        each.id: each.words for each in gateway.every(billing_configurations(customer_id))
    },
    "open_contracts": lambda gateway, customer_id: sorted(
        contract.id for contract in gateway.every(contracts_of(customer_id)) if contract.is_open(clock.now())
    ),
    "open_plans": lambda gateway, customer_id: sorted(
        plan.id for plan in gateway.customer_plans(customer_id) if plan.is_open(clock.now())
    ),
    "finalized_invoices": lambda gateway, customer_id: sorted(
        invoice.id for invoice in gateway.invoices(customer_id) if invoice.is_finalized
    ),
}
"""Fields that cost a list of their own, read only where a request watches them."""
