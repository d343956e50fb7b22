"""Sending a proposal for approval: sealed, numbered and recorded in one transaction."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from billing.audit import log
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.changes import telling
from billing.changes.asking.proposal import Proposal
from billing.changes.asking.sealing import store, submitted_facts
from billing.changes.models import ChangeRequest, Subject
from billing.changes.moves import about, database_now
from billing.changes.people import acting_person
from billing.changes.refusals import BadInput, SubjectBusy, WrongState
from billing.changes.statuses import PROPOSE_AGAIN, Status
from billing.changes.typed import checked_reason
from billing.mirror.resources import RESOURCES
from billing.roles import Can


def submit(
    proposal: Proposal, *, actor: Actor, reason: str, replaces: ChangeRequest | None = None
) -> ChangeRequest:
    """Seal a proposal as a new change request that waits for its approvals.

    Raises NotAllowed, BadInput, or SubjectBusy when an open request writes to the same thing. The caller
    nudges the live check after commit.
    """
    maker = acting_person(actor, Can.PROPOSE, "propose changes")
    reason = checked_reason(reason)
    if replaces is not None and Status(replaces.status) not in PROPOSE_AGAIN:
        raise WrongState(f"{replaces.reference} is still open, so it can't be proposed again.")
    if replaces is not None and str(replaces.customer_id) != str(proposal.customer_id):
        raise BadInput(f"{replaces.reference} is about another customer.")
    if busy := _busy_subject(proposal.subjects):  # told before a number is spent on it
        raise SubjectBusy(busy.change.reference, subject_words(busy.key))
    try:
        with transaction.atomic():
            change = store(proposal, maker=maker, reason=reason, replaces=replaces, now=database_now())
            log.record(
                Event.CHANGE_SUBMITTED,
                actor=actor,
                subject=about(change),
                new=submitted_facts(change),
                reason=reason,
            )
            telling.submitted(change)
    except IntegrityError as clash:
        if busy := _busy_subject(proposal.subjects):
            raise SubjectBusy(busy.change.reference, subject_words(busy.key)) from clash
        raise
    return change


def subject_words(key: str) -> str:
    """A subject key in words, for a person."""
    noun, _, rest = key.partition(":")
    if noun not in RESOURCES:
        return f"the {noun} “{rest}”"
    group = rest.partition(":")[2]
    labels = [field.label for field in RESOURCES[noun].fields if group and field.group == group]
    return f"this {noun}’s {labels[0]}" if labels else f"this {noun}"


def _busy_subject(keys: tuple[str, ...]) -> Subject | None:
    return Subject.objects.filter(is_open=True, key__in=keys).select_related("change").order_by("key").first()
