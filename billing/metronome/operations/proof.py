"""Proof from Metronome's own audit log: a successful row that carries our reference (find.md, P2).

Absence proves nothing, since the log's latency is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from billing.metronome.calls import Answer
from billing.metronome.objects.audit_log import AuditLogRecord, LogReading, log_since
from billing.metronome.objects.customer import CustomerRecord, read_customer
from billing.metronome.operations.base import FindFacts, Finding, Proof
from billing.metronome.outcomes import Halt, OutcomeUnknown, ReadFailed

if TYPE_CHECKING:
    from billing.metronome.account import Gateway

T = TypeVar("T")

CLOCK_SKEW = timedelta(minutes=5)
LATEST_EFFECT = timedelta(hours=1)
"""So long after its sending a call takes effect at the latest, with much to spare beyond the settle time."""
RESOURCE = "customer"
"""How Metronome's log names the kind of thing that all our operations write."""
PAGES, TAIL_PAGES = 10, 2
"""So many pages of 100 rows are read of a customer's log from the sending on, and so many from its end."""


def read_back(gateway: Gateway, customer_id: str, answer: Answer) -> CustomerRecord:
    """The customer as it reads after a confirmed write: an answer may be an old one, replayed for the key.

    Raises OutcomeUnknown, also when the reader is turned away: the write before it was confirmed.
    """
    customer = reread(lambda: read_customer(gateway, customer_id), answer)
    if customer is None:
        raise OutcomeUnknown("Metronome confirmed, but does not know the customer.", answer.evidence)
    return customer


def reread(read: Callable[[], T], answer: Answer) -> T:
    """What is read after a confirmed write. Raises OutcomeUnknown where it can't be read."""
    try:
        return read()
    except (ReadFailed, Halt) as problem:
        raise OutcomeUnknown(
            f"Metronome confirmed, but the read-back failed: {problem.message}", answer.evidence
        ) from problem


def id_told(answer: Answer, what: str) -> str:
    """The id in a confirmed answer; what: `the new contract`. Raises OutcomeUnknown where it shows none."""
    try:
        return str(UUID((answer.data or {})["id"]))
    except (KeyError, ValueError, TypeError, AttributeError) as problem:
        raise OutcomeUnknown(f"Metronome’s answer does not show {what}.", answer.evidence) from problem


def read_log(gateway: Gateway, facts: FindFacts, customer_id: str) -> LogReading:
    """What Metronome's log says of one customer since shortly before the first sending.

    From the sending on, where our row must be; of a log too long to be read whole its newest rows, too.
    """
    since, resource = facts.first_sent_at - CLOCK_SKEW, (RESOURCE, customer_id)
    reading = log_since(gateway, starting_on=since, resource=resource, limit_pages=PAGES)
    if not reading.cut:
        return reading
    tail = log_since(gateway, starting_on=since, resource=resource, newest_first=True, limit_pages=TAIL_PAGES)
    return LogReading(reading.rows + tail.rows, odd=reading.odd + tail.odd, cut=True)


def read_account_log(gateway: Gateway, facts: FindFacts) -> LogReading:
    """What Metronome's log says of the whole account around the sendings, as far as our row or to their end.

    For a call that made something whose id is not known. Cut where the account is too busy to be read whole.
    """
    return log_since(
        gateway,
        starting_on=facts.first_sent_at - CLOCK_SKEW,
        ending_before=facts.last_sent_at + LATEST_EFFECT,
        limit_pages=PAGES,
        until=lambda row: row.succeeded and is_ours(row, gateway, facts),
    )


def is_ours(row: AuditLogRecord, gateway: Gateway, facts: FindFacts) -> bool:
    """Whether this installation sent it, as one of these attempts: both stand in the user agent."""
    agent = row.user_agent or ""
    return agent.startswith("countersign/") and any(
        agent.endswith(f" ({gateway.config.installation}) {reference}") for reference in facts.references
    )


def our_row(reading: LogReading, gateway: Gateway, facts: FindFacts) -> AuditLogRecord | None:
    """The successful row of one of our attempts, if there is one."""
    return next((row for row in reading.rows if row.succeeded and is_ours(row, gateway, facts)), None)


def others_since(reading: LogReading, gateway: Gateway, facts: FindFacts) -> list[AuditLogRecord]:
    """Successful rows of others since the first sending."""
    return [
        row
        for row in reading.rows
        if row.succeeded and row.timestamp >= facts.first_sent_at and not is_ours(row, gateway, facts)
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
    reading = read_log(gateway, facts, facts.params.customer_id)
    if ours := our_row(reading, gateway, facts):
        sentence = f"Our call took effect, and {what} is back: somebody set it back."
        return Finding(Proof.CANNOT_TELL, sentence, None, [*looked, seen_row(ours)], was_undone=True)
    if others := others_since(reading, gateway, facts):
        sentence = f"{holds} {what}, but somebody has changed this customer since we sent."
        return Finding(Proof.CANNOT_TELL, sentence, None, looked + [seen_row(row) for row in others[:5]])
    if reading.gap:
        return Finding(Proof.CANNOT_TELL, f"{holds} {what}. {reading.gap}", None, looked)
    return Finding(Proof.NOT_APPLIED, f"{holds} {what}.", None, looked)


def neither_old_nor_ours(
    gateway: Gateway,
    facts: FindFacts,
    looked: list[dict[str, Any]],
    *,
    result: dict[str, Any],
    took_effect: str,
    otherwise: str,
) -> Finding:
    """A third value stands. Our row in the log says that our call took effect first; else nobody can tell."""
    reading = read_log(gateway, facts, facts.params.customer_id)
    if ours := our_row(reading, gateway, facts):
        return Finding(Proof.APPLIED, took_effect, result, [*looked, seen_row(ours)])
    if reading.gap:
        otherwise = f"{otherwise} {reading.gap}"
    return Finding(Proof.CANNOT_TELL, otherwise, None, looked)


def one_of_the_new(
    gateway: Gateway,
    facts: FindFacts,
    looked: list[dict[str, Any]],
    *,
    noun: str,
    equal: Sequence[str],
    near: Sequence[str] = (),
) -> Finding:
    """What was added to a list of a customer's: our row in the log says that one was, the list says which.

    equal, near: ids that the list did not have before, of what is as asked for, and of what may have been.
    """
    reading = read_log(gateway, facts, facts.params.customer_id)
    ours = our_row(reading, gateway, facts)
    if ours is None:
        if equal:
            sentence = (
                f"A new {noun} is as asked for ({', '.join(equal)}), but nothing shows that we made it."
            )
            words = f"{sentence} {reading.gap}".strip()
            return Finding(Proof.CANNOT_TELL, words, None, looked, stands=True)
        sentence = f"No new {noun} is as asked for."
        if reading.gap:
            return Finding(Proof.CANNOT_TELL, f"{sentence} {reading.gap}", None, looked)
        return Finding(Proof.NOT_APPLIED, sentence, None, looked)
    looked, made = [*looked, seen_row(ours)], equal or near
    if len(made) == 1:
        since = "" if equal else " Since then somebody has changed it."
        return Finding(Proof.APPLIED, f"The {noun} was added.{since}", {"id": made[0]}, looked)
    if made:
        sentence = f"Our call took effect, but {len(made)} new ones are as asked for: {', '.join(made)}."
        return Finding(Proof.CANNOT_TELL, sentence, None, looked, stands=True)
    sentence = f"Our call took effect, but the {noun} that it made is not there any more."
    return Finding(Proof.CANNOT_TELL, sentence, None, looked, was_undone=True)


def named_one(
    noun: str,
    result: dict[str, Any],
    looked: list[dict[str, Any]],
    *,
    was_there: bool,
    is_there: bool,
    differs: str,
) -> Finding:
    """What comes of a person's naming one: it is new, and as asked for, or why it is not what a call made.

    result: what the call returns if it is; its `id` is the one that was named.
    """
    made_id = result["id"]
    if was_there or not is_there or differs:
        why = "was there before" if was_there else differs if is_there else "is not there"
        return Finding(
            Proof.CANNOT_TELL, f"The {noun} {made_id} is not what this call made: it {why}.", None, looked
        )
    return Finding(Proof.APPLIED, f"The {noun} {made_id} is as asked for.", result, looked)
