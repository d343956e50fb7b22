"""Thresholds of prepaid balances: a contract with little left is recharged, as its payment gate lets it.

It is looked at when usage comes and when its terms change. What a gate says is a switch, `payments`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simulator import notices
from simulator.agenda import due, later, months_later
from simulator.amounts import USD, exact, plain
from simulator.engine.balances.sources import serving
from simulator.engine.contracts import commits
from simulator.engine.contracts.commit_terms import contract_of
from simulator.engine.contracts.terms import kept
from simulator.engine.contracts.trackers import accumulated
from simulator.engine.invoices import invoicing
from simulator.engine.invoices.collecting import DECLINED
from simulator.engine.prices.periods import is_active
from simulator.engine.prices.pricing import price_of_unit
from simulator.world import Row, World

CONFIGURATION = "prepaid_balance_threshold_configuration"
WORKFLOW = {"workflow_type": "PREPAID_BALANCE_THRESHOLD"}
MOST_AT_ONCE = 20  # a recharge may be used up at once by what was owed already
OF_THE_COMMIT = ("name", "description", "priority", "applicable_product_ids", "applicable_product_tags")
OF_THE_COMMIT += ("specifiers", "rate_type", "rollover_fraction")


@due("contract.recharge")
def look_at(world: World, *, customer_id: str, contract_id: str) -> None:
    """Its terms have changed."""
    if (contract := contract_of(world, customer_id, contract_id)) is not None:
        look(world, contract)


def look(world: World, contract: Row) -> None:
    """Recharge a contract whose balances are at its threshold, again while that is used up at once."""
    for _time in range(MOST_AT_ONCE):
        terms = contract.get(CONFIGURATION) or {}
        if not terms.get("is_enabled") or not is_active(contract, world.stamp()):
            return
        left = _left(world, contract, terms)
        if left > exact(terms["threshold_amount"]) or not _recharge(world, contract, terms, left):
            return


def _left(world: World, contract: Row, terms: Row) -> Decimal:
    """What prepaid commits and credits hold in the threshold's unit, but for those that it leaves out."""
    drafts, unit = commits.waiting(world, contract["customer_id"]), _unit(terms)
    return sum(
        (
            exact(commits.balance_of(world, row, waiting=drafts))
            for row in serving(world, contract)
            if row["type"] != "POSTPAID"
            and (row["access_schedule"]["credit_type"] or {}).get("id") == unit
            and (row["subscription_config"] or {}).get("allocation") != "INDIVIDUAL"
            and not _is_left_out(terms, row)
        ),
        Decimal(0),
    )


def _unit(terms: Row) -> str:
    return terms.get("custom_credit_type_id") or USD["id"]


def _is_left_out(terms: Row, row: Row) -> bool:
    """Whether all custom fields of one exclusion are the balance's."""
    entities = ("ContractCreditOrCommit", "Commit" if row["kind"] == "commit" else "ContractCredit")
    return any(
        all(
            each["entity"] in entities and row["custom_fields"].get(each["key"]) == each["value"]
            for each in out["custom_field_filters"]
        )
        for specifier in terms.get("threshold_balance_specifiers") or []
        for out in specifier["exclude"]
    )


def _recharge(world: World, contract: Row, terms: Row, left: Decimal) -> bool:
    """Whether a commit for what is missing was paid for and made."""
    about = {**WORKFLOW, "customer_id": contract["customer_id"], "contract_id": contract["id"]}
    notices.wrapped(world, "payment_gate.threshold_reached", **about, timestamp=world.stamp())
    amount = exact(terms["recharge_to_amount"]) - left
    fraction = _fraction(world, contract, terms.get("discount_configuration") or {})
    cost = plain(amount * price_of_unit(world, contract, _unit(terms)) * fraction)
    row = commits.prepare(
        world, None, contract["customer_id"], _terms(world, terms, plain(amount), cost), "commit", contract
    )
    row["recharges"] = True
    if fraction < 1:
        row["spend_tracker_attributes"] = {"counts_as_discounted": True}
    gate = terms["payment_gate_config"]["payment_gate_type"]
    answer = world.switches["payments"] if gate == "STRIPE" else "pay"
    if answer == "pay":
        commits.store(world, row)
    invoice = invoicing.bill_commit(world, contract, row, is_paid=answer == "pay")
    _tell(world, about, gate, answer, invoice)
    if answer != "pay":
        contract[CONFIGURATION] = {**terms, "is_enabled": False}
    return answer == "pay"


def _fraction(world: World, contract: Row, discount: Row) -> Decimal:
    """The part that is paid: all of it once the tracker of a cap has reached that."""
    cap = discount.get("cap")
    for each in contract.get("spend_trackers") or []:
        if cap and each["alias"] == cap["spend_tracker_alias"]:
            spent = accumulated(world, contract, each)["amount"]
            if spent >= cap["amount"]:
                return Decimal(1)
    return exact(discount.get("payment_fraction", 1))


def _terms(world: World, terms: Row, amount: float, cost: float) -> Row:
    """The commit that recharges: from this hour on, for a year unless the threshold says how long."""
    wanted, now = terms["commit"], world.stamp()
    start = f"{now[:13]}:00:00.000Z"
    length = wanted.get("duration") or {"unit": "YEARS", "value": 1}
    if length["unit"] in ("DAYS", "WEEKS"):
        end = later(start, days=length["value"] * (7 if length["unit"] == "WEEKS" else 1))
    else:
        end = months_later(start, length["value"] * (12 if length["unit"] == "YEARS" else 1))
    segment = {"amount": amount, "starting_at": start, "ending_before": end}
    return {
        "product_id": wanted["product_id"],
        "type": "PREPAID",
        **kept(wanted, *OF_THE_COMMIT),
        "access_schedule": {"credit_type_id": _unit(terms), "schedule_items": [segment]},
        "invoice_schedule": {"schedule_items": [{"timestamp": now, "amount": cost}]},
    }


def _tell(world: World, about: Row, gate: str, answer: str, invoice: Row) -> None:
    """What the gate says; none says nothing."""
    told: dict[str, Any] = {**about, "invoice_id": invoice["id"]}
    if gate == "STRIPE":
        intent = f"pi_{invoice['id'].replace('-', '')[:24]}"
        told["billing_provider"] = {"type": "stripe", "stripe": {"payment_intent_id": intent}}
    if gate == "STRIPE" and answer == "wait":
        kind, error = "payment_gate.payment_pending_action_required", "The payment requires an action."
        notices.wrapped(world, kind, **told, error_message=error)
    elif gate == "STRIPE":
        failed = {"payment_status": "failed", "error_message": DECLINED}
        outcome = {"payment_status": "paid"} if answer == "pay" else failed
        notices.wrapped(world, "payment_gate.payment_status", **told, **outcome, timestamp=world.stamp())
