"""What a customer's custom fields tell of a call that wrote to some of them, which is all or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from billing.metronome.calls import Answer, HttpCall
from billing.metronome.objects.customer import read_customer
from billing.metronome.operations.base import FindFacts, Finding, Proof, id_text, thing
from billing.metronome.operations.proof import (
    neither_old_nor_ours,
    read_back,
    seen_customer,
    still_as_before,
)
from billing.metronome.outcomes import OutcomeUnknown

if TYPE_CHECKING:
    from billing.metronome.account import Gateway

ENTITY = "customer"


def confirmed_fields(
    gateway: Gateway, call: HttpCall, answer: Answer, wanted: Mapping[str, str | None]
) -> None:
    """Raise OutcomeUnknown unless the customer reads as wanted; None stands for no value."""
    customer = read_back(gateway, call.body["entity_id"], answer)
    if other := [key for key, value in wanted.items() if customer.custom_fields.get(key) != value]:
        raise OutcomeUnknown(
            f"Metronome confirmed, but {', '.join(sorted(other)[:5])} read otherwise.", answer.evidence
        )


def found_fields(
    gateway: Gateway, facts: FindFacts, wanted: Mapping[str, str | None], result: dict[str, Any]
) -> Finding:
    """One look: every key as wanted, every key as before, or mixed, which somebody else has to have made."""
    customer_id = id_text(facts.params.customer_id)
    customer = read_customer(gateway, customer_id)
    if customer is None:
        return Finding(Proof.CANNOT_TELL, "Metronome no longer knows this customer.", None, [])
    looked = [seen_customer(customer.as_snapshot(), "the customer")]
    live = {key: customer.custom_fields.get(key) for key in wanted}
    if live == wanted:
        return Finding(Proof.APPLIED, "The custom fields read as asked for.", result, looked)
    before = facts.before.get(thing("customer", customer_id), {}).get("custom_fields", {})
    if live == {key: before.get(key) for key in wanted}:
        return still_as_before(
            gateway, facts, looked, what="the old values", holds="The custom fields still have"
        )
    shown = ", ".join(
        f"{key} “{value}”" if value else f"{key} without a value" for key, value in live.items()
    )
    return neither_old_nor_ours(
        gateway,
        facts,
        looked,
        result=result,
        took_effect=f"It took effect; since then somebody has changed the custom fields: {shown}.",
        otherwise=f"The custom fields are neither as before nor as asked for: {shown}.",
    )
