"""A contract that renews another: the old one ends where the new one starts, and balances roll over.

What of a commit or credit rolls over is what is left when the new contract starts, less what the old one's
last drafts are about to draw by the usage known then, and at most its `rollover_fraction` of the original
amount. It becomes a commit or credit of the new contract, for as long as that lasts, or a year where it has
no end.
"""

from __future__ import annotations

import copy
from decimal import Decimal

from simulator.agenda import due, months_later, plan
from simulator.amounts import exact, plain
from simulator.engine.balances.ledger import Waiting, enter, left, segments_of
from simulator.engine.contracts import commits, contracts
from simulator.engine.contracts.commit_terms import blank, contract_of
from simulator.engine.contracts.contract_views import balances
from simulator.engine.invoices import invoicing
from simulator.world import Row, World

CARRIED = ("product", "name", "description", "priority", "rate_type", "applicable_product_ids")
CARRIED += ("applicable_product_tags", "specifiers", "hierarchy_configuration", "custom_fields")


def renew(world: World, old: Row, new: Row, given: Row) -> None:
    """Tie both together, end the old one, and plan what rolls over. Both are stored and checked.

    True-ups that the old one's end would cut are billed as they are, unless the transition removes them.
    """
    postpaid = [each for each in balances(world, old) if each["type"] == "POSTPAID"]
    owed = [list(each["invoice_schedule"]["schedule_items"]) for each in postpaid]
    transition = {"type": "RENEWAL", "from_contract_id": old["id"], "to_contract_id": new["id"]}
    new["transitions"].append(transition)
    row = copy.deepcopy(old)
    row["transitions"].append(dict(transition))
    if not (row.get("ending_before") and row["ending_before"] <= new["starting_at"]):
        contracts.set_end(row, new["starting_at"])
        contracts.edited(world, old, row, {"update_contract_end_date": new["starting_at"]})
    else:
        old["transitions"] = row["transitions"]
    for each, items in zip(postpaid, owed, strict=True):
        if given.get("future_invoice_behavior", {}).get("trueup") == "REMOVE":
            items = [
                item for item in items if item["timestamp"] < new["starting_at"] or item.get("invoice_id")
            ]
        each["invoice_schedule"]["schedule_items"] = items
    plan(world, new["starting_at"], "contract.renewal", old_id=old["id"], new_id=new["id"])


@due("contract.renewal")
def roll_over(world: World, *, old_id: str, new_id: str) -> None:
    """The new contract starts: move to it what rolls over of the old one's balances."""
    customer_id = world.customer_of_contract[new_id]
    old, new = (contract_of(world, customer_id, each) for each in (old_id, new_id))
    if old is None or new is None or old["archived_at"] or new["archived_at"]:
        return
    invoicing.cut_drafts(world, old)
    drafts = commits.waiting(world, customer_id)
    for row in balances(world, old):
        if row["rollover_fraction"] and not row["archived_at"]:
            _roll(world, row, new, drafts)


def _roll(world: World, row: Row, new: Row, drafts: Waiting) -> None:
    at, rolled = new["starting_at"], Decimal(0)
    for segment in segments_of(row):
        if segment["starting_at"] < at <= segment["ending_before"]:
            unspent = left(row, segment, waiting=drafts)
            part = exact(plain(min(unspent, exact(segment["amount"]) * exact(row["rollover_fraction"]))))
            if part > 0:
                enter(row, "ROLLOVER", segment, -part, at, new_contract_id=new["id"])
                rolled += part
    if not rolled:
        return
    made = blank(world, row["customer_id"], row["kind"], new)
    made |= {name: copy.deepcopy(row[name]) for name in CARRIED}
    segment = {
        "id": world.new_id(),
        "amount": plain(rolled),
        "starting_at": at,
        "ending_before": new.get("ending_before") or months_later(at, 12),
    }
    made |= {
        "type": row["type"],
        "rolled_over_from": {f"{row['kind']}_id": row["id"], "contract_id": row["contract_id"]},
        "access_schedule": {**row["access_schedule"], "schedule_items": [segment]},
    }
    if row["type"] == "POSTPAID":
        made["invoice_schedule"] = {**row["invoice_schedule"], "schedule_items": [_true_up(world, segment)]}
    commits.store(world, made)


def _true_up(world: World, segment: Row) -> Row:
    """What is still owed of a rolled over postpaid commit is billed when that ends."""
    amount = segment["amount"]
    return {
        "id": world.new_id(),
        "timestamp": segment["ending_before"],
        "unit_price": amount,
        "quantity": 1,
        "amount": amount,
    }
