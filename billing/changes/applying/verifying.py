"""Is this request still, byte for byte, what was submitted and approved? Asked before anything is sent."""

from __future__ import annotations

from functools import cache

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes import sealed
from billing.changes.calls import calls_of, results_in
from billing.changes.holds import Held, held, holds_of
from billing.changes.models import ApprovalStep, Attempt, Call, ChangeRequest, Decision, Verdict
from billing.changes.operations import operation
from billing.changes.sealed import SealedRequest
from billing.control.anchor import installation
from billing.lists.prepared import NOBODY, Records, no_text
from billing.metronome.calls import HttpCall

RESULTS = (Event.CALL_APPLIED, Event.CALL_FOUND, Event.CALL_ANSWERED_LATE)
"""Events that tell what a call has returned."""

DECISIONS = {Event.CHANGE_APPROVED: Verdict.APPROVE, Event.DECISION_TAKEN_BACK: Verdict.TAKE_BACK}
"""Events that tell of a decision, of which a request that is sent has no other."""


class Tampered(Exception):
    """The rows of a request do not tell one story. The message says what differs; nothing may be sent."""


def verified(change: ChangeRequest) -> SealedRequest:
    """The request as sealed, after holding text, columns, steps, decisions, calls and audit rows together.

    Raises Tampered with the first thing that differs.
    """
    if sealed.digest_of(change.sealed) != change.digest:
        raise Tampered("the sealed text is not the one the digest was made of")
    try:
        request = sealed.read(change.sealed)
    except (ValueError, KeyError, TypeError) as problem:
        raise Tampered(f"the sealed text can't be read: {problem}") from problem
    _columns(change, request)
    calls, told = calls_of(change.pk), _told().asked(reference=change.reference)
    decisions = _decided().asked(change=change.pk)
    _calls(calls, request)
    _results(change, request, calls, told)
    _holds(change, request)
    _steps(change, request)
    _decisions(change, request, decisions)
    _record(change, decisions, told)
    return request


@cache
def _told() -> Records:
    """What the record tells of a request's submission, decisions and results."""
    wanted = sorted({Event.CHANGE_SUBMITTED, *DECISIONS, *RESULTS})
    rows = AuditEvent.objects.filter(reference=no_text("reference"), event_type__in=wanted).order_by("pk")
    fields = ("event_type", "digest", "actor_id", "actor_role", "subject_id", "new")
    return Records(rows.only(*fields), reference=no_text("reference"))


@cache
def _decided() -> Records:
    rows = Decision.objects.filter(change_id=NOBODY).select_related("step").order_by("number")
    return Records(rows, change=NOBODY)


@cache
def _to_take() -> Records:
    return Records(ApprovalStep.objects.filter(change_id=NOBODY).order_by("position"), change=NOBODY)


@cache
def _sent_filled_in() -> Records:
    rows = Attempt.objects.filter(call__change_id=NOBODY, request__isnull=False)
    return Records(rows.select_related("call").order_by(), change=NOBODY)


def _columns(change: ChangeRequest, request: SealedRequest) -> None:
    anchor = installation()
    told = {
        "uuid": (str(change.uuid), request.content["uuid"]),
        "reference": (change.reference, request.reference),
        "kind": (change.kind, request.kind),
        "maker": (change.maker_id, request.maker["id"]),
        "customer": (str(change.customer_id) if change.customer_id else None, request.customer_id),
        "environment": (anchor.environment, request.content["environment"]),
        "installation": (str(anchor.uuid), request.content["installation"]),
    }
    for what, (column, text) in told.items():
        if column != text:
            raise Tampered(f"the {what} is {column}, but {text} was sealed")


def _calls(rows: list[Call], request: SealedRequest) -> None:
    if len(rows) != len(request.calls):
        raise Tampered(f"{len(rows)} calls are stored, but {len(request.calls)} were sealed")
    for row, call in zip(rows, request.calls, strict=True):
        if (row.position, row.operation, row.key) != (call.position, call.operation, call.key):
            raise Tampered(f"call {call.position} is not the sealed one")
        writer = operation(call.operation)
        if writer.keyed(call.params, call.key) != call.params:
            raise Tampered(f"call {call.position} carries another key than its own")
        if writer.show(call.params) != call.http:
            raise Tampered(f"call {call.position} would be sent differently from what was shown")


def _results(
    change: ChangeRequest, request: SealedRequest, calls: list[Call], told: list[AuditEvent]
) -> None:
    """An id that a later call takes from an earlier one has to be the one that was put on record with it."""
    results, due = results_in(calls), {}
    for call in request.calls:
        try:
            due[call.position] = call.resolved(results)
        except KeyError:
            continue  # the call that makes it comes first
        except ValueError as problem:
            raise Tampered(str(problem)) from problem
    for attempt in _sent_filled_in().asked(change=change.pk):
        position = attempt.call.position
        if HttpCall(**attempt.request) != due.get(position):
            raise Tampered(f"call {position} was sent about something else than what earlier calls made")
    recorded = {event.new["call"]: event.new.get("result") for event in told if event.event_type in RESULTS}
    for position, result in results.items():
        if result and recorded.get(position) != result:
            raise Tampered(f"call {position} returned another result than the audit record tells")


def _holds(change: ChangeRequest, request: SealedRequest) -> None:
    rows = holds_of(change.pk)
    if sorted(held(row) for row in rows) != sorted(Held(**each) for each in request.content["holds"]):
        raise Tampered("what it holds is not what was sealed")
    if change.is_open and not all(row.is_open for row in rows):
        raise Tampered("it has let go of what it holds")


def _steps(change: ChangeRequest, request: SealedRequest) -> None:
    rows = [(step.role, step.people) for step in _to_take().asked(change=change.pk)]
    if rows != [(step.role, step.people) for step in request.steps]:
        raise Tampered("the approval steps are not the sealed ones")


def _decisions(change: ChangeRequest, request: SealedRequest, decisions: list[Decision]) -> None:
    if [decision.number for decision in decisions] != list(range(1, len(decisions) + 1)):
        raise Tampered("the decisions are not numbered one after another")
    for decision in decisions:
        if decision.digest != change.digest:
            raise Tampered(f"the decision of {decision.checker_id} judged another digest")
        if decision.checker_id == change.maker_id:
            raise Tampered("the maker decided their own request")
        if decision.verdict == Verdict.REJECT:
            raise Tampered("the request was rejected")
    last = {decision.checker_id: decision for decision in decisions}
    standing = [decision for decision in last.values() if decision.verdict == Verdict.APPROVE]
    for position, step in enumerate(request.steps):
        people = {
            d.checker_id for d in standing if d.step.position == position and d.step.change_id == change.pk
        }
        if len(people) < step.people:
            raise Tampered(f"step {position + 1} has {len(people)} of {step.people} approvals")


def _record(change: ChangeRequest, decisions: list[Decision], told: list[AuditEvent]) -> None:
    events = [event for event in told if event.event_type not in RESULTS]
    if any(event.digest != change.digest or event.subject_id != str(change.uuid) for event in events):
        raise Tampered("the audit record tells of another digest")
    submitters = [event.actor_id for event in events if event.event_type == Event.CHANGE_SUBMITTED]
    if submitters != [change.maker_id]:
        raise Tampered("the audit record does not tell who submitted it")
    recorded = [
        (DECISIONS[event.event_type], event.actor_id, event.actor_role)
        for event in events
        if event.event_type in DECISIONS
    ]
    decided = [(decision.verdict, decision.checker_id, decision.step.role) for decision in decisions]
    if recorded != decided:
        raise Tampered("the audit record and the decisions name different people, or other roles of theirs")
