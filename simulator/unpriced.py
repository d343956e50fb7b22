"""What is kept and shown, and changes no price and no balance: the answer that takes it says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.http import Reply, Request

HEADER = "Simulator-Notice"
KEPT = {  # by the field's name, with or without `add_` or `update_` before it
    "reseller_royalties": "take nothing off",
    "payer": "every contract pays for itself",
    "usage_statement_behavior": "every contract has invoices of its own",
    "child_access": "no child draws on it",
    "overage_rate_adjustments": "a plan bills nothing by itself",
    "price_adjustments": "a plan bills nothing by itself",
    "sql": "measures what was seeded alone",
    "sql_breakdown_granularity": "changes nothing",
}
OPEN = ("custom_fields", "properties", "configuration")  # hold names of the caller's own


def tell(request: Request, reply: Reply) -> Reply:
    """The answer with a header that names what it took and doesn't price."""
    names = dict.fromkeys(_fields(request.body)) if reply.status < 300 else {}
    told = "; ".join(f"{name}: {KEPT[name]}" for name in names)
    if told:
        reply.headers = {**reply.headers, HEADER: told}
    return reply


def _fields(value: Any) -> Iterator[str]:
    """Each such field that holds something, at every depth."""
    if isinstance(value, list):
        for each in value:
            yield from _fields(each)
    elif isinstance(value, dict):
        for name, inner in value.items():
            own = name.removeprefix("add_").removeprefix("update_")
            if own in KEPT and inner not in (None, [], {}, ""):
                yield own
            if name not in OPEN:
                yield from _fields(inner)
