"""How answers are lost and spoilt, and what somebody does to an effect before we look: the tables' rows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.test_crash_table import KINDS, LATER, ours
from tests.simulator_server import RunningSimulator

ROUTES = {
    "customer.create": "POST /v1/customers",
    "customer.rename": "POST /v1/customers/{customer_id}/setName",
    "customer.realias": "POST /v1/customers/{customer_id}/setIngestAliases",
    "customer.archive": "POST /v1/customers/archive",
    "customer.set_fields": "POST /v1/customFields/setValues",
    "customer.delete_fields": "POST /v1/customFields/deleteValues",
    "plan.add": "POST /v1/customers/{customer_id}/plans/add",
    "plan.end": "POST /v1/customers/{customer_id}/plans/{customer_plan_id}/end",
    "billing.set": "POST /v1/setCustomerBillingProviderConfigurations",
    "billing.archive": "POST /v1/archiveCustomerBillingProviderConfigurations",
    "contract.rename": "POST /v2/contracts/edit",
    "contract.end": "POST /v2/contracts/edit",
}
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
EMPTY = ("half a body", "an empty object", "other fields")
AS_DOCUMENTED = {
    ("customer.realias", "half a body"),
    ("customer.realias", "an empty object"),
    ("customer.realias", "other fields"),
    *((f"customer.{verb}_fields", answer) for verb in ("set", "delete") for answer in EMPTY),
    ("plan.end", "an empty object"),
    ("plan.end", "other fields"),
    ("billing.archive", "an empty object"),
    ("billing.archive", "other fields"),
}
"""Metronome answers these with nothing, or with what says nothing: the read-back tells that they stand."""
A_PERSON = {
    (kind, "undone")
    for kind in (
        "customer.rename",
        "customer.realias",
        "customer.set_fields",
        "customer.delete_fields",
        "plan.end",
    )
}
"""Where the old value stands again: whether ours is still wanted is for a person to say."""


def rows(answers: dict[str, Any], *more: Any) -> list[Any]:
    """The table's rows, those of the long form marked."""
    return [
        pytest.param(kind, answer, *extra, marks=() if _is_short(kind, answer, extra) else pytest.mark.rows)
        for kind in (*KINDS, *LATER)
        for answer in answers
        for extra in ([(meanwhile,) for meanwhile in MEANWHILE[kind]] if more else [()])
    ]


def _is_short(kind: str, answer: str, extra: tuple[str, ...]) -> bool:
    """Whether `make test` takes the row, too."""
    return answer in SHORT and (kind in KINDS or (answer == "silence" and extra in ((), ("nothing",))))


def somebody_else(kind: str, how: str, simulator: RunningSimulator, snapshot: dict[str, Any]) -> None:
    """What somebody does to our effect: undoes it, or puts a third value in its place."""
    subject = ours(simulator)[0]["resource_id"]
    if how == "nothing":
        return
    if kind in LATER:
        others_do(simulator, *_against(kind, how, ours(simulator)[0], snapshot))
    elif kind == "customer.create" and how == "undone":
        simulator.change("set_ingest_aliases", subject, ingest_aliases=[])
    elif kind == "customer.realias":
        third = [] if how == "changed" else snapshot["ingest_aliases"]
        simulator.change("set_ingest_aliases", subject, ingest_aliases=third)
    else:
        simulator.change("rename", subject, name="A third name" if how == "changed" else snapshot["name"])


def _against(
    kind: str, how: str, effect: dict[str, Any], snapshot: dict[str, Any]
) -> tuple[str, dict[str, str], dict[str, Any]]:
    """What somebody does to an effect of one of the later kinds: route, ids in its path, body."""
    of = effect["resource_id"]
    if kind in ("customer.set_fields", "customer.delete_fields"):
        segment = "third" if how == "changed" else snapshot["custom_fields"]["segment"]
        body = {"entity": "customer", "entity_id": of, "custom_fields": {"segment": segment}}
        return ROUTES["customer.set_fields"], {}, body
    if kind in ("plan.add", "plan.end"):
        ids = {"customer_id": of, "customer_plan_id": effect["after"]["id"]}
        return ROUTES["plan.end"], ids, {"ending_before": "2032-01-01T00:00:00Z"} if how == "changed" else {}
    if kind == "billing.set":
        ids = [effect["after"]["id"]]
        body = {"customer_id": of, "customer_billing_provider_configuration_ids": ids}
        return ROUTES["billing.archive"], {}, body
    if kind == "contract.rename":
        name = "A third name" if how == "changed" else "An order"
        return ROUTES[kind], {}, _of_contract(effect) | {"update_contract_name": name}
    if kind == "contract.end":
        end = "2032-01-01T00:00:00Z" if how == "changed" else None
        return ROUTES[kind], {}, _of_contract(effect) | {"update_contract_end_date": end}
    return ROUTES["customer.rename"], {"customer_id": of}, {"name": "A third name"}


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
