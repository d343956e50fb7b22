"""Writing the record. There is one way in, and it insists on the transaction of the fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.audit.models import AuditEvent


class NoTransaction(RuntimeError):
    """A fact was to be recorded outside the transaction that makes it true."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about, kept as text: `kind` is a noun such as `change`, `id` what finds it again.

    customer_id, customer_name: of the customer that it is about, the name as it was then.
    """

    kind: str
    id: str
    text: str = ""
    customer_id: UUID | None = None
    customer_name: str = ""
    reference: str = ""
    digest: str = ""


def record(
    event: Event,
    *,
    actor: Actor,
    subject: Subject,
    old: Any = None,
    new: Any = None,
    reason: str = "",
) -> AuditEvent:
    """Append one event. `old` and `new` are JSON values; the database stamps the time.

    Raises NoTransaction outside `transaction.atomic()`: the record and the fact stand or fall together.
    """
    if not transaction.get_connection().in_atomic_block:
        raise NoTransaction(f"{event} must be recorded inside the transaction of the fact")
    return AuditEvent.objects.create(
        event_type=Event(event),
        actor=actor.user,
        actor_text=actor.text,
        actor_role=actor.role,
        subject_type=subject.kind,
        subject_id=subject.id,
        subject_text=subject.text,
        customer_id=subject.customer_id,
        customer_name=subject.customer_name,
        reference=subject.reference,
        digest=subject.digest,
        old=old,
        new=new,
        reason=reason,
        ip=actor.ip,
        user_agent=actor.user_agent,
        request_id=actor.request_id,
    )
