"""Sending a proposal for approval: sealed, numbered and recorded in one transaction."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from billing.audit import log
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.changes import telling
from billing.changes.asking import policy
from billing.changes.asking.proposal import Proposal
from billing.changes.asking.sealing import store, submitted_facts
from billing.changes.asking.way_back import way_back
from billing.changes.holds import held, in_the_way
from billing.changes.models import ChangeRequest
from billing.changes.moves import about, database_now
from billing.changes.people import PERSON, acting_person
from billing.changes.refusals import BadInput, NotAllowed, SubjectBusy, WrongState
from billing.changes.statuses import PROPOSE_AGAIN, Status
from billing.changes.typed import checked_reason
from billing.metronome.operations.base import thing


def submit(
    proposal: Proposal, *, actor: Actor, reason: str, replaces: ChangeRequest | None = None
) -> ChangeRequest:
    """Seal a proposal as a new change request that waits for its approvals.

    Raises NotAllowed, BadInput, or SubjectBusy when an open request writes to the same thing. The caller
    nudges the live check after commit.
    """
    maker = acting_person(actor, "propose changes", policy.asked_by(proposal.kind))
    if any(each.thing == thing(PERSON, str(maker.pk)) for each in proposal.holds):
        raise NotAllowed("Nobody asks for a change of their own rights: another administrator has to.")
    reason = checked_reason(reason)
    if replaces is not None and Status(replaces.status) not in PROPOSE_AGAIN:
        back = way_back(replaces)
        if back is None or back[0] != proposal.kind:
            state = "is still open" if replaces.is_open else "took effect"
            raise WrongState(f"{replaces.reference} {state}, so it can't be proposed again.")
    if replaces is not None:
        of = replaces.about_customer if proposal.customer_id else replaces.customer_id
        if str(of) != str(proposal.customer_id):
            raise BadInput(f"{replaces.reference} is about another customer.")
    policy.refuse_invalid(proposal.calls)
    if other := in_the_way(proposal.holds):  # told before a number is spent on it
        raise SubjectBusy(other.change.reference, held(other).words)
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
        if other := in_the_way(proposal.holds):
            raise SubjectBusy(other.change.reference, held(other).words) from clash
        raise
    return change
