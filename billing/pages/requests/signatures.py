"""Who has signed a request and who still has to, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from billing.changes.agreeing import deciding
from billing.changes.models import ChangeRequest, Decision, Verdict, Word, last_words
from billing.changes.statuses import Status
from billing.lists.prepared import NOBODY, Records

WORKER = "Changes worker"
THEN = {
    Status.SUBMITTED: "somebody else has to agree",
    Status.APPROVED: "nothing more is sent, and it has to be proposed again",
}
"""What follows where an approval counts no more, while something of the request is still to be sent."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One line of the signatures: `state` is signed, open, or yours to sign."""

    state: str
    tone: str
    who: str
    title: str
    detail: str
    at: datetime | None = None


def signatures(change: ChangeRequest, *, waits_for_me: bool) -> list[Signature]:
    """The maker, each person's last decision, each approval that is missing, and the worker, in order."""
    maker = change.maker
    decisions = _decisions().asked(change=change.pk)
    return [
        Signature("signed", "good", maker.name, "Proposed", maker.get_role_display(), change.submitted_at),
        *(_decided(change, decision) for decision in decisions),
        *_missing(change, waits_for_me=waits_for_me, is_first=not decisions),
        _worker(change),
    ]


@cache
def _decisions() -> Records:
    rows = Decision.objects.filter(last_words(), change=NOBODY).select_related("checker", "step")
    return Records(rows, change=NOBODY)


def _decided(change: ChangeRequest, decision: Decision) -> Signature:
    checker = decision.checker
    if decision.verdict == Verdict.TAKE_BACK:
        title = "Took their approval back"
        return Signature("open", "warn", checker.name, title, checker.get_role_display(), decision.decided_at)
    approved = decision.verdict == Verdict.APPROVE
    if approved and change.status in THEN and (gone := decision.why_it_does_not_count()):
        detail = f"approved, but {gone}: {THEN[Status(change.status)]}"
        return Signature("open", "warn", checker.name, "No longer counts", detail)
    tone, title = ("good", "Approved") if approved else ("bad", "Rejected")
    return Signature("signed", tone, checker.name, title, checker.get_role_display(), decision.decided_at)


def _missing(change: ChangeRequest, *, waits_for_me: bool, is_first: bool) -> Iterator[Signature]:
    if change.status != Status.SUBMITTED:
        return
    for step, missing in deciding.open_steps(change):
        detail = f"any {step.role} but the maker"
        for number in range(missing):
            if waits_for_me and number == 0:
                yield Signature("yours", "info", "Waiting for you", "Approval", detail)
            else:
                who = f"A {step.role}" if is_first else f"Another {step.role}"
                yield Signature("open", "plain", who, "Approval", detail)


def _worker(change: ChangeRequest) -> Signature:
    if change.status == Status.APPLIED:
        by_word = change.resolutions.filter(verdict=Word.TOOK_EFFECT).exists()
        how = "by a person’s word" if by_word else "as Metronome shows it"
        return Signature("signed", "good", WORKER, "Carried out", how, change.settled_at)
    if change.is_settled or change.status == Status.BLOCKED:
        label = change.get_status_display().lower()
        return Signature("open", "plain", WORKER, "Does nothing more", label, change.settled_at)
    return Signature("open", "plain", WORKER, "Carries it out", "exactly the calls below")
