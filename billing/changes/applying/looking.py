"""One look at what became of a call, and what follows once it shows that the call took effect."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from billing.audit import log
from billing.audit.events import Event
from billing.changes.applying.claiming import WORKER
from billing.changes.calls import carry_on, put, results_of
from billing.changes.models import Call, CallStatus, ChangeRequest, Lookup, Resolution
from billing.changes.moves import about, database_now
from billing.changes.sealed import SealedRequest, placed
from billing.metronome.account import Gateway
from billing.metronome.operations import operation
from billing.metronome.operations.base import FindFacts, Finding, Proof
from billing.metronome.operations.proof import CLOCK_SKEW
from billing.mirror.resources.customer import likeness


def look(gateway: Gateway, request: SealedRequest, call: Call) -> Finding:
    """Ask Metronome about a call that was sent. Raises GatewayError when it can't be read."""
    finder, facts = operation(call.operation), _facts(request, call)
    finding = finder.find(gateway, facts)
    if finding.proof == Proof.NOT_APPLIED and (name := finder.called(facts.params)):
        return _unless_the_mirror_knows_better(finding, name, facts)
    return finding


def look_at_named(gateway: Gateway, request: SealedRequest, call: Call, made_id: str) -> Finding:
    """Ask Metronome whether the thing that a person named is what a call made. Raises GatewayError."""
    return operation(call.operation).bears_out(gateway, _facts(request, call), made_id)


def _facts(request: SealedRequest, call: Call) -> FindFacts[Any]:
    """What may be known of a call that was sent, with the ids in it that earlier calls have returned."""
    sealed_call, results = request.call(call.position), results_of(call.change)
    attempts = list(call.attempts.order_by("number"))
    return FindFacts(
        params=operation(call.operation).resolved(sealed_call.params, results),
        before=placed(sealed_call.before, results),
        first_sent_at=call.first_sent_at,
        last_sent_at=attempts[-1].sent_at,
        references=tuple(attempt.reference for attempt in attempts),
    )


def _unless_the_mirror_knows_better(finding: Finding, name: str, facts: FindFacts[Any]) -> Finding:
    """A namesake no older than the call may be its effect, its aliases gone. It costs no request to know."""
    namesakes = likeness.customers_named_since(name, facts.first_sent_at - CLOCK_SKEW)
    if not namesakes:
        return finding
    shown = ", ".join(str(each.pk) for each in namesakes[:3])
    sentence = f"{finding.sentence} But a customer of this name was created since it was sent: {shown}."
    return Finding(Proof.CANNOT_TELL, sentence, None, finding.looked_at)


def file_look(call: Call, finding: Finding, *, at: datetime, counts: bool) -> None:
    """Keep what was seen and what it proves; that it took effect always counts."""
    Lookup.objects.create(
        call=call,
        looked_at=at,
        verdict=finding.proof,
        counts=counts or finding.proof == Proof.APPLIED,
        sentence=finding.sentence,
        evidence=finding.looked_at,
    )
    call.finding = finding.sentence
    call.save(update_fields=["finding"])


def found_applied(change: ChangeRequest, call: Call, finding: Finding) -> None:
    """The call took effect, as a look has shown. Request and call are locked."""
    put(call, CallStatus.APPLIED, result=finding.result)
    record_found(change, call, finding.sentence)
    Resolution.objects.filter(change=change, carried_out_at__isnull=True).update(
        carried_out_at=database_now()
    )
    carry_on(change, actor=WORKER, explanation=finding.sentence)


def record_found(change: ChangeRequest, call: Call, sentence: str) -> None:
    """Put on record what a look has settled."""
    log.record(
        Event.CALL_FOUND,
        actor=WORKER,
        subject=about(change),
        new={
            "call": call.position,
            "operation": call.operation,
            "status": call.status,
            "finding": sentence,
            **({"result": call.result} if call.result else {}),
        },
    )
