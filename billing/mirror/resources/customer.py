"""Customers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from billing import clock
from billing.metronome.client import Gateway
from billing.metronome.objects.billing_configuration import billing_configurations
from billing.metronome.objects.contract import contracts_of
from billing.metronome.objects.customer import CustomerRecord, customers
from billing.metronome.objects.plan import terms_of
from billing.mirror.models import Customer, IngestAlias
from billing.mirror.resource import ChildSet, Field, Reader, Resource, State, Whole

IDS_A_REQUEST = 100
ACTIVE, ARCHIVED = "archived_at IS NULL", "archived_at IS NOT NULL"


def dated(records: Sequence[CustomerRecord], asked_at: datetime) -> list[CustomerRecord]:
    """Customers of the archived list, each with a time: where it gives none, the one held, or now."""
    undated = [record.id for record in records if record.archived_at is None]
    held = dict(Customer.objects.filter(pk__in=undated).values_list("pk", "archived_at")) if undated else {}
    return [
        record if record.archived_at else replace(record, archived_at=held.get(UUID(record.id)) or asked_at)
        for record in records
    ]


class CustomerResource(Resource):
    """What a customer is, and, where somebody asks, what hangs on it."""

    name = "customer"
    model = Customer
    turn = 1
    sets = (ChildSet(IngestAlias, owner="customer_id", of="ingest_aliases", value="alias"),)
    # Active ones first: there is no way back from archived, so nobody falls between the two lists.
    reads = (
        Whole("active customers", customers(archived=False), held=ACTIVE),
        Whole("archived customers", customers(archived=True), fill=dated, held=ARCHIVED),
    )
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

    def again(self, ids: Sequence[Any], gone: Mapping[str, Collection[Any]]) -> Iterable[Whole]:
        """By id, a hundred a request, in both lists."""
        for start in range(0, len(ids), IDS_A_REQUEST):
            some = [str(each) for each in ids[start : start + IDS_A_REQUEST]]
            yield Whole("absences", customers(archived=False, ids=some), held=ACTIVE)
            yield Whole("absences", customers(archived=True, ids=some), fill=dated, held=ARCHIVED)


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
