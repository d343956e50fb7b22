"""What the account tells the outside: notifications in their two documented shapes (reference §4.4).

Each notice becomes a row of `world.outbox`; simulator.webhooks signs and sends it to every destination.
System notifications (contract, commit and credit events) are off until switched on per type; others are on.
"""

from __future__ import annotations

from typing import Any

from simulator.world import Row, World


def wrapped(world: World, kind: str, **properties: Any) -> None:
    """`{id, type, properties}`: alerts, invoice.finalized, payment gates."""
    _put(world, {"id": world.new_id(), "type": kind, "properties": properties})


def flat(world: World, kind: str, customer_id: str | None, **members: Any) -> None:
    """A system notification: no `properties`, sent only while its type is switched on."""
    if not world.system_notifications.get(kind):
        return
    customer = world.customers.get(customer_id or "") or {}
    _put(
        world,
        {
            "id": world.new_id(),
            "type": kind,
            "timestamp": world.stamp(),
            "environment_type": "SANDBOX",
            "customer_id": customer_id,
            "customer_custom_fields": customer.get("custom_fields", {}),
            **members,
        },
    )


def contract(world: World, event: str, row: Row) -> None:
    """`contract.create`, `.start`, `.edit`, `.end` or `.archive`; `event` is the last part."""
    flat(
        world,
        f"contract.{event}",
        row["customer_id"],
        contract_id=row["id"],
        contract_custom_fields=row.get("custom_fields") or {},
    )


def balance(world: World, event: str, row: Row, **segment: Any) -> None:
    """A commit's or credit's `create`, `edit`, `archive`, `segment.start` or `segment.end`.

    `row` is a record of `world.commits`; `segment` are segment_id, segment_index and segment_count.
    """
    kind = row["kind"]
    members: Row = {f"{kind}_id": row["id"], f"{kind}_custom_fields": row.get("custom_fields") or {}}
    members[f"parent_recurring_{kind}_id"] = row.get(f"recurring_{kind}_id")
    if row["contract_id"]:
        members["contract_id"] = row["contract_id"]
    flat(world, f"{kind}.{event}", row["customer_id"], **members, **segment)


def invoice_finalized(world: World, invoice: Row) -> None:
    """`invoice.finalized`, wrapped."""
    wrapped(
        world,
        "invoice.finalized",
        invoice_id=invoice["id"],
        customer_id=invoice["customer_id"],
        invoice_finalized_date=invoice["issued_at"],
    )


def _put(world: World, payload: Row) -> None:
    if world.destinations:
        world.outbox.append({"at": world.stamp(), "payload": payload})
