"""Contracts."""

from __future__ import annotations

from collections.abc import Collection

from billing.metronome.client import Gateway
from billing.metronome.objects.contract import UNNAMED, contract_at, contracts_of, state_of
from billing.mirror.resource import Field, Resource, State


class ContractResource(Resource):
    """A contract's own fields. It belongs to its customer, without whose id it can't be read."""

    name = "contract"
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
        return state.get("name") or UNNAMED
