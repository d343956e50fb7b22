"""What the account tells the outside of contracts, balances and invoices.

System notifications (contract, commit and credit events) are off until switched on per type; others are on.
"""

from __future__ import annotations

from typing import Any

from simulator import offsets
from simulator.outbox import TYPES, balance_members, contract_members, flat, put, wrapped
from simulator.world import Row, World

__all__ = ["TYPES", "balance", "contract", "invoice_finalized", "provider_error", "put", "wrapped"]


def contract(world: World, event: str, row: Row) -> None:
    """`contract.create`, `.start`, `.edit`, `.end` or `.archive`; `event` is the last part."""
    _system(world, f"contract.{event}", row["customer_id"], contract_members(world, row))
    if event in ("create", "edit"):
        offsets.foresee_contract(world, row)


def balance(world: World, event: str, row: Row, **segment: Any) -> None:
    """A commit's or credit's `create`, `edit`, `archive`, `segment.start` or `segment.end`.

    `row` is a record of `world.balances`; `segment` are segment_id, segment_index and segment_count.
    """
    _system(world, f"{row['kind']}.{event}", row["customer_id"], balance_members(world, row) | segment)
    if event in ("create", "edit"):
        offsets.foresee_balance(world, row)


def invoice_finalized(world: World, invoice: Row) -> None:
    """`invoice.finalized`, wrapped."""
    wrapped(
        world,
        "invoice.finalized",
        invoice_id=invoice["id"],
        customer_id=invoice["customer_id"],
        invoice_finalized_date=invoice["issued_at"],
    )


def provider_error(world: World, invoice: Row, error: str, code: str) -> None:
    """`invoice.billing_provider_error` of Stripe, and `integration.issue`, which names no customer."""
    wrapped(
        world,
        "invoice.billing_provider_error",
        invoice_id=invoice["id"],
        customer_id=invoice["customer_id"],
        billing_provider="STRIPE",
        billing_provider_error=error,
    )
    told = {"integration": "stripe", "error": error, "error_code": code, "timestamp": world.stamp()}
    wrapped(world, "integration.issue", **told)


def _system(world: World, kind: str, customer_id: str, members: Row) -> None:
    """Sent while its type is switched on; offset notifications that count from it are planned anyway."""
    if world.system_notifications.get(kind) or world.notifications:
        payload = flat(world, kind, customer_id, world.stamp(), members)
        if world.system_notifications.get(kind):
            put(world, payload)
        offsets.follow(world, payload)
