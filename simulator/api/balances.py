"""Balances of a customer: commits and credits together, their sum, and manual entries. Reference §3.6."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metronome.types.v1.contract_add_manual_balance_entry_params import ContractAddManualBalanceEntryParams
from metronome.types.v1.contract_get_net_balance_params import ContractGetNetBalanceParams
from metronome.types.v1.contract_list_balances_params import ContractListBalancesParams

from simulator.amounts import exact, plain, total
from simulator.api import customers
from simulator.checks import uuid_of
from simulator.engine.balances.ledger import NO_CURRENCY, enter, segments_of
from simulator.engine.contracts import commits
from simulator.engine.prices.schedules import credit_type
from simulator.http import ApiError, Reply, Request
from simulator.paging import body_page
from simulator.routing import route
from simulator.world import Row, World

MOST = 25


def found(world: World, customer_id: str, balance_id: Any, name: str, *kinds: str) -> Row:
    """A customer's commit or credit, archived or not. Raises ApiError 404."""
    row = world.balances.get(uuid_of(balance_id, name))
    if row is None or row["customer_id"] != customer_id or row["kind"] not in kinds:
        raise ApiError(404, f"The specified {' or '.join(kinds)} was not found", code="NotFound")
    return row


def listed(world: World, request: Request, wanted: str, contracts: str, *kinds: str) -> Reply:
    """A page of balances. `wanted` and `contracts` are how this list calls its filters by id and contract."""
    given = request.given
    customer = customers.found(world, given["customer_id"])
    wanted_id = uuid_of(given[wanted], wanted) if wanted in given else None
    balance, ledger = given.get("include_balance", False), given.get("include_ledgers", False)
    is_asked = balance or ledger or given.get("exclude_zero_balances")
    drafts = commits.waiting(world, customer["id"]) if is_asked else {}

    def left(row: Row) -> float:
        return commits.balance_of(world, row, waiting=drafts)

    def keep(row: Row) -> bool:
        return (
            row["kind"] in kinds
            and wanted_id in (None, row["id"])
            and (given.get(contracts, False) or not row["contract_id"])
            and (given.get("include_archived", False) or not commits.is_archived(world, row))
            and given.get("access_type") in (None, row["access_schedule"]["access_type"])
            and _in_time(row, given)
            and not (given.get("exclude_zero_balances") and left(row) == 0)
        )

    return Reply(
        200,
        body_page(
            request,
            commits.of_customer(world, customer["id"]),
            cursor="next_page",
            most=MOST,
            keep=keep,
            show=lambda row: commits.show(world, row, balance, ledger, drafts),
        ),
    )


def archived(world: World, request: Request, kind: str) -> Reply:
    """Archive one commit or credit, of a contract or of the customer itself, as v2 does."""
    customer_id = customers.known_to_v2(world, request.given["customer_id"])
    row = world.balances.get(uuid_of(request.given[f"{kind}_id"], f"{kind}_id"))
    if row is None or (row["customer_id"], row["kind"]) != (customer_id, kind):
        raise ApiError(400, f"{kind.capitalize()} not found", code=f"{kind.capitalize()}NotFound")
    return carried_out(world, request, row, "archive", lambda: commits.archive(world, row))


def created(world: World, request: Request, kind: str) -> Reply:
    """Make a commit or credit of the customer itself."""
    customer = customers.found(world, request.given["customer_id"])
    row = commits.prepare(world, request, customer["id"], request.given, kind)
    commits.store(world, row)
    world.happened(request, resource=(kind, row["id"]), action="create", after=commits.show(world, row))
    return Reply(200, {"data": {"id": row["id"]}})


def named(world: World, request: Request, kind: str) -> Row:
    """The commit or credit that v1's routes name, of the customer that they name. Raises ApiError 404."""
    customer = customers.found(world, request.given["customer_id"])
    return found(world, customer["id"], request.given[f"{kind}_id"], f"{kind}_id", kind)


def carried_out(world: World, request: Request, row: Row, action: str, change: Callable[[], object]) -> Reply:
    """Change a commit or credit, and note how it was shown before and after."""
    before = commits.show(world, row)
    change()
    after = commits.show(world, row)
    world.happened(request, resource=(row["kind"], row["id"]), action=action, before=before, after=after)
    return Reply(200, {"data": {"id": row["id"]}})


def _in_time(row: Row, given: Row) -> bool:
    """Whether one of its segments covers the date, and any lies on or after, or before the others."""
    on, since, before = given.get("covering_date"), given.get("starting_at"), given.get("effective_before")
    segments = segments_of(row)
    return (
        (on is None or any(each["starting_at"] <= on < each["ending_before"] for each in segments))
        and (since is None or any(each["ending_before"] > since for each in segments))
        and (before is None or any(each["starting_at"] < before for each in segments))
    )


@route("POST /v1/contracts/customerBalances/list", ContractListBalancesParams)
def list_balances(world: World, request: Request) -> Reply:
    return listed(world, request, "id", "include_contract_balances", "commit", "credit")


@route("POST /v1/contracts/customerBalances/getNetBalance", ContractGetNetBalanceParams)
def get_net_balance(world: World, request: Request) -> Reply:
    """What is left in one currency; drafts count as if they were final unless told otherwise."""
    given = request.given
    customer = customers.found(world, given["customer_id"])
    access_type = given.get("access_type", "SPEND")
    if access_type == "QUANTITY" and "credit_type_id" in given:
        raise ApiError(400, "credit_type_id can't be combined with access_type QUANTITY")
    unit = credit_type(world, given.get("credit_type_id")) if access_type == "SPEND" else None
    filters = given.get("filters") or [{}]
    drafts = given.get("invoice_inclusion_mode", "FINALIZED_AND_DRAFT") == "FINALIZED_AND_DRAFT"
    pending = commits.waiting(world, customer["id"]) if drafts else {}
    left = [
        commits.balance_of(world, row, waiting=pending)
        for row in commits.of_customer(world, customer["id"])
        if not commits.is_archived(world, row)
        and row["access_schedule"]["access_type"] == access_type
        and row["access_schedule"]["credit_type"] == unit
        and any(_passes(row, each) for each in filters)
    ]
    shown = {"balance": total(left), "credit_type_id": unit["id"] if unit else NO_CURRENCY}
    return Reply(200, {"data": shown})


def _passes(row: Row, given: Row) -> bool:
    """Every condition of one filter."""
    kind = "CREDIT" if row["kind"] == "credit" else f"{row['type']}_COMMIT"
    return (
        kind in (given.get("balance_types") or [kind])
        and row["id"] in ([each.lower() for each in given.get("ids") or []] or [row["id"]])
        and (given.get("custom_fields") or {}).items() <= row["custom_fields"].items()
    )


@route("POST /v1/contracts/addManualBalanceLedgerEntry", ContractAddManualBalanceEntryParams, writes=True)
def add_manual_balance_entry(world: World, request: Request) -> Reply:
    """Add to a segment, or take away; below zero its balance is 0. Empty answer."""
    given = request.given
    customer = customers.found(world, given["customer_id"])
    row = found(world, customer["id"], given["id"], "id", "commit", "credit")
    contract_id = uuid_of(given["contract_id"], "contract_id") if "contract_id" in given else None
    if row["contract_id"] != contract_id:
        raise ApiError(404, "The specified balance was not found on this contract", code="NotFound")
    if commits.is_archived(world, row):
        raise ApiError(400, f"The {row['kind']} is archived")
    segment_id = uuid_of(given["segment_id"], "segment_id")
    segment = next((each for each in segments_of(row) if each["id"] == segment_id), None)
    if segment is None:
        raise ApiError(404, "The specified segment was not found", code="NotFound")
    at = given.get("timestamp", segment["starting_at"])
    if not segment["starting_at"] <= at < segment["ending_before"]:
        raise ApiError(400, "timestamp must lie within the segment")
    shares = _shares(row, given)
    world.refuse_claimed("manual_entry", given.get("uniqueness_key"))
    before = commits.balance_of(world, row)
    enter(row, "MANUAL", segment, exact(given["amount"]), at, reason=given["reason"], **shares)
    world.claim("manual_entry", given.get("uniqueness_key"), row["id"])
    world.happened(
        request,
        resource=(row["kind"], row["id"]),
        action="add_manual_balance_entry",
        before={"balance": before},
        after={"balance": commits.balance_of(world, row), "entry": row["ledger"][-1]},
    )
    return Reply(200)


def _shares(row: Row, given: Row) -> Row:
    """How a manual entry falls on seats."""
    if "per_group_amounts" not in given:
        return {}
    if (row["subscription_config"] or {}).get("allocation") != "INDIVIDUAL":
        raise ApiError(400, "per_group_amounts requires a balance that is allocated to single seats")
    if total(given["per_group_amounts"].values()) != plain(given["amount"]):
        raise ApiError(400, "per_group_amounts must sum to amount")
    return {"per_group_amounts": given["per_group_amounts"]}
