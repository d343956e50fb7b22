"""Writing one back-dated request: its rows along the real arrows, and the record as real actions write it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes import sealed
from billing.changes.applying import comparing
from billing.changes.asking.proposal import Proposal
from billing.changes.asking.sealing import store, submitted_facts
from billing.changes.holds import occupy, release
from billing.changes.models import (
    Attempt,
    AttemptOutcome,
    Call,
    CallStatus,
    ChangeRequest,
    Decision,
    Lookup,
    Upshot,
    Verdict,
)
from billing.changes.operations import operation
from billing.changes.statuses import SETTLED, Status
from billing.users import User

WORKER = "changes worker"


class Story:
    """One request, told from its submit on. Every step moves `at` on; the database checks each arrow."""

    def __init__(self, proposal: Proposal, *, maker: User, reason: str, at: datetime) -> None:
        self.at, self.events = at, []
        self.proposal, self.states = proposal, proposal.before
        self.change = store(proposal, maker=maker, reason=reason, replaces=None, now=at)
        self._say(Event.CHANGE_SUBMITTED, maker, new=submitted_facts(self.change), reason=reason)
        ChangeRequest.objects.filter(pk=self.change.pk).update(checked_at=at + timedelta(seconds=4))

    def approve(self, *checkers: User, after: timedelta = timedelta(hours=2)) -> Story:
        """Each checker approves in turn; the last one moves the request on."""
        for number, checker in enumerate(checkers):
            self.at += after
            step = self.change.steps.get()
            decision = self._decide(checker, Verdict.APPROVE, "Checked against the order form.")
            is_last = number + 1 == step.people
            self._say(
                Event.CHANGE_APPROVED,
                checker,
                old={"status": "submitted"},
                new={"status": "approved" if is_last else "submitted", "decision": decision.pk, "step": 0},
                reason=decision.reason,
            )
            if is_last:
                self.move(Status.APPROVED)
        return self

    def reject(self, checker: User, reason: str, after: timedelta = timedelta(hours=3)) -> Story:
        """One checker says no."""
        self.at += after
        self._decide(checker, Verdict.REJECT, reason)
        return self.end(Status.REJECTED, Event.CHANGE_REJECTED, checker, reason=reason)

    def send(
        self,
        outcome: AttemptOutcome | None,
        message: str = "",
        *,
        position: int = 1,
        status: int | None = 200,
    ) -> Story:
        """The worker sends one call; `outcome` is how that ended."""
        if self.change.status == Status.APPROVED:
            self.at += timedelta(seconds=9)
            self.move(Status.APPLYING, claim_token=uuid.uuid4(), lease_until=self.at + timedelta(seconds=120))
        call = self.change.calls.get(position=position)
        reference = f"{self.change.reference}/{position}.1"
        self._say(
            Event.CALL_SENT,
            None,
            new={
                "call": position,
                "operation": call.operation,
                "attempt": reference,
                "key": f"{call.key}-1",
            },
        )
        sent = self.at
        self.at += timedelta(seconds=30 if outcome is AttemptOutcome.UNKNOWN else 1)
        result = self._result(position) if outcome is AttemptOutcome.APPLIED else None
        seen = (
            {"result": result}
            if result
            else {
                "status": status,
                "body": "",
                "headers": {},
                "error": message if status is None else "",
                "started_at": sent.isoformat(),
                "finished_at": self.at.isoformat(),
            }
        )
        Attempt.objects.create(
            call=call,
            number=1,
            generation=1,
            reference=reference,
            claim_token=self.change.claim_token or uuid.uuid4(),
            sent_at=sent,
            outcome=outcome,
            answered_at=self.at,
            message=message,
            evidence=seen,
        )
        settled = {
            AttemptOutcome.APPLIED: (CallStatus.APPLIED, Event.CALL_APPLIED),
            AttemptOutcome.REFUSED: (CallStatus.REFUSED, Event.CALL_REFUSED),
            AttemptOutcome.UNKNOWN: (CallStatus.UNKNOWN, Event.CALL_DOUBTED),
        }[outcome]
        Call.objects.filter(pk=call.pk).update(
            status=settled[0],
            result=result,
            first_sent_at=sent,
            settled_at=self.at if settled[0] != CallStatus.UNKNOWN else None,
        )
        self._say(
            settled[1],
            None,
            new={
                "call": position,
                "attempt": reference,
                "outcome": outcome,
                **({"message": message} if message else {}),
                **({"result": result} if result else {}),
            },
        )
        return self

    def look(self, verdict: str, sentence: str, saw: Any) -> Story:
        """One look at Metronome after an unclear answer."""
        self.at += timedelta(minutes=4)
        call = self.change.calls.get(status=CallStatus.UNKNOWN)
        Lookup.objects.create(
            call=call,
            looked_at=self.at,
            verdict=verdict,
            counts=True,
            sentence=sentence,
            evidence=[{"read": "the customer", "saw": saw}],
        )
        Call.objects.filter(pk=call.pk).update(finding=sentence)
        return self

    def end(
        self,
        status: Status,
        event: Event,
        by: User | None,
        *,
        explanation: str = "",
        reason: str = "",
        **columns: Any,
    ) -> Story:
        """Move on and record it."""
        old = self.change.status
        self.move(status, explanation=explanation, **columns)
        if status == Status.APPLIED:
            compared = comparing.number_of(sealed.read(self.change.sealed))
            Upshot.objects.create(change=self.change, looked_at=self.at, compared=compared, missed=0)
        new = {"status": status.value} | ({"explanation": explanation} if explanation else {})
        self._say(event, by, old={"status": old}, new=new, reason=reason)
        return self

    def wait(self, **much: float) -> Story:
        """Time passes."""
        self.at += timedelta(**much)
        return self

    def _result(self, position: int) -> dict[str, Any]:
        """What a call returns that took effect: the id of what it wrote to, and what it claims of that."""
        planned, before = self.proposal.calls[position - 1], self.states
        self.states = operation(planned.operation).after(before, planned.params)
        [(thing, state)] = [each for each in self.states.items() if each[1] != before.get(each[0])]
        changed = {name: value for name, value in state.items() if value != before[thing].get(name)}
        return {"id": thing.partition(":")[2], **changed}

    def _decide(self, checker: User, verdict: Verdict, reason: str) -> Decision:
        return Decision.objects.create(
            change=self.change,
            step=self.change.steps.get(),
            maker_id=self.change.maker_id,
            checker=checker,
            number=self.change.decisions.count() + 1,
            verdict=verdict,
            reason=reason,
            digest=self.change.digest,
            decided_at=self.at,
        )

    def move(self, status: Status, **columns: Any) -> None:
        """Set the status and columns; the database refuses what has no arrow."""
        if status in SETTLED:
            columns["settled_at"] = self.at
            release(self.change, is_settled=True)
        elif status == Status.APPLYING and not occupy(self.change):
            raise RuntimeError(f"{self.change.reference} writes to what another request is busy with")
        if status != Status.APPLYING:
            columns = {"claim_token": None, "lease_until": None, **columns}
        ChangeRequest.objects.filter(pk=self.change.pk).update(status=status, **columns)
        self.change.refresh_from_db()

    def _say(
        self, event: Event, by: User | None, *, old: Any = None, new: Any = None, reason: str = ""
    ) -> None:
        self.events.append(
            AuditEvent(
                occurred_at=self.at,
                event_type=event,
                actor=by,
                actor_text=by.name if by else WORKER,
                actor_role=by.role if by else "",
                subject_type="change",
                subject_id=str(self.change.uuid),
                subject_text=self.change.sentence,
                customer_id=self.change.customer_id,
                customer_name=self.change.subject_text,
                reference=self.change.reference,
                digest=self.change.digest,
                old=old,
                new=new,
                reason=reason,
                ip="10.20.0.14" if by else None,
                user_agent="Mozilla/5.0 (demo)" if by else "",
            )
        )
