"""What people say of a request that waits: decide, take back, withdraw. Each is one transaction, recorded."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import cache

from django.db import transaction

from billing.audit import log
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.changes import sealed, telling
from billing.changes.models import SAYS, ApprovalStep, ChangeRequest, Decision, Verdict, counting_approvals
from billing.changes.moves import about, database_now, locked, move
from billing.changes.people import acting_person, subjects_of
from billing.changes.refusals import BadInput, NotAllowed, NotWhatYouSaw, WrongState
from billing.changes.statuses import Status
from billing.changes.typed import checked_reason, is_typed
from billing.lists.prepared import NOBODY, Question, Records
from billing.roles import DECIDES
from billing.users import User


def decide(
    change_id: int, *, actor: Actor, verdict: Verdict, reason: str, digest: str, typed: str = ""
) -> ChangeRequest:
    """Record a checker's verdict, of SAYS, on the step that waits for them, and move it if that settles it.

    Raises NotAllowed (maker, wrong role), WrongState (settled, already decided), NotWhatYouSaw, or BadInput
    when a rejection has no reason or the typed confirmation differs; nothing is written then.
    """
    checker = acting_person(actor, "decide requests", *DECIDES)
    if (verdict := Verdict(verdict)) not in SAYS:
        raise BadInput("Choose to approve or to reject.", field="verdict")
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
        decision = _added(change, step, checker, verdict, reason)
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
            telling.decided(change, checker)
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


def take_back(change_id: int, *, actor: Actor, reason: str) -> ChangeRequest:
    """Take one's own approval back while others are still awaited; whoever did may decide again.

    Raises NotAllowed, BadInput without a reason, or WrongState: another word came first, or no approval of
    theirs stands. Nothing is written then.
    """
    checker = acting_person(actor, "decide requests", *DECIDES)
    reason = checked_reason(reason)
    with transaction.atomic():
        change = locked(change_id)
        approval = standing_approval(change, checker)
        if approval is None:
            raise WrongState(
                f"No approval of yours stands on {change.reference}, so there is none to take back."
            )
        if change.status != Status.SUBMITTED:
            label = Status(change.status).label.lower()
            raise WrongState(f"{change.reference} is {label} by now, so your approval can’t be taken back.")
        if checker.role != approval.step.role:
            raise NotAllowed(f"You are no {approval.step.role} any more: your approval counts for nothing.")
        decision = _added(change, approval.step, checker, Verdict.TAKE_BACK, reason)
        log.record(
            Event.DECISION_TAKEN_BACK,
            actor=actor,
            subject=about(change),
            old={"status": change.status, "decision": approval.pk},
            new={"status": change.status, "decision": decision.pk, "step": approval.step.position},
            reason=reason,
        )
        telling.taken_back(change, decision)
    return change


def _added(
    change: ChangeRequest, step: ApprovalStep, checker: User, verdict: Verdict, reason: str
) -> Decision:
    """The next decision on a locked request."""
    return Decision.objects.create(
        change=change,
        step=step,
        maker_id=change.maker_id,
        checker=checker,
        number=change.decisions.count() + 1,
        verdict=verdict,
        reason=reason,
        digest=change.digest,
    )


def standing_approval(change: ChangeRequest, person: User) -> Decision | None:
    """This person's approval of a request, where they have not taken it back."""
    last = change.decisions.filter(checker=person).select_related("step").last()
    return last if last is not None and last.verdict == Verdict.APPROVE else None


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
    approvals = Counter(step for (step,) in _approvals().rows(change=change.pk))
    steps = _steps().asked(change=change.pk)
    return [(step, missing) for step in steps if (missing := step.people - approvals[step.pk]) > 0]


@cache
def _steps() -> Records:
    return Records(ApprovalStep.objects.filter(change=NOBODY), change=NOBODY)


@cache
def _approvals() -> Question:
    given = Decision.objects.filter(counting_approvals(), change=NOBODY)
    return Question(given.values_list("step_id"), change=NOBODY)


def waiting_step(change: ChangeRequest, checker: User) -> ApprovalStep:
    """The step that waits for this person. Raises NotAllowed or WrongState, saying why there is none."""
    if change.maker_id == checker.pk:
        raise NotAllowed("You proposed this, so somebody else has to decide.")
    if not checker.may(*DECIDES):
        raise NotAllowed("Your role does not decide requests.")
    if change.status != Status.SUBMITTED:
        raise WrongState(
            f"{change.reference} is {Status(change.status).label.lower()}; there is nothing left to decide."
        )
    if checker.pk in subjects_of(change):
        raise NotAllowed("This is about your own rights, so somebody else has to decide.")
    if standing_approval(change, checker):
        raise WrongState("You have already decided this request; another person has to agree as well.")
    for step, _missing in open_steps(change):
        if step.role == checker.role:
            return step
    if change.steps.filter(role=checker.role).exists():
        raise WrongState("Enough people of your role have agreed already; it waits for another role.")
    raise NotAllowed("No step of this request waits for your role.")
