"""What waits to be told to the outside: notices in their two documented shapes (reference §4.4).

Each notice becomes a row of `world.outbox`; simulator.webhooks signs and sends it to every destination.
"""

from __future__ import annotations

import time
from typing import Any

from simulator.world import Row, World

CONTRACT_EVENTS = ("create", "start", "edit", "end", "archive")
BALANCE_EVENTS = ("create", "edit", "archive", "segment.start", "segment.end")
TYPES = tuple(
    [f"contract.{event}" for event in CONTRACT_EVENTS]
    + [f"{kind}.{event}" for kind in ("commit", "credit") for event in BALANCE_EVENTS]
)
MOST_WAITING = 10_000


def wrapped(world: World, kind: str, **properties: Any) -> None:
    """`{id, type, properties}`: alerts, invoice.finalized, payment gates."""
    put(world, {"type": kind, "properties": properties})


def contract_members(_world: World, row: Row) -> Row:
    """What a notification says of a contract."""
    return {"contract_id": row["id"], "contract_custom_fields": row.get("custom_fields") or {}}


def balance_members(world: World, row: Row) -> Row:
    """What a notification says of a commit or credit; nothing of a contract at customer level."""
    kind = row["kind"]
    members: Row = {f"{kind}_id": row["id"], f"{kind}_custom_fields": row.get("custom_fields") or {}}
    members[f"parent_recurring_{kind}_id"] = row.get(f"recurring_{kind}_id")
    if row["contract_id"] and (its := contract_of(world, row["customer_id"], row["contract_id"])):
        members |= contract_members(world, its)
    return members


def contract_of(world: World, customer_id: str, contract_id: str) -> Row | None:
    """The customer's contract, archived or not."""
    rows = world.contracts_of.get(customer_id, [])
    return next((each for each in rows if each["id"] == contract_id), None)


def flat(world: World, kind: str, customer_id: str, at: str, members: Row) -> Row:
    """The payload of a system or offset notification: no `properties`."""
    customer = world.customers.get(customer_id) or {}
    return {
        "type": kind,
        "timestamp": at,
        "environment_type": "SANDBOX",
        "customer_id": customer_id,
        "customer_custom_fields": customer.get("custom_fields", {}),
        **members,
    }


def put(world: World, payload: Row) -> None:
    """Queue a notice for every destination there is now, under a fresh id unless it has one.

    The queue is bounded: with nobody taking anything for long, the oldest notices are lost.
    """
    if world.destinations:
        payload = {"id": world.new_id(), **payload}
        world.notice_ids.append(payload["id"])
        del world.notice_ids[:-MOST_WAITING]
        world.outbox.append(
            {
                "queued_at": time.time(),
                "payload": payload,
                "waiting": {each["id"]: {"tries": 0, "not_before": 0.0} for each in world.destinations},
            }
        )
        del world.outbox[:-MOST_WAITING]
