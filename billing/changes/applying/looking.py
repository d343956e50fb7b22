"""One look at what became of a call, and what follows once it shows that the call took effect."""

from __future__ import annotations

from datetime import datetime

from billing.audit import log
from billing.audit.events import Event
from billing.changes.applying.claiming import WORKER
from billing.changes.calls import carry_on, put
from billing.changes.models import Call, CallStatus, ChangeRequest, Lookup, Resolution
from billing.changes.moves import about, database_now
from billing.changes.sealed import SealedRequest
from billing.metronome.client import Gateway
from billing.metronome.operations import operation
from billing.metronome.operations.base import FindFacts, Finding, Proof


def look(gateway: Gateway, request: SealedRequest, call: Call) -> Finding:
    """Ask Metronome about a call that was sent. Raises GatewayError when it can't be read."""
    sealed_call = request.calls[call.position]
    facts = FindFacts(
        params=sealed_call.params,
        before=sealed_call.before,
        first_sent_at=call.first_sent_at,
        references=tuple(call.attempts.values_list("reference", flat=True)),
    )
    return operation(call.operation).find(gateway, facts)


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
