"""`customers.setName`: POST /v1/customers/{id}/setName."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from billing.metronome.calls import Answer, HttpCall
from billing.metronome.objects.customer import read_customer
from billing.metronome.operations.base import (
    FindFacts,
    Finding,
    Id,
    Operation,
    Proof,
    States,
    claimed,
    id_text,
    thing,
)
from billing.metronome.operations.proof import (
    neither_old_nor_ours,
    read_back,
    seen_customer,
    still_as_before,
)
from billing.metronome.outcomes import OutcomeUnknown
from billing.metronome.text import check_name, is_shortened_form

if TYPE_CHECKING:
    from billing.metronome.account import Gateway


@dataclass(frozen=True, slots=True)
class Renaming:
    """Whom, and the new name: trimmed and in NFC."""

    customer_id: Id
    name: str


class SetName(Operation[Renaming]):
    """Result: `{id, name}`, the name as Metronome now holds it."""

    name: ClassVar[str] = "customers.setName"
    params = Renaming

    def show(self, params: Renaming) -> HttpCall:
        if check_name(params.name) != params.name:
            raise ValueError("The name is not trimmed and in NFC.")
        return HttpCall("POST", f"/v1/customers/{id_text(params.customer_id)}/setName", {"name": params.name})

    def after(self, before: States, params: Renaming) -> States:
        return claimed(before, thing("customer", params.customer_id), name=params.name)

    def confirm(self, gateway: Gateway, call: HttpCall, answer: Answer) -> dict[str, Any]:
        made = answer.data or {}
        name, wanted = made.get("name"), call.body["name"]
        if made.get("id") != call.path.split("/")[3] or not isinstance(name, str):
            raise OutcomeUnknown("Metronome’s answer does not show the renamed customer.", answer.evidence)
        if name != wanted and not is_shortened_form(name, wanted):
            raise OutcomeUnknown(f"Metronome’s answer shows the name “{name}”.", answer.evidence)
        customer = read_back(gateway, made["id"], answer)
        if customer.name != name:  # a name that was ours and is shorter now was set by somebody, or set back
            raise OutcomeUnknown(
                f"Metronome confirmed, but the customer’s name reads “{customer.name}”.", answer.evidence
            )
        return {"id": customer.id, "name": customer.name}

    def find(self, gateway: Gateway, facts: FindFacts[Renaming]) -> Finding:
        customer = read_customer(gateway, facts.params.customer_id)
        if customer is None:
            return Finding(Proof.CANNOT_TELL, "Metronome no longer knows this customer.", None, [])
        looked = [seen_customer(customer.as_snapshot(), "the customer")]
        wanted = facts.params.name
        old = facts.before.get(thing("customer", facts.params.customer_id), {}).get("name")
        result = {"id": customer.id, "name": customer.name}
        if customer.name == wanted:
            return Finding(Proof.APPLIED, "The customer has the new name.", result, looked)
        if customer.name != old and is_shortened_form(customer.name, wanted):
            return Finding(Proof.APPLIED, "Applied, shortened by Metronome.", result, looked)
        if customer.name != old:
            return neither_old_nor_ours(
                gateway,
                facts,
                looked,
                result=result | {"name": wanted},
                took_effect=f"It took effect; since then somebody has named the customer “{customer.name}”.",
                otherwise=f"The name is “{customer.name}”, neither the old one nor ours.",
            )
        return still_as_before(gateway, facts, looked, what="the old name", holds="The customer still has")

    def how_found(self) -> str:
        return "read the customer: applied when it has the new name"
