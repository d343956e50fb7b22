"""Proof from Metronome's own audit log: a successful row that carries our reference (find.md, P2).

Absence proves nothing, since the log's latency is unknown.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from billing.metronome.operations.base import FindFacts, Finding, Verdict
from billing.metronome.outcomes import Halt, OutcomeUnknown, ReadFailed
from billing.metronome.records import AuditLogRecord, CustomerRecord

if TYPE_CHECKING:
    from billing.metronome.client import Answer, Gateway

CLOCK_SKEW = timedelta(minutes=5)
PAGES = 20


def read_back(gateway: Gateway, customer_id: str, answer: Answer) -> CustomerRecord:
    """The customer as it reads after a confirmed write: an answer may be an old one, replayed for the key.

    Raises OutcomeUnknown, also when the reader is turned away: the write before it was confirmed.
    """
    try:
        customer = gateway.customer(customer_id)
    except (ReadFailed, Halt) as problem:
        raise OutcomeUnknown(
            f"Metronome confirmed, but the read-back failed: {problem.message}", answer.evidence
        ) from problem
    if customer is None:
        raise OutcomeUnknown("Metronome confirmed, but does not know the customer.", answer.evidence)
    return customer


def log_rows(
    gateway: Gateway, facts: FindFacts, resource_id: str | None = None
) -> tuple[AuditLogRecord, ...]:
    """Metronome's log since shortly before the first sending; of one resource where its id is known."""
    return tuple(
        row
        for row in gateway.audit_log(starting_on=facts.first_sent_at - CLOCK_SKEW, limit_pages=PAGES)
        if resource_id is None or row.resource_id == resource_id
    )


def our_row(rows: tuple[AuditLogRecord, ...], facts: FindFacts) -> AuditLogRecord | None:
    """The successful row that carries one of our references as a whole word, if there is one."""
    for row in rows:
        words = (row.user_agent or "").split()
        if row.succeeded and words and words[0].startswith("countersign/") and words[-1] in facts.references:
            return row
    return None


def others_since(rows: tuple[AuditLogRecord, ...], facts: FindFacts) -> list[AuditLogRecord]:
    """Successful rows of others since the first sending."""
    return [
        row
        for row in rows
        if row.succeeded
        and row.timestamp >= facts.first_sent_at
        and (row.user_agent or "").split()[-1:] not in [[reference] for reference in facts.references]
    ]


def seen_customer(snapshot: dict[str, Any] | None, how: str) -> dict[str, Any]:
    """What was read of a customer, as evidence."""
    return {"read": how, "saw": snapshot}


def seen_row(row: AuditLogRecord) -> dict[str, Any]:
    """A row of Metronome's log, as evidence."""
    return {
        "read": "Metronome’s audit log",
        "saw": {
            "id": row.id,
            "timestamp": row.timestamp.isoformat(),
            "actor": row.actor_name,
            "user_agent": row.user_agent,
            "action": row.action,
            "status": row.status,
        },
    }


def still_as_before(
    gateway: Gateway, facts: FindFacts, looked: list[dict[str, Any]], *, what: str, holds: str
) -> Finding:
    """The old state stands. That is a no only if neither we nor others have written since: else, somebody
    may have set it back. `what` and `holds` are words: `the old name`, `The customer still has`.
    """
    rows = log_rows(gateway, facts, facts.params["customer_id"])
    if ours := our_row(rows, facts):
        sentence = f"Our call took effect, and {what} is back: somebody set it back."
        return Finding(Verdict.CANNOT_TELL, sentence, None, [*looked, seen_row(ours)])
    if others := others_since(rows, facts):
        sentence = f"{holds} {what}, but somebody has changed this customer since we sent."
        return Finding(Verdict.CANNOT_TELL, sentence, None, looked + [seen_row(row) for row in others[:5]])
    return Finding(Verdict.NOT_APPLIED, f"{holds} {what}.", None, looked)
