"""`custom_fields.deleteValues`: POST /v1/customFields/deleteValues. Takes some of a customer's away."""

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

if TYPE_CHECKING:
    from billing.metronome.account import Gateway


@dataclass(frozen=True, slots=True)
class FieldKeys:
    """Whose, and the keys whose values go: at least one."""

    customer_id: Id
    keys: tuple[str, ...]


class DeleteValues(Operation[FieldKeys]):
    """Result: `{id, keys}`, the customer's id and the keys, sorted."""

    name: ClassVar[str] = "custom_fields.deleteValues"
    params = FieldKeys

    def show(self, params: FieldKeys) -> HttpCall:
        if not params.keys:
            raise ValueError("Say which custom fields are taken away.")
        body = {
            "entity": ENTITY,
            "entity_id": id_text(params.customer_id),
            "keys": sorted(params.keys),
        }
        return HttpCall("POST", "/v1/customFields/deleteValues", body)

    def after(self, before: States, params: FieldKeys) -> States:
        whose = thing("customer", params.customer_id)
        now = before.get(whose, {}).get("custom_fields", {})
        kept = {key: value for key, value in now.items() if key not in params.keys}
        return claimed(before, whose, custom_fields=kept)

    def confirm(self, gateway: Gateway, call: HttpCall, answer: Answer) -> dict[str, Any]:
        keys = call.body["keys"]
        confirmed_fields(gateway, call, answer, dict.fromkeys(keys))
        return {"id": call.body["entity_id"], "keys": keys}

    def find(self, gateway: Gateway, facts: FindFacts[FieldKeys]) -> Finding:
        keys = sorted(facts.params.keys)
        result = {"id": id_text(facts.params.customer_id), "keys": keys}
        return found_fields(gateway, facts, dict.fromkeys(keys), result)

    def how_found(self) -> str:
        return "read the customer: applied when none of these fields has a value"
