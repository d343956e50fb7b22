"""Is the world still what was approved? Read live by the preflight and again right before each write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from billing.changes.applying.guards import taken_aliases
from billing.changes.asking.survey import is_open_contract, is_open_plan
from billing.changes.models import CallStatus, ChangeRequest
from billing.changes.moves import database_now
from billing.changes.sealed import SealedRequest
from billing.metronome.client import Gateway
from billing.metronome.records import CustomerRecord


@dataclass(frozen=True, slots=True)
class Moved:
    """A difference that makes a request stale, in a sentence for people."""

    sentence: str


def differences(
    gateway: Gateway, request: SealedRequest, *, applied_calls: int, most_guard_requests: int | None = None
) -> list[Moved]:
    """What moved since submit, with the effects of the calls already applied folded in.

    Also asks who holds each added alias, active and archived: Metronome may move it without a word.
    Only an early check may set most_guard_requests: what is about to be sent asks for every one.
    Raises GatewayError when Metronome can't be read: then nothing is known, and nothing may be sent.
    """
    moved: list[Moved] = []
    if request.customer_id is not None:
        moved += _customer_moves(gateway, request, applied_calls)
    if applied_calls == 0:
        moved += [
            Moved(f"“{alias}” is held by {holder.name} ({holder.id}){_state(holder)} by now.")
            for alias, holder in taken_aliases(gateway, request, most_requests=most_guard_requests).items()
        ]
    return moved


def applied_count(change: ChangeRequest) -> int:
    """How many calls, from the first on, have taken effect."""
    return change.calls.filter(status=CallStatus.APPLIED).count()


def _customer_moves(gateway: Gateway, request: SealedRequest, applied_calls: int) -> list[Moved]:
    customer = gateway.customer(request.customer_id)
    if customer is None:
        return [Moved("Metronome no longer knows this customer.")]
    expected = dict(request.watched)
    folded = request.calls[applied_calls].before if applied_calls < len(request.calls) else request.after
    for field in ("name", "ingest_aliases", "archived_at", "custom_fields"):
        if field in expected and folded is not None:
            expected[field] = folded[field]
    moved = []
    for field, before in sorted(expected.items()):
        live = _live(gateway, customer, field)
        if _same(field, before, live):
            continue
        moved.append(Moved(_sentence(field, before, live)))
    if moved and applied_calls == 0 and _is_as_asked(request, customer):
        moved.append(Moved("The customer is already as this request asks."))
    return moved


def _is_as_asked(request: SealedRequest, customer: CustomerRecord) -> bool:
    """Whether somebody has done the same already, or we have, and our record of it was lost."""
    asked, live = request.after, customer.as_snapshot()
    return asked is not None and (
        asked["name"] == live["name"]
        and _same("ingest_aliases", asked["ingest_aliases"], live["ingest_aliases"])
        and bool(asked["archived_at"]) == bool(live["archived_at"])
    )


def _live(gateway: Gateway, customer: CustomerRecord, field: str) -> Any:
    if field in ("name", "ingest_aliases", "archived_at", "custom_fields"):
        return customer.as_snapshot()[field]
    now = database_now()
    if field == "open_contracts":
        return sorted(c.id for c in gateway.contracts(customer.id) if is_open_contract(c, now))
    if field == "open_plans":
        return sorted(p.id for p in gateway.customer_plans(customer.id) if is_open_plan(p, now))
    if field == "finalized_invoices":
        return sorted(i.id for i in gateway.invoices(customer.id) if i.status.upper() == "FINALIZED")
    raise ValueError(f"nothing is known about watching {field}")


def _same(field: str, before: Any, live: Any) -> bool:
    if field == "ingest_aliases":
        return set(before) == set(live)
    return before == live


LABELS = {
    "name": "name",
    "archived_at": "archived state",
    "ingest_aliases": "ingest aliases",
    "custom_fields": "custom fields",
    "open_contracts": "open contracts",
    "open_plans": "open plans",
    "finalized_invoices": "finalized invoices",
}


def _sentence(field: str, before: Any, live: Any) -> str:
    label = LABELS[field]
    if isinstance(before, list) and isinstance(live, list):
        gone = [str(item) for item in before if item not in live]
        new = [str(item) for item in live if item not in before]
        parts = [f"{len(new)} more ({_some(new)})"] if new else []
        parts += [f"{len(gone)} fewer ({_some(gone)})"] if gone else []
        return f"The {label} changed in Metronome: {', '.join(parts)}."
    if field == "archived_at":
        return (
            f"The customer was archived in Metronome at {live}." if live else "The customer is not archived."
        )
    return f"The {label} changed in Metronome: it was “{before}”, now it is “{live}”."


def _some(items: list[str]) -> str:
    return ", ".join(items[:3]) + (", …" if len(items) > 3 else "")


def _state(holder: CustomerRecord) -> str:
    return ", which is archived," if holder.archived_at else ""
