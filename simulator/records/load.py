"""A world from records, as somebody else's mirror holds them: `load`, and what its answer tells."""

from __future__ import annotations

from functools import partial
from typing import Any

from simulator.checks import in_order, moment_of, rfc3339
from simulator.engine.balances.ledger import balance_of
from simulator.engine.contracts import commits
from simulator.engine.invoices.statements import shown
from simulator.http import ApiError
from simulator.records import balances, catalogue, contracts, customers, invoices
from simulator.records.report import WRONG, Report, require
from simulator.world import Row, World

LISTS = (*catalogue.PUTS, *customers.PUTS, "contracts", "balances", "seats", "named_schedules")
LISTS += ("invoices", "usage")
NOT_MODELLED = {
    "edit_histories": "an edit history is not kept: a contract is as it is now, also as of an earlier date",
    "alerts": "alerts are not taken",
    "credit_grants": "grants of plans are not taken",
}


def load(given: Row) -> tuple[World, Report]:
    """The world of these records, its clock standing at `clock`; everything due by then has happened.

    `given` are lists of records by kind (LISTS), each in the API's read shape. Raises ApiError 400 for what
    is no such body at all.
    """
    _check(given)
    world, report = World(), Report()
    at = rfc3339(moment_of(given["clock"], "clock")) if "clock" in given else world.stamp()
    world.clock["frozen_at"] = at
    for name, reason in NOT_MODELLED.items():
        for record in given.get(name, []):
            report.leave_out(name, record, reason)
    catalogue.take(world, given, report)
    customers.take(world, given, report)
    rows = list(report.each("contracts", given.get("contracts", [])))
    drafts = frozenset(
        each["id"] for each in given.get("invoices", []) if _is_named(each) and each.get("status") == "DRAFT"
    )
    report.take("contracts", rows, partial(contracts.put, world, drafts=drafts, report=report))
    contracts.put_seats(world, given, report)
    report.take("named_schedules", given.get("named_schedules", []), partial(contracts.put_schedule, world))
    _put_balances(world, given, rows, drafts, report)
    report.take("usage", given.get("usage", []), partial(_usage, world), shape="usage")
    report.take("invoices", given.get("invoices", []), partial(invoices.put, world, report=report))
    for contract in [each for own in world.contracts_of.values() for each in own]:
        _begin(world, contract, report)
    return world, report


def _check(given: Any) -> None:
    if not isinstance(given, dict):
        raise ApiError(400, "Records are a JSON object of lists")
    known = {*LISTS, *NOT_MODELLED, "clock"}
    if unknown := sorted(given.keys() - known):
        raise ApiError(
            400, f"There are no records of {unknown[0][:100]}; there are {', '.join(sorted(known))}"
        )
    for name, value in given.items():
        if name != "clock" and not isinstance(value, list):
            raise ApiError(400, f"{name} must be a list of records")
    if "clock" in given and not isinstance(given["clock"], str):
        raise ApiError(400, "clock must be an RFC 3339 timestamp")


def _put_balances(world: World, given: Row, rows: list[Row], drafts: frozenset[str], report: Report) -> None:
    known = {each["id"] for own in world.contracts_of.values() for each in own}
    for row in balances.gathered(given, [each for each in rows if each["id"] in known], report):
        kind = "credits" if row["type"] == "CREDIT" else "commits"
        report.take("balances", [row], partial(balances.put, world, drafts=drafts, report=report), shape=kind)


def _usage(world: World, row: Row) -> None:
    """{customer_id, product_id, starting_at, ending_before, quantity} and the values of its groups.

    `quantity` is in the product's own units, as invoices bill it; with a `contract_id` it is for that alone.
    """
    require(world.customers, row["customer_id"], "customer")
    require(world.products, row["product_id"], "product")
    in_order(row["starting_at"], row["ending_before"])
    groups = {
        **(row.get("pricing_group_values") or {}),
        **(row.get("presentation_group_values") or {}),
    }
    if contract_id := row.get("contract_id"):
        require(world.customer_of_contract, contract_id, "contract")
    piece = {
        "contract_id": contract_id,
        "group_values": groups,
        **{name: row[name] for name in ("starting_at", "ending_before", "quantity")},
    }
    world.loaded_usage.setdefault(row["customer_id"], {}).setdefault(row["product_id"], []).append(piece)


def _begin(world: World, contract: Row, report: Report) -> None:
    """Let a loaded contract go on; one whose records don't fit together stays as it is."""
    try:
        invoices.pass_over(world, contract, report)
        contracts.foresee(world, contract)
    except (ApiError, *WRONG) as problem:
        report.leave_out("contracts", contract, f"its records don't fit together: {problem!r}"[:300])


def differences(world: World, given: Row) -> list[Row]:
    """Where the records tell another balance or total than follows from them: {kind, id, told, follows}."""
    found: list[Row] = []
    told = {
        each["id"]: each["balance"]
        for each in [*_balances_in(given)]
        if _is_named(each) and isinstance(each.get("balance"), int | float)
    }
    waiting: dict[str, Any] = {}
    for balance_id in told.keys() & world.balances.keys():
        row = world.balances[balance_id]
        drafts = waiting.setdefault(row["customer_id"], commits.waiting(world, row["customer_id"]))
        _differ(found, "balances", balance_id, told[balance_id], balance_of(world, row, waiting=drafts))
    totals = {
        each["id"]: each.get("total")
        for each in given.get("invoices", [])
        if _is_named(each) and each.get("status") == "DRAFT"
    }
    for own in world.invoices_of.values():
        for invoice in own:
            if isinstance(totals.get(invoice["id"]), int | float):
                _differ(
                    found, "invoices", invoice["id"], totals[invoice["id"]], shown(world, invoice)["total"]
                )
    return sorted(found, key=lambda each: (each["kind"], each["id"]))


def _is_named(record: Any) -> bool:
    return isinstance(record, dict) and isinstance(record.get("id"), str)


def _balances_in(given: Row) -> list[Any]:
    own = [each for each in given.get("contracts", []) if isinstance(each, dict)]
    parts = [each.get(kind) for each in own for kind in ("commits", "credits")]
    return [*(each for part in parts if isinstance(part, list) for each in part), *given.get("balances", [])]


def _differ(found: list[Row], kind: str, own_id: str, told: float, follows: float) -> None:
    if abs(told - follows) > 0.000_001:
        found.append({"kind": kind, "id": own_id, "told": told, "follows": follows})
