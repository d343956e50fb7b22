"""Credit grants of customers on plans: their ledgers, their invoices, and what rolls over when they expire.

A grant keeps in `entries` only what moved; the grant itself and what expires unused are worked out when they
are asked for, so the entries always sum to the balance.
"""

from __future__ import annotations

from decimal import Decimal

from simulator import notices
from simulator.agenda import due, plan
from simulator.amounts import exact, plain
from simulator.world import Row, World

SYSTEM = "Metronome System"
INVOICE_TYPE = "CREDIT_PURCHASE"


def store(world: World, grant: Row) -> None:
    """Put a grant into the world, with its expiry and its invoice."""
    world.claim("credit_grant", grant["uniqueness_key"], grant["id"])
    world.credit_grants[grant["id"]] = grant
    plan(world, grant["expires_at"], "credit_grant.expire", grant_id=grant["id"])
    if grant["invoice_date"] and grant["paid_amount"]["amount"]:
        if grant["invoice_date"] <= world.stamp():
            _invoice(world, grant)
        else:
            plan(world, grant["invoice_date"], "credit_grant.invoice", grant_id=grant["id"])


def update(world: World, grant: Row, changed: Row) -> None:
    """Change some members; a new expiry takes the place of the old one."""
    grant.update(changed)
    if "expires_at" in changed:
        plan(world, grant["expires_at"], "credit_grant.expire", grant_id=grant["id"])


def left(grant: Row) -> Decimal:
    """What the entries leave of the granted amount, in force or not."""
    moved = (exact(each["amount"]) for each in grant["entries"])
    return sum(moved, exact(grant["grant_amount"]["amount"]))


def deductions(grant: Row, at: str) -> list[Row]:
    """What was taken away until an instant, its expiry included, oldest first."""
    taken = [each for each in grant["entries"] if each["effective_at"] <= at]
    unused = left(grant)
    if grant["expires_at"] <= at and unused > 0:
        taken.append(entry(grant, -unused, grant["expires_at"], "Credit grant expired", SYSTEM))
    return sorted(taken, key=lambda each: each["effective_at"])


def entry(grant: Row, amount: Decimal, at: str, reason: str, by: str) -> Row:
    """One movement, yet without a running balance."""
    return {
        "amount": plain(amount),
        "effective_at": at,
        "reason": reason,
        "created_by": by,
        "credit_grant_id": grant["id"],
    }


def running(entries: list[Row], start: Decimal = Decimal(0)) -> list[Row]:
    """The entries, each with the balance after it."""
    told = []
    for each in entries:
        start += exact(each["amount"])
        told.append(each | {"running_balance": plain(start)})
    return told


def history(grant: Row, at: str) -> list[Row]:
    """Everything that moved until an instant, the grant itself first."""
    if grant["effective_at"] > at:
        return []
    amount = exact(grant["grant_amount"]["amount"])
    first = entry(
        grant, amount, grant["effective_at"], grant["reason"] or "Credit grant", grant["created_by"]
    )
    if grant["invoice_id"]:
        first["invoice_id"] = grant["invoice_id"]
    return [first, *deductions(grant, at)]


@due("credit_grant.invoice")
def _invoice_due(world: World, *, grant_id: str) -> None:
    if not world.credit_grants[grant_id]["voided_at"]:
        _invoice(world, world.credit_grants[grant_id])


def _invoice(world: World, grant: Row) -> None:
    """The purchase is billed at once and whole."""
    paid = grant["paid_amount"]
    line = {
        "name": grant["name"],
        "type": "credit_purchase",
        "quantity": 1,
        "unit_price": paid["amount"],
        "total": paid["amount"],
        "credit_type": paid["credit_type"],
    }
    invoice = {
        "id": world.new_id(),
        "customer_id": grant["customer_id"],
        "status": "FINALIZED",
        "type": INVOICE_TYPE,
        "credit_type": paid["credit_type"],
        "subtotal": paid["amount"],
        "total": paid["amount"],
        "line_items": [line],
        "issued_at": world.stamp(),
        "billable_status": "billable",
    }
    world.invoices_of.setdefault(grant["customer_id"], []).append(invoice)
    grant["invoice_id"] = invoice["id"]
    world.happened_by_itself(("invoice", invoice["id"]), "finalize")
    notices.invoice_finalized(world, invoice)


@due("credit_grant.expire")
def _expire(world: World, *, grant_id: str) -> None:
    """Roll over what the grant's settings let through; the rest expires."""
    grant = world.credit_grants[grant_id]
    settings, at = grant["rollover_settings"], grant["expires_at"]
    if grant["voided_at"] or not settings or at > world.stamp() or grant["rolled_over"]:
        return
    most = exact(settings["rollover_amount"]["value"])
    if settings["rollover_amount"]["type"] == "MAX_PERCENTAGE":
        most *= exact(grant["grant_amount"]["amount"])
    rolled = exact(plain(min(left(grant), most)))
    grant["rolled_over"] = True
    if rolled <= 0 or settings["expires_at"] <= at:
        return
    grant["entries"].append(entry(grant, -rolled, at, "Credit grant rolled over", SYSTEM))
    new = grant | {
        "id": world.new_id(),
        "grant_amount": {**grant["grant_amount"], "amount": plain(rolled)},
        "paid_amount": {**grant["paid_amount"], "amount": 0},
        "effective_at": at,
        "expires_at": settings["expires_at"],
        "priority": settings["priority"],
        "entries": [],
        "uniqueness_key": None,
        "invoice_id": None,
        "invoice_date": None,
        "rollover_settings": None,
        "rolled_over": False,
        "created_by": SYSTEM,
    }
    store(world, new)
