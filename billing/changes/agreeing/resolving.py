"""A person's word on what the worker could not settle: unknown outcomes and partly applied requests.

An administrator, with a reason, never of a request they made or decided. *Try again* runs `find` first, and
needs a second person where the kind cannot be undone. *It took effect*, of a call that makes something, names
the thing: a worker asks Metronome, and only what is as asked for counts. What is blocked takes two people to
close. A second person who disagrees gives the request back: both words stay, and somebody has to say another.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from billing.audit import log
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.changes import telling
from billing.changes.calls import carry_on, put
from billing.changes.models import SENDS_AGAIN, Call, CallStatus, ChangeRequest, Resolution, Word
from billing.changes.moves import about, database_now, locked, move
from billing.changes.people import second_persons
from billing.changes.refusals import BadInput, NotAllowed, WrongState
from billing.changes.statuses import Status
from billing.changes.typed import checked_reason
from billing.metronome.operations import operation
from billing.roles import Can
from billing.users import User

OPTIONS: dict[Status, tuple[Word, ...]] = {
    Status.UNKNOWN: (
        Word.TOOK_EFFECT,
        Word.TRY_AGAIN,
        Word.LEAVE_IT,
    ),
    Status.PARTLY_APPLIED: (
        Word.GO_ON,
        Word.UNDO,
        Word.LEAVE_IT,
    ),
    Status.BLOCKED: (Word.LEAVE_IT,),
}

MEANINGS: dict[Word, str] = {
    Word.TOOK_EFFECT: "You saw it in Metronome. The call counts as applied; later ones follow.",
    Word.TRY_AGAIN: "It did not happen. It is sent again if the customer is still as approved.",
    Word.GO_ON: "The calls that did not take effect go now, in their order.",
    Word.UNDO: "The request is closed. What undoes it is proposed as a new request, for others to agree to.",
    Word.LEAVE_IT: "The request is closed as it stands; nothing more is sent.",
}
"""What each word sets in motion, for the person who chooses."""


def options(change: ChangeRequest) -> tuple[Word, ...]:
    """What a person may say of this request now. A blocked one can only be left as it is."""
    if change.status == Status.UNKNOWN and is_contradicted(change):
        return (Word.UNDO, Word.LEAVE_IT)
    return OPTIONS.get(Status(change.status), ()) if change.needs_person else ()


def takes_two(change: ChangeRequest, verdict: Word) -> str:
    """Why a second person has to agree to this word, as a clause; empty where one is enough."""
    if change.status == Status.BLOCKED:
        return "since what is blocked is closed by two"
    return "since this can’t be undone" if change.irreversible and verdict in SENDS_AGAIN else ""


def made_by_the_doubtful(change: ChangeRequest) -> str:
    """What the call in doubt makes, as people call it; empty where it makes nothing, or none is in doubt."""
    call = _doubtful(change)
    return operation(call.operation).makes.replace("_", " ") if call else ""


def is_contradicted(change: ChangeRequest) -> bool:
    """Whether somebody named what the call in doubt had made, and Metronome showed that it is not that."""
    call = _doubtful(change) if change.needs_person else None
    last = call.attempts.order_by("-number").first() if call else None
    named = change.resolutions.filter(made_id__isnull=False, carried_out_at__isnull=False)
    return last is not None and named.filter(at__gt=last.sent_at).exists()


def _doubtful(change: ChangeRequest) -> Call | None:
    return change.calls.filter(status=CallStatus.UNKNOWN).order_by("position").first()


def why_not(change: ChangeRequest, person: User) -> str:
    """Why this person may not resolve this request; empty when they may."""
    if not person.may(Can.RESOLVE):
        return "Only an administrator resolves what the worker could not settle."
    if change.maker_id == person.pk:
        return "You proposed this request, so somebody else has to resolve it."
    if change.decisions.filter(checker=person).exists():
        return "You decided this request, so somebody else has to resolve it."
    return ""


def resolve(change_id: int, *, actor: Actor, verdict: Word, reason: str, made_id: str = "") -> ChangeRequest:
    """Record a person's word and do what it means; a `try again` that needs a second person waits for one.

    made_id: what the call made, for *it took effect* of one that makes something.
    Raises NotAllowed, WrongState or BadInput; nothing is written then.
    """
    reason = checked_reason(reason)
    verdict = Word(verdict)
    with transaction.atomic():
        change = locked(change_id)
        if actor.user is None or (refusal := why_not(change, actor.user)):
            raise NotAllowed(refusal if actor.user else "Only a person resolves a request.")
        if verdict not in options(change):
            raise WrongState(f"{change.reference} does not wait for this word any more.")
        if change.resolutions.filter(carried_out_at__isnull=True).exists():
            raise WrongState("Another word on this request waits to be carried out.")
        named = _named(change, verdict, made_id)
        needs_second = bool(takes_two(change, verdict))
        resolution = Resolution.objects.create(
            change=change,
            verdict=verdict,
            reason=reason,
            by=actor.user,
            needs_second=needs_second,
            made_id=named,
        )
        log.record(
            Event.CHANGE_RESOLVED,
            actor=actor,
            subject=about(change),
            old={"status": change.status},
            new={
                "verdict": verdict.value,
                "waits_for_second_person": needs_second,
                **({"made_id": str(named)} if named else {}),
            },
            reason=reason,
        )
        telling.said(change, resolution)
        if not needs_second:
            _carry_out(change, resolution, actor, reason)
    return change


def _named(change: ChangeRequest, verdict: Word, made_id: str) -> UUID | None:
    """What a person names with their word. Raises BadInput where it is missing, no id, or out of place."""
    noun = made_by_the_doubtful(change) if verdict == Word.TOOK_EFFECT else ""
    if not noun and made_id:
        raise BadInput("Only what took effect has made something: clear the id.", field="made_id")
    if not noun:
        return None
    try:
        return UUID(made_id)
    except ValueError as problem:
        words = "That is no id" if made_id else f"Give the id of the {noun} that it made"
        raise BadInput(f"{words}; it has 32 hexadecimal digits.", field="made_id") from problem


def second(change_id: int, *, actor: Actor, reason: str) -> ChangeRequest:
    """A second person agrees to a waiting resolution: an administrator or a manager, not the first one.

    Nor whoever made or decided the request. Raises NotAllowed, WrongState or BadInput, with nothing written.
    """
    reason = checked_reason(reason)
    with transaction.atomic():
        change, waiting = _waiting_for_second(change_id, actor)
        waiting.seconded_by, waiting.seconded_at = actor.user, database_now()
        waiting.save(update_fields=["seconded_by", "seconded_at"])
        log.record(
            Event.CHANGE_RESOLVED,
            actor=actor,
            subject=about(change),
            new={"verdict": waiting.verdict, "seconded": True},
            reason=reason,
        )
        telling.said(change, waiting)
        _carry_out(change, waiting, actor, reason)
    return change


def disagree(change_id: int, *, actor: Actor, reason: str) -> ChangeRequest:
    """A second person says no to a waiting resolution: nothing of it is done, and the first one is told.

    Whoever may agree may disagree. Raises what `second` raises; nothing is written then.
    """
    reason = checked_reason(reason)
    with transaction.atomic():
        change, waiting = _waiting_for_second(change_id, actor)
        waiting.disagreed_by, waiting.disagreement = actor.user, reason
        waiting.carried_out_at = database_now()
        waiting.save(update_fields=["disagreed_by", "disagreement", "carried_out_at"])
        log.record(
            Event.CHANGE_DISAGREED,
            actor=actor,
            subject=about(change),
            old={"verdict": waiting.verdict, "by": waiting.by.name},
            new={"status": change.status, "verdict": waiting.verdict},
            reason=reason,
        )
        telling.disagreed(change, waiting)
    return change


def _waiting_for_second(change_id: int, actor: Actor) -> tuple[ChangeRequest, Resolution]:
    """The request, locked, and the word on it that waits for this second person."""
    change = locked(change_id)
    waiting = change.resolutions.filter(
        carried_out_at__isnull=True, needs_second=True, seconded_by__isnull=True
    ).first()
    if waiting is None:
        raise WrongState("Nothing on this request waits for a second person.")
    if actor.user is None or (refusal := why_not_second(change, waiting, actor.user)):
        raise NotAllowed(refusal if actor.user else "Only a person agrees to a resolution, or disagrees.")
    return change, waiting


def is_without_second(change: ChangeRequest, first: User) -> bool:
    """Whether nobody is left who could agree to what this person says of it."""
    return not second_persons(change, first.pk).exists()


def why_not_second(change: ChangeRequest, waiting: Resolution, person: User) -> str:
    """Why this person may not be the second one; empty when they may."""
    if not (person.may(Can.RESOLVE) or person.may(Can.DECIDE)):
        return "The second person is a manager or an administrator."
    if waiting.by_id == person.pk:
        return "You said it first; the second person is somebody else."
    if change.maker_id == person.pk:
        return "You proposed this request, so somebody else has to agree."
    if change.decisions.filter(checker=person).exists():
        return "You decided this request, so somebody else has to agree."
    return ""


def _carry_out(change: ChangeRequest, resolution: Resolution, actor: Actor, reason: str) -> None:
    """Do what was said; `reason` is the actor's own, who is the second person where it takes two."""
    verdict = resolution.verdict
    if verdict == Word.TRY_AGAIN or resolution.made_id:
        change.needs_person = False
        change.next_try_at = None
        change.explanation = "A person asked for another try; Metronome is looked at first."
        if resolution.made_id:
            change.explanation = (
                f"{resolution.by.name} says that it made {resolution.made_id}; Metronome is asked."
            )
        change.save(update_fields=["needs_person", "next_try_at", "explanation"])
        return  # settling carries it out, after a look
    if verdict == Word.TOOK_EFFECT:
        _took_effect(change, resolution, actor, reason)
    elif verdict == Word.GO_ON:
        for call in change.calls.filter(status=CallStatus.REFUSED):
            put(call, CallStatus.WAITING, is_new_effect=True)
        move(
            change,
            Status.APPROVED,
            actor=actor,
            event=Event.CHANGE_RETURNED,
            reason=reason,
            explanation="A person decided to go on with the remaining calls.",
        )
    else:
        move(
            change,
            Status.CLOSED,
            actor=actor,
            event=Event.CHANGE_CLOSED,
            reason=reason,
            explanation=f"{Word(verdict).label}, decided by {_deciders(resolution)}.",
        )
    resolution.carried_out_at = database_now()
    resolution.save(update_fields=["carried_out_at"])


def _deciders(resolution: Resolution) -> str:
    people = (resolution.by, resolution.seconded_by)
    return " and ".join(person.name for person in people if person is not None)


def _took_effect(change: ChangeRequest, resolution: Resolution, actor: Actor, reason: str) -> None:
    call = change.calls.filter(status=CallStatus.UNKNOWN).order_by("position").get()
    words = f"{resolution.by.name} says that it took effect."
    put(call, CallStatus.APPLIED, finding=words)
    carry_on(change, actor=actor, explanation=words, reason=reason)
