"""Thresholds of prepaid balances and of spend: what is bought when one is reached.

They are looked at when usage comes and when terms change.
"""

from __future__ import annotations

from decimal import Decimal

from simulator import notices
from simulator.agenda import due, later, months_later
from simulator.amounts import USD, exact, plain
from simulator.engine.balances.sources import serving
from simulator.engine.contracts import commits, gates
from simulator.engine.contracts.commit_terms import contract_of
from simulator.engine.contracts.terms import kept
from simulator.engine.contracts.trackers import accumulated
from simulator.engine.invoices.statements import invoices_of, is_measured, shown
from simulator.engine.prices.periods import is_active
from simulator.engine.prices.pricing import price_of_unit
from simulator.world import Row, World

CONFIGURATION = "prepaid_balance_threshold_configuration"
SPEND_CONFIGURATION = "spend_threshold_configuration"
BALANCE, SPEND = "PREPAID_BALANCE_THRESHOLD", "SPEND_THRESHOLD"
MOST_AT_ONCE = 20  # a recharge may be used up at once by what was owed already
OF_THE_COMMIT = ("name", "description", "priority", "applicable_product_ids", "applicable_product_tags")
OF_THE_COMMIT += ("specifiers", "rate_type", "rollover_fraction")


@due("contract.recharge")
def look_at(world: World, *, customer_id: str, contract_id: str) -> None:
    """Its terms have changed."""
    if (contract := contract_of(world, customer_id, contract_id)) is not None:
        look(world, contract)


def look(world: World, contract: Row) -> None:
    """Recharge a contract whose balances are at its threshold, again while that is used up at once.

    Then charge what it has spent, if that is at its other threshold.
    """
    _look_at_balance(world, contract)
    _look_at_spend(world, contract)


def _look_at_balance(world: World, contract: Row) -> None:
    for _time in range(MOST_AT_ONCE):
        terms = contract.get(CONFIGURATION) or {}
        if not terms.get("is_enabled") or not is_active(contract, world.stamp()):
            return
        if gates.is_waiting(world, contract, BALANCE):
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
    amount = exact(terms["recharge_to_amount"]) - left
    cost = amount * price_of_unit(world, contract, _unit(terms))
    return _buy(world, contract, terms, BALANCE, (amount, cost), _unit(terms), _lasting(world, terms))


def _buy(
    world: World,
    contract: Row,
    terms: Row,
    workflow: str,
    amount_and_cost: tuple[Decimal, Decimal],
    unit: str,
    span: tuple[str, str],
) -> bool:
    """Have a commit of this amount, unit and time paid for; whether it was made."""
    about = {"workflow_type": workflow, "customer_id": contract["customer_id"]}
    about |= {"contract_id": contract["id"], "timestamp": world.stamp()}
    notices.wrapped(world, "payment_gate.threshold_reached", **about)
    (amount, cost), wanted = amount_and_cost, terms["commit"]
    fraction = _fraction(world, contract, terms.get("discount_configuration") or {})
    segment = {"amount": plain(amount), "starting_at": span[0], "ending_before": span[1]}
    billed: Row = {"schedule_items": [{"timestamp": world.stamp(), "amount": plain(cost * fraction)}]}
    if workflow == SPEND:
        billed["credit_type_id"] = unit
    given = {
        "product_id": wanted["product_id"],
        "type": "PREPAID",
        **kept(wanted, *OF_THE_COMMIT),
        "access_schedule": {"credit_type_id": unit, "schedule_items": [segment]},
        "invoice_schedule": billed,
    }
    row = commits.prepare(world, None, contract["customer_id"], given, "commit", contract)
    row["recharges"] = True
    if fraction < 1:
        row["spend_tracker_attributes"] = {"counts_as_discounted": True}
    gate = terms["payment_gate_config"]["payment_gate_type"]
    return gates.attempt(world, contract, row, gate, workflow)


def _look_at_spend(world: World, contract: Row) -> None:
    """Charge what the contract's drafts of usage come to, once that is at its threshold.

    The commit pays for just that usage: it lasts as long as their periods.
    """
    terms = contract.get(SPEND_CONFIGURATION) or {}
    if not terms.get("is_enabled") or not is_active(contract, world.stamp()):
        return
    if gates.is_waiting(world, contract, SPEND):
        return
    drafts = [
        shown(world, each)
        for each in invoices_of(world, contract, "USAGE")
        if each["status"] == "DRAFT" and is_measured(world, contract, each)
    ]
    owed = sum((exact(each["total"]) for each in drafts), Decimal(0))
    if owed <= 0 or owed < exact(terms["threshold_amount"]):
        return
    starts, ends = ([each[f"{edge}_timestamp"] for each in drafts] for edge in ("start", "end"))
    unit = drafts[0]["credit_type"]["id"]
    _buy(world, contract, terms, SPEND, (owed, owed), unit, (min(starts), max(ends)))


def _fraction(world: World, contract: Row, discount: Row) -> Decimal:
    """The part that is paid: all of it once the tracker of a cap has reached that."""
    cap = discount.get("cap")
    for each in contract.get("spend_trackers") or []:
        if cap and each["alias"] == cap["spend_tracker_alias"]:
            spent = accumulated(world, contract, each)["amount"]
            if spent >= cap["amount"]:
                return Decimal(1)
    return exact(discount.get("payment_fraction", 1))


def _lasting(world: World, terms: Row) -> tuple[str, str]:
    """From this hour on, for a year unless the threshold says how long."""
    start = f"{world.stamp()[:13]}:00:00.000Z"
    length = terms["commit"].get("duration") or {"unit": "YEARS", "value": 1}
    if length["unit"] in ("DAYS", "WEEKS"):
        return start, later(start, days=length["value"] * (7 if length["unit"] == "WEEKS" else 1))
    return start, months_later(start, length["value"] * (12 if length["unit"] == "YEARS" else 1))
