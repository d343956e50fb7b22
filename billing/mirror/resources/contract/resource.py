"""Contracts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from billing.lists.text import Folded, Words
from billing.metronome.account import Gateway
from billing.metronome.listing import Item
from billing.metronome.objects.contract import (
    TERMS_CUT,
    UNNAMED,
    ContractRecord,
    contract_at,
    contracts_of,
    is_cut,
    state_of,
    terms_of,
    with_terms,
)
from billing.mirror.models import Mirrored, folded
from billing.mirror.resource import Field, For, Resource, State
from billing.mirror.resources.customer.models import Customer


class Contract(Mirrored):
    """A contract as its customer's list gives it; its terms stand in `raw`."""

    id = models.UUIDField(primary_key=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="contracts")
    name = models.TextField(blank=True)
    sort_name = folded("name")
    name_words = models.GeneratedField(
        expression=Words(Folded("name")), output_field=SearchVectorField(), db_persist=True
    )
    starting_at = models.DateTimeField()
    ending_before = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    rate_card_id = models.UUIDField(null=True)
    package_id = models.UUIDField(null=True)
    custom_fields = models.JSONField(default=dict)

    class Meta:
        app_label = "billing"
        indexes = [
            models.Index(fields=["sort_name", "id"], name="contracts_by_name"),
            models.Index(fields=["starting_at", "id"], name="contracts_by_start"),
            models.Index(fields=["ending_before", "id"], name="contracts_by_end"),
            models.Index(  # of a million they may be few or none, and none is met soon by walking the others
                fields=["sort_name", "id"],
                condition=models.Q(archived_at__isnull=False),
                name="contracts_archived_by_name",
            ),
            GinIndex(fields=["name_words"], name="contracts_by_name_words", gin_pending_list_limit=256),
        ]

    def __str__(self) -> str:
        return self.name or UNNAMED


def completed(
    gateway: Gateway, customer_id: str, contracts: Sequence[ContractRecord]
) -> list[ContractRecord]:
    """The contracts with their inner lists whole: where one is cut, the customer's own list has the rest."""
    whole = list(contracts)
    for terms in TERMS_CUT:
        if any(is_cut(each, terms) for each in whole):
            every = gateway.every(terms_of(customer_id, terms))
            whole = [with_terms(each, terms, every) if is_cut(each, terms) else each for each in whole]
    return whole


class ContractResource(Resource):
    """A contract's own fields. It belongs to its customer, without whose id it can't be read."""

    name = "contract"
    model = Contract
    turn = 5
    reads = (For("customer", "the customer’s contracts", contracts_of, completed=completed),)
    fields = (
        Field("name", "name", group="name"),
        Field("starting_at", "start"),
        Field("ending_before", "end", group="end"),
        Field("archived_at", "status", look="flag", group="archive", words=("active", "archived")),
    )

    def read(
        self, gateway: Gateway, thing_id: str, fields: Collection[str], *, owner_id: str = ""
    ) -> State | None:
        contract = gateway.one(contract_at(owner_id, thing_id))
        if contract is None:  # a lone *not found* is a suspicion
            listed = gateway.every(contracts_of(owner_id))
            contract = next((each for each in listed if each.id == thing_id), None)
        return None if contract is None else state_of(contract)

    def called(self, state: State) -> str:
        return state.get("name") or (UNNAMED if "name" in state else "contract")

    def item(self, owner_id: str, thing_id: str) -> Item[ContractRecord]:
        return contract_at(owner_id, thing_id)
