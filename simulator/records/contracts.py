"""Records of contracts: their terms as v2 tells them, and what of them is still to happen."""

from __future__ import annotations

from functools import partial

from simulator.agenda import plan
from simulator.api.named_schedules import key_of
from simulator.engine.contracts import contracts, links, recurring
from simulator.engine.contracts.subscriptions import bounded
from simulator.engine.contracts.terms import statement_schedule
from simulator.engine.invoices import invoicing
from simulator.records.balances import without_drafts
from simulator.records.report import Report, require
from simulator.world import Row, World

LISTS = ("overrides", "scheduled_charges", "subscriptions", "transitions", "usage_filter")
JOINED = ("commits", "credits", "has_more")


def put(world: World, row: Row, drafts: frozenset[str], report: Report) -> None:
    """One contract without its balances; `drafts` are the ids of draft invoices."""
    require(world.customers, row["customer_id"], "customer")
    contract = {
        "ending_before": None,
        "archived_at": None,
        "rate_card_id": None,
        **{name: [] for name in LISTS},
        **{name: value for name, value in row.items() if name not in JOINED and value is not None},
    }
    contract.setdefault("usage_statement_schedule", statement_schedule(None, row["starting_at"]))
    contract["subscriptions"] = [_subscription(each) for each in contract["subscriptions"]]
    for name in ("scheduled_charges", "discounts"):
        for each in contract.get(name) or []:
            each["schedule"] = without_drafts(each["schedule"], drafts)
    for name in ("recurring_commits", "recurring_credits"):
        for each in contract.get(name) or []:
            if not recurring.can_go_on(world, each):
                report.leave_out(name, each, "its product or unit is not among the records: it makes no more")
    if resellers := contract.get("reseller_royalties"):
        contract["royalty_segments"] = [each for reseller in resellers for each in reseller["segments"]]
    if trackers := contract.get("spend_trackers"):
        contract["spend_trackers"] = [
            {name: value for name, value in each.items() if name != "accumulated_spend"} for each in trackers
        ]
    if contract["rate_card_id"] and contract["rate_card_id"] not in world.rate_cards:
        report.leave_out("contracts", row, "its rate card is not among the records: usage bills nothing")
    world.contracts_of.setdefault(row["customer_id"], []).append(contract)
    world.customer_of_contract[row["id"]] = row["customer_id"]
    if key := contract.get("uniqueness_key"):
        world.uniqueness_keys.setdefault("contract", {})[key] = row["id"]


def _subscription(row: Row) -> Row:
    kept = {name: value for name, value in row.items() if name != "billing_periods" and value is not None}
    return {"ending_before": None, "custom_fields": {}, **kept}


def put_seats(world: World, given: Row, report: Report) -> None:
    """Who sits on a subscription from when on. Without records of it nobody is told by name."""
    histories: dict[str, list[Row]] = {}
    report.take("seats", given.get("seats", []), partial(_seat, world, histories))
    for rows in world.contracts_of.values():
        for subscription in (each for contract in rows for each in contract["subscriptions"]):
            if subscription.get("quantity_management_mode") != "SEAT_BASED":
                continue
            entries = histories.get(subscription["id"])
            if entries is None:
                report.leave_out("seats", subscription, "who sits there is not among the records")
                entries = [
                    {"starting_at": each["starting_at"], "seat_ids": [], "unassigned": int(each["quantity"])}
                    for each in subscription["quantity_schedule"]
                ]
            subscription["seat_schedule"] = sorted(entries, key=lambda each: each["starting_at"])
            if not subscription.get("quantity_schedule"):
                subscription["quantity_schedule"] = bounded(
                    [
                        {
                            "starting_at": each["starting_at"],
                            "quantity": len(each["seat_ids"]) + each["unassigned"],
                        }
                        for each in subscription["seat_schedule"]
                    ]
                )


def _seat(world: World, histories: dict[str, list[Row]], row: Row) -> None:
    require(world.customer_of_contract, row["contract_id"], "contract")
    histories.setdefault(row["subscription_id"], []).append(
        {
            "starting_at": row["starting_at"],
            "seat_ids": row["assigned_seat_ids"],
            "unassigned": int(row["total_quantity"]) - len(row["assigned_seat_ids"]),
        }
    )


def put_schedule(world: World, row: Row) -> None:
    """A named schedule of a contract, a customer or a rate card: whichever it names."""
    owners = {"contract_id": "contract", "customer_id": "customer", "rate_card_id": "rate_card"}
    name = next(each for each in owners if row.get(each))
    known = {
        "contract": world.customer_of_contract,
        "customer": world.customers,
        "rate_card": world.rate_cards,
    }
    require(known[owners[name]], row[name], owners[name].replace("_", " "))
    world.named_schedules[key_of(owners[name], row[name], row)] = {
        "kind": owners[name],
        "owner_id": row[name],
        "schedule_name": row["schedule_name"],
        "properties": row.get("properties") or {},
        "segments": row["segments"],
    }


def foresee(world: World, contract: Row) -> None:
    """Plan what the contract's terms have still in store."""
    now = world.stamp()
    if contract["archived_at"]:
        return
    if contract["starting_at"] > now:
        plan(world, contract["starting_at"], "contract.start", contract_id=contract["id"])
    if (contract.get("ending_before") or "") > now:
        contracts.plan_end(world, contract)
    for each in contract.get("billing_provider_configuration_schedule") or []:
        if each["effective_at"] > now:
            links.plan_provider(world, contract, each["effective_at"])
    for each in contract["transitions"]:
        known = {
            each.get("from_contract_id"),
            each.get("to_contract_id"),
        } <= world.customer_of_contract.keys()
        if each.get("to_contract_id") == contract["id"] and contract["starting_at"] > now and known:
            ids = {"old_id": each["from_contract_id"], "new_id": contract["id"]}
            plan(world, contract["starting_at"], "contract.renewal", **ids)
    recurring.resume(world, contract)
    invoicing.begin(world, contract)
