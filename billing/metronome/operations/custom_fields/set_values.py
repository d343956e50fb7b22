"""`custom_fields.setValues`: POST /v1/customFields/setValues. Sets some of a customer's, all of them or none.

Other keys stay as they are. No webhook tells of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from billing.metronome.calls import Answer, HttpCall
from billing.metronome.operations.base import (
    FindFacts,
    Finding,
    Id,
    Operation,
    States,
    claimed,
    id_text,
    thing,
)
from billing.metronome.operations.custom_fields.finding import ENTITY, confirmed_fields, found_fields
from billing.metronome.text import check_custom_fields

if TYPE_CHECKING:
    from billing.metronome.account import Gateway


@dataclass(frozen=True, slots=True)
class FieldValues:
    """Whose, and key → value of what is set: at least one."""

    customer_id: Id
    custom_fields: dict[str, str]


class SetValues(Operation[FieldValues]):
    """Result: `{id, custom_fields}`, the customer's id and what was set."""

    name: ClassVar[str] = "custom_fields.setValues"
    params = FieldValues

    def show(self, params: FieldValues) -> HttpCall:
        if not params.custom_fields or not all(params.custom_fields.values()):
            raise ValueError("Say which custom fields are set, and each value.")
        body = {
            "entity": ENTITY,
            "entity_id": id_text(params.customer_id),
            "custom_fields": check_custom_fields(params.custom_fields),
        }
        return HttpCall("POST", "/v1/customFields/setValues", body)

    def after(self, before: States, params: FieldValues) -> States:
        whose = thing("customer", params.customer_id)
        now = before.get(whose, {}).get("custom_fields", {})
        return claimed(before, whose, custom_fields={**now, **params.custom_fields})

    def confirm(self, gateway: Gateway, call: HttpCall, answer: Answer) -> dict[str, Any]:
        wanted = call.body["custom_fields"]
        confirmed_fields(gateway, call, answer, wanted)
        return {"id": call.body["entity_id"], "custom_fields": wanted}

    def find(self, gateway: Gateway, facts: FindFacts[FieldValues]) -> Finding:
        wanted = facts.params.custom_fields
        result = {"id": id_text(facts.params.customer_id), "custom_fields": wanted}
        return found_fields(gateway, facts, wanted, result)

    def how_found(self) -> str:
        return "read the customer: applied when each of these fields has its new value"
