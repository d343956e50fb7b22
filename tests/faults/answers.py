"""How answers are lost and spoilt, and what somebody does to an effect before we look: the tables' rows."""

from __future__ import annotations

from typing import Any

import pytest

from billing.changes import sealed
from billing.changes.asking.kinds import KINDS
from billing.changes.models import ChangeRequest
from billing.metronome.objects.plan import end_of
from tests.faults.asked import is_done_here, ours
from tests.simulator_server import RunningSimulator

SET_NAME = "POST /v1/customers/{customer_id}/setName"
SET_ALIASES = "POST /v1/customers/{customer_id}/setIngestAliases"
END_PLAN = "POST /v1/customers/{customer_id}/plans/{customer_plan_id}/end"
EDIT_CONTRACT = "POST /v2/contracts/edit"

AFTER: dict[str, tuple[str, dict[str, Any]]] = {
    "500": ("status_after", {"status": 500}),
    "silence": ("drop_after", {}),
    "502": ("status_after", {"status": 502}),
    "504": ("status_after", {"status": 504}),
    "400": ("status_after", {"status": 400, "message": "no"}),
    "404": ("status_after", {"status": 404, "message": "no"}),
    "409": ("status_after", {"status": 409, "message": "no"}),
    "422": ("status_after", {"status": 422, "message": "no"}),
    "too late": ("hang_after", {"seconds": 1.5}),
    "half a body": ("cut_off", {}),
    "half of the JSON": ("truncated", {}),
    "HTML": ("html", {}),
    "an empty object": ("empty_object", {}),
    "other fields": ("missing_fields", {"fields": ["id", "data"]}),
}
BEFORE: dict[str, tuple[str, dict[str, Any]]] = {
    "500": ("status_before", {"status": 500}),
    "silence": ("drop_before", {}),
    "502": ("status_before", {"status": 502}),
    "503": ("status_before", {"status": 503}),
}
SHORT = {"500", "silence"}
MEANWHILE = {
    "customer.create": ("nothing", "undone", "changed"),
    "customer.rename": ("nothing", "undone", "changed"),
    "customer.realias": ("nothing", "undone", "changed"),
    "customer.archive": ("nothing", "changed"),
    "customer.set_fields": ("nothing", "undone", "changed"),
    "customer.delete_fields": ("nothing", "undone", "changed"),
    "plan.add": ("nothing", "changed"),
    "plan.end": ("nothing", "undone", "changed"),
    "billing.set": ("nothing", "changed"),
    "billing.archive": ("nothing", "changed"),
    "contract.rename": ("nothing", "undone", "changed"),
    "contract.end": ("nothing", "undone", "changed"),
}
"""What somebody is known to do to an effect; to those of all other kinds nothing."""
EMPTY = ("half a body", "an empty object", "other fields")
AS_DOCUMENTED = {
    "customers.setIngestAliases": EMPTY,
    "custom_fields.setValues": EMPTY,
    "custom_fields.deleteValues": EMPTY,
    "plans.end": EMPTY[1:],
    "billing.archive": EMPTY[1:],
}
"""Metronome answers these with nothing, or with what says nothing: the read-back tells that they stand."""
A_PERSON = {
    "customer.rename",
    "customer.realias",
    "customer.set_fields",
    "customer.delete_fields",
    "plan.end",
}
"""Where the old value stands again once it is undone: whether ours is still wanted a person has to say."""
FAMILIES = ("customer.create", "customer.rename", "customer.realias", "customer.archive")
"""One of each way in which what a call did to a customer is found."""


def rows(answers: dict[str, Any], *, with_others: bool = False) -> list[Any]:
    """A row for each kind that there is and each answer, those of the long form marked.

    with_others: one for each thing that somebody does to the effect before we look.
    """
    return [
        pytest.param(kind, answer, *extra, marks=() if _is_short(kind, answer, extra) else pytest.mark.rows)
        for kind in KINDS
        if not is_done_here(kind)
        for answer in answers
        for extra in ([(how,) for how in MEANWHILE.get(kind, ("nothing",))] if with_others else [()])
    ]


def _is_short(kind: str, answer: str, extra: tuple[str, ...]) -> bool:
    """Whether `make test` takes the row, too."""
    return answer in SHORT and (kind in FAMILIES or (answer == "silence" and extra in ((), ("nothing",))))


def somebody_else(change: ChangeRequest, how: str, simulator: RunningSimulator) -> None:
    """What somebody does to the effect of our last call: undoes it, or puts a third value in its place."""
    if how != "nothing":
        effect = ours(simulator)[-1]
        others_do(simulator, *_against(change, effect, how == "changed"))


def _against(
    change: ChangeRequest, effect: dict[str, Any], changes: bool
) -> tuple[str, dict[str, str], dict[str, Any]]:
    """The same as route, ids in its path, body."""
    call, of = sealed.read(change.sealed).calls[-1], effect["resource_id"]
    before = next(iter(call.before.values()), {})
    match change.kind:
        case "customer.realias":
            aliases = [] if changes else before["ingest_aliases"]
            return SET_ALIASES, {"customer_id": of}, {"ingest_aliases": aliases}
        case "customer.create" if not changes:
            return SET_ALIASES, {"customer_id": of}, {"ingest_aliases": []}
        case "customer.set_fields" | "customer.delete_fields":
            [key] = getattr(call.params, "custom_fields", None) or call.params.keys
            custom = {key: "third" if changes else before["custom_fields"][key]}
            body = {"entity": "customer", "entity_id": of, "custom_fields": custom}
            return "POST /v1/customFields/setValues", {}, body
        case "plan.add" | "plan.end":
            own = effect["after"]["id"]
            end = "2041-01-01" if changes else end_of(before["plan_rows"][own])
            ids = {"customer_id": of, "customer_plan_id": own}
            return END_PLAN, ids, {"ending_before": f"{end}T00:00:00Z"} if end else {}
        case "billing.set":
            ids = {"customer_billing_provider_configuration_ids": [effect["after"]["id"]]}
            return "POST /v1/archiveCustomerBillingProviderConfigurations", {}, {"customer_id": of} | ids
        case "contract.rename":
            name = "A third name" if changes else before["name"]
            return EDIT_CONTRACT, {}, _of_contract(effect) | {"update_contract_name": name}
        case "contract.end":
            end = "2041-01-01T00:00:00Z" if changes else before["ending_before"] or None
            return EDIT_CONTRACT, {}, _of_contract(effect) | {"update_contract_end_date": end}
    return SET_NAME, {"customer_id": of}, {"name": "A third name" if changes else before["name"]}


def _of_contract(effect: dict[str, Any]) -> dict[str, str]:
    return {"customer_id": effect["after"]["customer_id"], "contract_id": effect["resource_id"]}


def others_do(simulator: RunningSimulator, route: str, ids: dict[str, str], body: dict[str, Any]) -> None:
    simulator.control("POST", "change", {"what": route, "ids": ids, "body": body})


def forget(simulator: RunningSimulator, *what: str) -> None:
    """Metronome no longer has what was stored under our keys (`answers`), or not yet its `audit_log`."""
    state = simulator.control("GET", "snapshot")
    for name in what:
        state["main"][name] = type(state["main"][name])()
    simulator.control("POST", "restore", state)
