"""Agents: their token reads, and what they would write a person approves first."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.http import Token
from simulator.tests.in_process import Inside

SUBMIT = "/v1/approval_requests/submit"
ASKED = {
    "name": "Rename",
    "description": "The customer asked for it",
    "request_type": "/v1/customers",
    "request_payload": {"name": "Made by an agent"},
}


@pytest.fixture
def inside() -> Inside:
    inside = Inside(customers=2)
    inside.service.tokens["agent"] = Token("main", "Agent", agentic=True)
    return inside


def test_an_agent_reads_and_writes_nothing(inside: Inside) -> None:
    before = len(inside.world.customers)

    refused = inside.ask("POST /v1/customers", ASKED["request_payload"], token="agent")

    assert inside.ask("GET /v1/customers", token="agent")[0] == 200
    assert refused[0] == 403
    assert refused[1]["message"].startswith("Agentic Restricted")
    assert (len(inside.world.customers), inside.world.effects) == (before, [])


def test_what_an_agent_asks_for_is_carried_out_once_a_person_approves(inside: Inside) -> None:
    status, made = inside.ask(f"POST {SUBMIT}", ASKED, token="agent")

    assert status == 200
    assert made["data"].keys() == {"id", "approval_url", "created_at"}
    assert made["data"]["approval_url"].endswith(made["data"]["id"])
    (waiting,) = inside.ask("GET /_sim/approvals")[1]["data"]
    assert (waiting["id"], waiting["status"]) == (made["data"]["id"], "pending")
    assert "Made by an agent" not in [each["name"] for each in inside.world.customers.values()]
    assert inside.ask(f"POST /_sim/approvals/{waiting['id']}", {"approve": True})[0] == 200
    assert "Made by an agent" in [each["name"] for each in inside.world.customers.values()]
    assert inside.world.effects[-1]["actor"] == "Agent, approved"
    assert inside.ask(f"POST /_sim/approvals/{waiting['id']}", {"approve": True})[0] == 404


def test_what_a_person_rejects_never_happens(inside: Inside) -> None:
    asked = inside.ask(f"POST {SUBMIT}", ASKED, token="agent")[1]["data"]["id"]

    assert inside.ask(f"POST /_sim/approvals/{asked}", {"approve": False}) == (200, {})

    assert "Made by an agent" not in [each["name"] for each in inside.world.customers.values()]
    assert inside.ask("GET /_sim/approvals")[1]["data"][0]["status"] == "rejected"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 129},
        {"description": "x" * 513},
        {"request_type": "v1/customers"},
        {"request_payload": {}},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(inside: Inside, wrong: dict[str, Any]) -> None:
    assert inside.ask(f"POST {SUBMIT}", ASKED | wrong, token="agent")[0] == 400
    assert inside.world.approval_requests == {}


def test_only_agents_ask_for_approval_and_only_for_what_there_is(inside: Inside) -> None:
    unknown = ASKED | {"request_type": "/v1/nothing"}
    asked = inside.ask(f"POST {SUBMIT}", unknown, token="agent")[1]["data"]["id"]

    assert inside.ask(f"POST {SUBMIT}", ASKED)[0] == 403
    assert inside.ask(f"POST /_sim/approvals/{asked}", {"approve": True})[0] == 400
    assert inside.world.approval_requests[asked]["status"] == "pending"
