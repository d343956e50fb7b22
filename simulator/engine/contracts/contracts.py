"""A contract's life: begun, edited, ended, archived.

A stored contract has the v2 shape without its commits and credits, which are joined when it is shown, and
with members of our own (contract_views.OWN). `world.edits_of` keeps of every edit what the API tells of it
under `edit`, and under `before` the contract as it was, so that it can be shown as of a date.
"""

from __future__ import annotations

import copy

from simulator import notices
from simulator.agenda import due, plan
from simulator.checks import in_order, on_the_hour
from simulator.engine.contracts import commits, recurring
from simulator.engine.contracts.contract_views import balances
from simulator.engine.contracts.drafts import Draft
from simulator.engine.invoices import invoicing
from simulator.http import ApiError
from simulator.world import Row, World


def begin(world: World, contract: Row) -> None:
    """A contract has been stored: plan its start and its end, and its invoices."""
    plan(world, contract["starting_at"], "contract.start", contract_id=contract["id"])
    plan_end(world, contract)
    invoicing.begin(world, contract)


def plan_end(world: World, contract: Row) -> None:
    """Put a contract's end on the agenda."""
    if contract.get("ending_before"):
        plan(world, contract["ending_before"], "contract.end", contract_id=contract["id"])


def _planned(world: World, contract_id: str) -> Row:
    return next(
        each
        for each in world.contracts_of[world.customer_of_contract[contract_id]]
        if each["id"] == contract_id
    )


@due("contract.start")
def start(world: World, *, contract_id: str) -> None:
    """Tell that it has started."""
    contract = _planned(world, contract_id)
    if not contract["archived_at"]:
        notices.contract(world, "start", contract)


@due("contract.end")
def end(world: World, *, contract_id: str) -> None:
    """Tell that it has ended, unless its end was moved meanwhile."""
    contract = _planned(world, contract_id)
    if not contract["archived_at"] and contract.get("ending_before") == world.stamp():
        notices.contract(world, "end", contract)


def refuse_end(world: World, contract: Row, ending_before: str | None, *, may_cut: bool) -> None:
    """Raise ApiError 400 for an end that can't be, or cuts a finalized invoice where that is forbidden."""
    on_the_hour(ending_before, "ending_before")
    in_order(contract["starting_at"], ending_before)
    if may_cut or ending_before is None:
        return
    for invoice in world.invoices_of.get(contract["customer_id"], []):
        if (
            invoice.get("contract_id") == contract["id"]
            and invoice["status"] == "FINALIZED"
            and invoice.get("end_timestamp", "") > ending_before
        ):
            raise ApiError(400, "The contract can't end before an invoice that is finalized")


def set_end(contract: Row, ending_before: str | None) -> None:
    """Give a copy of it a new end: an earlier one cuts its terms off, a later one extends none."""
    contract["ending_before"] = ending_before
    if ending_before is None:
        return
    contract["overrides"] = [each for each in contract["overrides"] if each["starting_at"] < ending_before]
    for name in ("overrides", "subscriptions", "recurring_commits", "recurring_credits"):
        for each in contract.get(name, []):
            if each.get("ending_before") and each["ending_before"] > ending_before:
                each["ending_before"] = ending_before
    for name in ("scheduled_charges", "discounts"):
        for each in contract.get(name, []):
            cut_schedule(each["schedule"], ending_before)


def edited(world: World, contract: Row, row: Row, members: Row, draft: Draft | None = None) -> Row:
    """Make a contract what its checked copy says; returns the edit, as the history tells of it.

    `members` are the edit's own, `draft` what it adds. Nothing is refused.
    """
    before = copy.deepcopy(contract)
    contract.clear()
    contract.update(row)
    if draft is not None:
        draft.store(contract)
    if contract.get("ending_before") != before.get("ending_before"):
        plan_end(world, contract)
        for each in balances(world, contract):
            if not each["archived_at"]:
                each["expired_at"] = contract["ending_before"]
            if contract["ending_before"] and each["invoice_schedule"]:
                cut_schedule(each["invoice_schedule"], contract["ending_before"])
    told = {name: value for name, value in members.items() if value is not None}
    edit = {"id": world.new_id(), "timestamp": world.stamp(), **told}
    world.edits_of.setdefault(contract["id"], []).append({"edit": edit, "before": before})
    recurring.seats_changed(world, contract)
    invoicing.refresh(world, contract)
    notices.contract(world, "edit", contract)
    return edit


def cut_schedule(schedule: Row, ending_before: str) -> None:
    """Take the items after an end out of a shown schedule, save those that have an invoice."""
    schedule["schedule_items"] = [
        each
        for each in schedule.get("schedule_items", [])
        if each["timestamp"] <= ending_before or each.get("invoice_id")
    ]


def archive(world: World, contract: Row, *, void_invoices: bool) -> None:
    """End it for good with its commits, credits and open invoices; finalized ones too where asked."""
    contract["archived_at"] = world.stamp()
    invoicing.close(world, contract, void_invoices)
    for row in balances(world, contract):
        if not row["archived_at"]:
            commits.archive(world, row, with_contract=True)
    notices.contract(world, "archive", contract)
