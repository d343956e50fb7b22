"""Payment gates: a commit is made once it is paid for, and not at all where it isn't.

What Stripe says is a switch, `payments`. What an external gate says is told later, by `release`: until then
its commit and its draft wait in `world.payment_gates`, by the workflow's id.
"""

from __future__ import annotations

from typing import Any

from simulator import notices
from simulator.engine.contracts import commits
from simulator.engine.contracts.commit_terms import contract_of
from simulator.engine.invoices import invoicing
from simulator.engine.invoices.collecting import DECLINED, UNREACHED
from simulator.http import ApiError
from simulator.world import Row, World

GATED = ("STRIPE", "EXTERNAL")
THRESHOLDS = {
    "PREPAID_BALANCE_THRESHOLD": "prepaid_balance_threshold_configuration",
    "SPEND_THRESHOLD": "spend_threshold_configuration",
}


def is_gated(given: Row) -> bool:
    """Whether a given commit is only made once it is paid for."""
    return (given.get("payment_gate_config") or {}).get("payment_gate_type") in GATED


def refuse(row: Row) -> None:
    """Raise ApiError 400 for a commit that no gate can let through."""
    if row["type"] != "PREPAID" or len((row["invoice_schedule"] or {}).get("schedule_items", [])) != 1:
        raise ApiError(400, "a payment gate requires a PREPAID commit with one invoice schedule item")


def is_waiting(world: World, contract: Row, workflow: str) -> bool:
    """Whether an external gate has yet to say how such a payment went."""
    return any(
        (each["contract_id"], each["workflow_type"]) == (contract["id"], workflow)
        for each in world.payment_gates.values()
    )


def attempt(world: World, contract: Row, row: Row, gate: str, workflow: str) -> bool:
    """Have a prepared commit paid for; whether it was made. An unpaid threshold is switched off."""
    about = {
        "workflow_type": workflow,
        "customer_id": contract["customer_id"],
        "contract_id": contract["id"],
    }
    if gate == "EXTERNAL":
        invoice = invoicing.bill_commit(world, contract, row, outcome="wait")
        workflow_id = world.new_id()
        world.payment_gates[workflow_id] = {**about, "invoice_id": invoice["id"], "commit": row}
        told = {"invoice_total": invoice["total"], "invoice_currency": invoice["credit_type"]["name"]}
        kind = "payment_gate.external_initiate"
        notices.wrapped(world, kind, **about, workflow_id=workflow_id, invoice_id=invoice["id"], **told)
        return False
    answer = world.switches["payments"] if gate == "STRIPE" else "pay"
    if answer == "pay":
        commits.store(world, row)
    outcome = "paid" if answer == "pay" else "failed"
    invoice = invoicing.bill_commit(world, contract, row, outcome=outcome)
    if gate == "STRIPE":
        _tell(world, {**about, "invoice_id": invoice["id"]}, answer)
    if answer != "pay":
        _switch_off(contract, workflow)
    return answer == "pay"


def release(world: World, workflow_id: str, outcome: str) -> Row:
    """What an external gate says at last: the commit is made, or its invoice is void. Returns the workflow.

    Raises ApiError 404 for one that isn't waiting.
    """
    waiting = world.payment_gates.get(workflow_id)
    if waiting is None:
        raise ApiError(404, "No workflow of this id is waiting for its payment", code="NotFound")
    del world.payment_gates[workflow_id]
    contract = contract_of(world, waiting["customer_id"], waiting["contract_id"])
    row, is_paid = waiting["commit"], outcome == "paid" and not contract["archived_at"]
    if is_paid:
        commits.store(world, row)
    own = world.invoices_of[waiting["customer_id"]]
    invoice = next(each for each in own if each["id"] == waiting["invoice_id"])
    invoicing.bill_commit(world, contract, row, outcome="paid" if is_paid else "failed", invoice=invoice)
    if not is_paid:
        _switch_off(contract, waiting["workflow_type"])
    return waiting


def _switch_off(contract: Row, workflow: str) -> None:
    if (name := THRESHOLDS.get(workflow)) in contract:
        contract[name] = {**contract[name], "is_enabled": False}


def _tell(world: World, about: Row, answer: str) -> None:
    """What Stripe says of a payment."""
    intent = f"pi_{about['invoice_id'].replace('-', '')[:24]}"
    told: dict[str, Any] = {**about}
    told["billing_provider"] = {"type": "stripe", "stripe": {"payment_intent_id": intent}}
    if answer == "wait":
        kind, error = "payment_gate.payment_pending_action_required", "The payment requires an action."
        notices.wrapped(world, kind, **told, error_message=error)
        return
    words = UNREACHED if answer == "error" else DECLINED
    outcome = (
        {"payment_status": "paid"}
        if answer == "pay"
        else {"payment_status": "failed", "error_message": words}
    )
    notices.wrapped(world, "payment_gate.payment_status", **told, **outcome, timestamp=world.stamp())
