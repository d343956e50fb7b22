"""Customers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Q

from billing import clock
from billing.metronome.account import Gateway
from billing.metronome.objects.billing_configuration import BillingConfigurationRecord, billing_configurations
from billing.metronome.objects.contract import ContractRecord, contracts_of
from billing.metronome.objects.customer import CustomerRecord, customers, read_customer
from billing.metronome.objects.invoice import InvoiceRecord, invoices
from billing.metronome.objects.plan import terms_of
from billing.metronome.objects.subscription import CustomerPlanRecord, customer_plans
from billing.mirror.resource import ChildSet, Field, Resource, State, Whole
from billing.mirror.resources.customer.models import Customer, IngestAlias

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
    live = Q(archived_at__isnull=True)
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
        Field("draft_invoices", "draft invoices", look="set", is_apart=True),
        Field("finalized_invoices", "finalized invoices", look="set", is_apart=True),
    )

    def read(
        self, gateway: Gateway, thing_id: str, fields: Collection[str], *, owner_id: str = ""
    ) -> State | None:
        customer = read_customer(gateway, thing_id)
        if customer is None:
            return None
        state = customer.as_snapshot()
        more = [name for name in fields if name not in state]
        lists = _Lists(gateway, customer.id)
        return state | {name: _HANGING_ON_IT[name](lists) for name in more}

    def read_apart(
        self, gateway: Gateway, thing_id: str, fields: Collection[str], *, owner_id: str = ""
    ) -> State | None:
        lists = _Lists(gateway, thing_id)
        return {name: _HANGING_ON_IT[name](lists) for name in fields}

    def again(self, ids: Sequence[Any], gone: Mapping[str, Collection[Any]]) -> Iterable[Whole]:
        """By id, a hundred a request, in both lists."""
        for start in range(0, len(ids), IDS_A_REQUEST):
            some = [str(each) for each in ids[start : start + IDS_A_REQUEST]]
            yield Whole("absences", customers(archived=False, ids=some), held=ACTIVE)
            yield Whole("absences", customers(archived=True, ids=some), fill=dated, held=ARCHIVED)


class _Lists:
    """The lists that hang on a customer, each read once, when it is first asked for."""

    def __init__(self, gateway: Gateway, customer_id: str) -> None:
        self._gateway, self._of = gateway, customer_id

    @cached_property
    def plans(self) -> Sequence[CustomerPlanRecord]:
        return self._gateway.every(customer_plans(self._of))

    @cached_property
    def contracts(self) -> Sequence[ContractRecord]:
        return self._gateway.every(contracts_of(self._of))

    @cached_property
    def invoices(self) -> Sequence[InvoiceRecord]:
        return self._gateway.every(invoices(self._of))

    @cached_property
    def billing(self) -> Sequence[BillingConfigurationRecord]:
        return self._gateway.every(billing_configurations(self._of))


_HANGING_ON_IT: dict[str, Callable[[_Lists], Any]] = {
    "plan_rows": lambda lists: {plan.id: terms_of(plan) for plan in lists.plans},
    "billing_rows": lambda lists: {each.id: each.words for each in lists.billing},
    "open_contracts": lambda lists: sorted(each.id for each in lists.contracts if each.is_open(clock.now())),
    "open_plans": lambda lists: sorted(plan.id for plan in lists.plans if plan.is_open(clock.now())),
    "draft_invoices": lambda lists: sorted(each.id for each in lists.invoices if each.is_draft),
    "finalized_invoices": lambda lists: sorted(each.id for each in lists.invoices if each.is_finalized),
}
"""Fields that cost a list of their own, read where a request watches them, or shows what becomes of them."""
