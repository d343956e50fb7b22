"""What people do to change requests: submit, decide, withdraw. Each is one transaction with its audit row."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from django.db import IntegrityError, transaction

from billing.audit import log
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.changes import sealed
from billing.changes.models import ApprovalStep, ChangeRequest, Decision, Subject, Verdict, counting_approvals
from billing.changes.moves import about, database_now, locked, move
from billing.changes.proposals import Proposal
from billing.changes.refusals import BadInput, NotAllowed, NotWhatYouSaw, SubjectBusy, WrongState
from billing.changes.sealing import store, submitted_facts
from billing.changes.statuses import PROPOSE_AGAIN, Status
from billing.changes.typed import checked_reason, is_typed
from billing.roles import Can
from billing.users import User


def submit(
    proposal: Proposal, *, actor: Actor, reason: str, replaces: ChangeRequest | None = None
) -> ChangeRequest:
    """Seal a proposal as a new change request that waits for its approvals.

    Raises NotAllowed, BadInput, or SubjectBusy when an open request writes to the same thing. The caller
    nudges the live check after commit.
    """
    maker = _person(actor, Can.PROPOSE, "propose changes")
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
    except IntegrityError as clash:
        if busy := _busy_subject(proposal.subjects):
            raise SubjectBusy(busy.change.reference, subject_words(busy.key)) from clash
        raise
    return change


def decide(
    change_id: int, *, actor: Actor, verdict: Verdict, reason: str, digest: str, typed: str = ""
) -> ChangeRequest:
    """Record a checker's verdict on the step that waits for them, and move the request if that settles it.

    Raises NotAllowed (maker, wrong role, already decided), WrongState, NotWhatYouSaw, or BadInput when a
    rejection has no reason or the typed confirmation differs; nothing is written then.
    """
    checker = _person(actor, Can.DECIDE, "decide requests")
    verdict = Verdict(verdict)
    reason = checked_reason(reason) if verdict is Verdict.REJECT or reason.strip() else ""
    with transaction.atomic():
        change = locked(change_id)
        step = waiting_step(change, checker)
        if digest != change.digest:
            raise NotWhatYouSaw("The page you decided on is not this request. Read it again, then decide.")
        request = sealed.read(change.sealed)
        wants_name = verdict is Verdict.APPROVE and request.typed_confirmation
        if wants_name and not is_typed(typed, request.subject_text, request.customer_id):
            raise BadInput("Type the customer’s name as it is shown.", field="typed")
        decision = Decision.objects.create(
            change=change,
            step=step,
            maker_id=change.maker_id,
            checker=checker,
            verdict=verdict,
            reason=reason,
            digest=digest,
        )
        if verdict is Verdict.REJECT:
            move(change, Status.REJECTED, actor=actor, event=Event.CHANGE_REJECTED, reason=reason)
        elif open_steps(change):
            log.record(
                Event.CHANGE_APPROVED,
                actor=actor,
                subject=about(change),
                old={"status": change.status},
                new={"status": change.status, "decision": decision.pk, "step": step.position},
                reason=reason,
            )
        else:
            not_before = database_now() + timedelta(seconds=change.cool_off_seconds)
            move(
                change,
                Status.APPROVED,
                actor=actor,
                event=Event.CHANGE_APPROVED,
                reason=reason,
                facts={"decision": decision.pk, "step": step.position},
                not_before=not_before if change.cool_off_seconds else None,
            )
    return change


def withdraw(change_id: int, *, actor: Actor, reason: str) -> ChangeRequest:
    """Take a request back, by its maker, before anything of it was sent."""
    reason = checked_reason(reason)
    with transaction.atomic():
        change = locked(change_id)
        if actor.user is None or actor.user.pk != change.maker_id:
            raise NotAllowed("Only the person who proposed a request can withdraw it.")
        if change.calls.filter(first_sent_at__isnull=False).exists():
            raise WrongState(f"Part of {change.reference} was already sent, so it can't be withdrawn.")
        move(change, Status.WITHDRAWN, actor=actor, event=Event.CHANGE_WITHDRAWN, reason=reason)
    return change


def open_steps(change: ChangeRequest) -> list[tuple[ApprovalStep, int]]:
    """Each step that still needs people, with how many; an approval counts while its giver may give it."""
    approvals = Counter(change.decisions.filter(counting_approvals()).values_list("step_id", flat=True))
    return [
        (step, missing) for step in change.steps.all() if (missing := step.people - approvals[step.pk]) > 0
    ]


def waiting_step(change: ChangeRequest, checker: User) -> ApprovalStep:
    """The step that waits for this person. Raises NotAllowed or WrongState, saying why there is none."""
    if change.maker_id == checker.pk:
        raise NotAllowed("You proposed this, so somebody else has to decide.")
    if not checker.may(Can.DECIDE):
        raise NotAllowed("Your role does not decide requests.")
    if change.status != Status.SUBMITTED:
        raise WrongState(
            f"{change.reference} is {Status(change.status).label.lower()}; there is nothing left to decide."
        )
    if change.decisions.filter(checker=checker).exists():
        raise NotAllowed("You have already decided this request; another person has to agree as well.")
    for step, _missing in open_steps(change):
        if step.role == checker.role:
            return step
    raise NotAllowed("No step of this request waits for your role.")


def subject_words(key: str) -> str:
    """A subject key in words, for a person."""
    noun, _, rest = key.partition(":")
    if noun == "alias":
        return f"the ingest alias “{rest}”"
    field = rest.partition(":")[2]
    return {"name": "this customer’s name", "aliases": "this customer’s ingest aliases"}.get(
        field, "this customer"
    )


def _person(actor: Actor, can: Can, words: str) -> User:
    """The actor's person as the database has them now: a deactivated person may do nothing."""
    person = User.objects.filter(pk=actor.user.pk).first() if actor.user else None
    if person is None or not person.may(can):
        raise NotAllowed(f"Your role may not {words}.")
    return person


def _busy_subject(keys: tuple[str, ...]) -> Subject | None:
    return Subject.objects.filter(is_open=True, key__in=keys).select_related("change").order_by("key").first()
