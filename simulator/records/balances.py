"""Records of commits and credits, of contracts and of customers themselves, with what moved in them.

What a segment starts with and what expires of it follows from the schedule; what drafts are about to draw is
worked out anew, so their entries are left out: else they would be drawn twice.
"""

from __future__ import annotations

from simulator.engine.balances.ledger import PREFIXES, segments_of
from simulator.engine.contracts.commit_terms import blank
from simulator.engine.contracts.commits import foresee
from simulator.records.report import Report, require
from simulator.world import Row, World

FOLLOWING = ("SEGMENT_START", "INITIAL_BALANCE", "EXPIRATION")
TOLD_ONLY = ("balance", "ledger", "cost_basis", "contract", "invoice_contract")


def gathered(given: Row, contracts: list[Row], report: Report) -> list[Row]:
    """Every balance once, in the order of the list of balances; what a contract tells of others follows.

    Of one that both tell of, both count: a contract doesn't tell everything.
    """
    found: dict[str, Row] = {}
    for contract in contracts:
        for kind in ("commits", "credits"):
            for each in contract.get(kind) or []:
                own = {"customer_id": contract["customer_id"], "contract": {"id": contract["id"]}}
                found[each["id"]] = {**each, **own}
    listed: dict[str, Row] = {}
    for record in given.get("balances", []):
        is_credit = isinstance(record, dict) and record.get("type") == "CREDIT"
        for row in report.each("balances", [record], "credits" if is_credit else "commits"):
            listed[row["id"]] = {**found.get(row["id"], {}), **row}
    return [*listed.values(), *(each for each in found.values() if each["id"] not in listed)]


def put(world: World, row: Row, drafts: frozenset[str], report: Report) -> None:
    """One balance; `drafts` are the ids of draft invoices."""
    customer_id = row["customer_id"]
    require(world.customers, customer_id, "customer")
    contract_id = (row.get("contract") or {}).get("id")
    contract = _contract(world, customer_id, contract_id) if contract_id else None
    kind = "credit" if row["type"] == "CREDIT" else "commit"
    kept = {name: value for name, value in row.items() if name not in TOLD_ONLY and value is not None}
    balance = blank(world, customer_id, kind, contract) | kept
    balance["invoice_contract_id"] = (row.get("invoice_contract") or {}).get("id")
    balance["access_schedule"] = _access(row["access_schedule"])
    if row.get("invoice_schedule"):
        balance["invoice_schedule"] = without_drafts(row["invoice_schedule"], drafts)
    balance["expired_at"] = contract.get("ending_before") if contract else None
    if balance["archived_at"]:
        together = contract is not None and contract["archived_at"] == balance["archived_at"]
        with_contract = together and "ledger" in row  # what is archived by itself has no ledger any more
        ends = [balance["archived_at"], balance["expired_at"]] if with_contract else [None]
        balance["expired_at"] = min((each for each in ends if each), default=None)
    if contract is not None and _recharges(contract, balance):
        balance["recharges"] = True
    balance["ledger"] = list(_moved(balance, row.get("ledger") or [], drafts, report))
    if "ledger" not in row and not row.get("archived_at"):
        report.leave_out("balances", row, "it has no ledger: it counts as if nothing had moved")
    world.balances[row["id"]] = balance
    world.balances_of.setdefault(customer_id, []).append(row["id"])
    if key := balance["uniqueness_key"]:
        world.uniqueness_keys.setdefault("balance", {})[key] = row["id"]
    foresee(world, balance, segments_of(balance), quietly=True)


def _contract(world: World, customer_id: str, contract_id: str) -> Row:
    own = {each["id"]: each for each in world.contracts_of.get(customer_id, [])}
    require(own, contract_id, "contract")
    return own[contract_id]


def _access(schedule: Row) -> Row:
    items = sorted(schedule["schedule_items"], key=lambda each: each["starting_at"])
    access_type = schedule.get("access_type") or "SPEND"
    unit = schedule.get("credit_type") if access_type == "SPEND" else None
    return {"credit_type": unit, "access_type": access_type, "schedule_items": items}


def without_drafts(schedule: Row, drafts: frozenset[str]) -> Row:
    """An invoice schedule whose items don't name drafts: these are made anew."""
    items = [
        {name: value for name, value in each.items() if name != "invoice_id" or value not in drafts}
        for each in schedule.get("schedule_items") or []
    ]
    return {"do_not_invoice": False, **schedule, "schedule_items": items}


def _recharges(contract: Row, balance: Row) -> bool:
    """Whether a threshold made it: a person made none that names nobody, and nothing recurs or rolls over."""
    made_otherwise = ("created_by", "recurring_commit_id", "rolled_over_from")
    return (
        balance["type"] == "PREPAID"
        and "prepaid_balance_threshold_configuration" in contract
        and not any(balance.get(name) for name in made_otherwise)
    )


def _moved(balance: Row, ledger: list[Row], drafts: frozenset[str], report: Report) -> list[Row]:
    prefix, moved = f"{PREFIXES[balance['type']]}_", []
    segments = segments_of(balance)
    for entry in ledger:
        if entry["type"].removeprefix(prefix) in FOLLOWING or entry.get("invoice_id") in drafts:
            continue
        if entry.get("segment_id") not in {each["id"] for each in segments}:
            around = [e for e in segments if e["starting_at"] <= entry["timestamp"] < e["ending_before"]]
            if len(around) != 1 and len(segments) > 1:
                report.leave_out("balances", balance, "an entry does not tell which segment it is of")
            entry = {**entry, "segment_id": (around or segments)[0]["id"]}
        moved.append(entry)
    return moved
