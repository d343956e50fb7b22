"""`customers.archive`: POST /v1/customers/archive. Cannot be undone: contracts end, invoices are voided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
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
from billing.metronome.operations.proof import our_row, read_back, read_log, seen_customer, seen_row
from billing.metronome.outcomes import OutcomeUnknown

if TYPE_CHECKING:
    from billing.metronome.account import Gateway

CLOCK_SKEW = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Archiving:
    """Whom."""

    customer_id: Id


class ArchiveCustomer(Operation[Archiving]):
    """Result: `{id, archived_at}` as read back."""

    name: ClassVar[str] = "customers.archive"
    params = Archiving
    irreversible: ClassVar[bool] = True

    def show(self, params: Archiving) -> HttpCall:
        return HttpCall("POST", "/v1/customers/archive", {"id": id_text(params.customer_id)})

    def after(self, before: States, params: Archiving) -> States:
        return claimed(before, thing("customer", params.customer_id), archived_at="when applied")

    def confirm(self, gateway: Gateway, call: HttpCall, answer: Answer) -> dict[str, Any]:
        customer_id = call.body["id"]
        if (answer.data or {}).get("id") != customer_id:
            raise OutcomeUnknown("Metronome’s answer does not name the archived customer.", answer.evidence)
        customer = read_back(gateway, customer_id, answer)
        if customer.archived_at is None:
            raise OutcomeUnknown("Metronome confirmed, but the customer reads as active.", answer.evidence)
        return {"id": customer_id, "archived_at": customer.archived_at.isoformat()}

    def find(self, gateway: Gateway, facts: FindFacts[Archiving]) -> Finding:
        customer = read_customer(gateway, facts.params.customer_id)
        if customer is None:
            return Finding(Proof.CANNOT_TELL, "Metronome no longer knows this customer.", None, [])
        looked = [seen_customer(customer.as_snapshot(), "the customer")]
        if customer.archived_at is None:
            return Finding(Proof.NOT_APPLIED, "The customer is not archived.", None, looked)
        result = {"id": customer.id, "archived_at": customer.archived_at.isoformat()}
        row = our_row(read_log(gateway, facts, customer.id), gateway, facts)
        if row is not None:
            return Finding(
                Proof.APPLIED, "The customer is archived, by us.", result, [*looked, seen_row(row)]
            )
        if customer.archived_at >= facts.first_sent_at - CLOCK_SKEW:
            return Finding(
                Proof.APPLIED, "The customer was archived after the call was sent.", result, looked
            )
        return Finding(
            Proof.CANNOT_TELL,
            f"The customer was archived already at {customer.archived_at.isoformat()}, before we sent.",
            None,
            looked,
        )

    def how_found(self) -> str:
        return "read the customer: applied when archived_at is set"
