"""Every status × every action: what is allowed is a table; everything else leaves the request as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction

from billing.audit.actors import system
from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes.agreeing import deciding, resolving
from billing.changes.applying import claiming, sweeping
from billing.changes.models import CallStatus, ChangeRequest, Verdict, Word
from billing.changes.moves import database_now, locked, move
from billing.changes.refusals import ActionRefused
from billing.changes.statuses import Status
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import approve, by

WAYS: dict[Status, list[Status]] = {
    Status.SUBMITTED: [],
    Status.APPROVED: [Status.APPROVED],
    Status.APPLYING: [Status.APPROVED, Status.APPLYING],
    Status.APPLIED: [Status.APPROVED, Status.APPLYING, Status.APPLIED],
    Status.REJECTED: [Status.REJECTED],
    Status.WITHDRAWN: [Status.WITHDRAWN],
    Status.EXPIRED: [Status.EXPIRED],
    Status.STALE: [Status.STALE],
    Status.REFUSED: [Status.APPROVED, Status.APPLYING, Status.REFUSED],
    Status.UNKNOWN: [Status.APPROVED, Status.APPLYING, Status.UNKNOWN],
    Status.PARTLY_APPLIED: [Status.APPROVED, Status.APPLYING, Status.PARTLY_APPLIED],
    Status.BLOCKED: [Status.APPROVED, Status.BLOCKED],
    Status.CLOSED: [Status.APPROVED, Status.APPLYING, Status.UNKNOWN, Status.CLOSED],
}
ALLOWED: dict[str, dict[Status, Status]] = {
    "approve": {Status.SUBMITTED: Status.APPROVED},
    "reject": {Status.SUBMITTED: Status.REJECTED},
    "take back": {},  # with one step, who has approved has given the last one
    "withdraw": {Status.SUBMITTED: Status.WITHDRAWN, Status.APPROVED: Status.WITHDRAWN},
    "expire": {Status.SUBMITTED: Status.EXPIRED, Status.APPROVED: Status.EXPIRED},
    "claim": {Status.APPROVED: Status.APPLYING},
    "took effect": {Status.UNKNOWN: Status.APPLIED},
    "try again": {Status.UNKNOWN: Status.UNKNOWN},
    "go on": {Status.PARTLY_APPLIED: Status.APPROVED},
    "undo": {Status.PARTLY_APPLIED: Status.CLOSED},
    "leave it": {
        Status.UNKNOWN: Status.CLOSED,
        Status.PARTLY_APPLIED: Status.CLOSED,
        Status.BLOCKED: Status.BLOCKED,  # until a second person agrees
    },
}


def bring(change: ChangeRequest, status: Status, checker: User) -> ChangeRequest:
    """Walk a fresh request along the arrows to a status."""
    for step in WAYS[status]:
        if step == Status.APPROVED:
            approve(change, checker)
        elif step == Status.APPLYING:
            assert claiming.claim_change(change.pk) is not None
        else:
            with transaction.atomic():
                row = locked(change.pk)
                if step == Status.UNKNOWN:
                    row.calls.update(status=CallStatus.UNKNOWN, first_sent_at=database_now())
                move(
                    row,
                    step,
                    actor=system("test"),
                    event=Event.CHANGE_RETURNED,
                    needs_person=step in (Status.UNKNOWN, Status.PARTLY_APPLIED, Status.BLOCKED),
                )
    change.refresh_from_db()
    assert change.status == status
    return change


def resolve(verdict: Word) -> Callable[..., object]:
    return lambda change, people: resolving.resolve(
        change.pk, actor=by(people["administrator"]), verdict=verdict, reason="looked into Metronome"
    )


def decide(verdict: Verdict) -> Callable[..., object]:
    return lambda change, people: deciding.decide(
        change.pk, actor=by(people["checker2"]), verdict=verdict, reason="seen", digest=change.digest
    )


def expire(change: ChangeRequest, people: dict[str, User]) -> None:
    assert sweeping.expire(now=change.expires_at + timedelta(seconds=1)) in (0, 1)


ACTIONS: dict[str, Callable[..., object]] = {
    "approve": decide(Verdict.APPROVE),
    "reject": decide(Verdict.REJECT),
    "take back": lambda change, people: deciding.take_back(
        change.pk, actor=by(people["checker"]), reason="seen too late"
    ),
    "withdraw": lambda change, people: deciding.withdraw(
        change.pk, actor=by(people["maker"]), reason="not needed"
    ),
    "expire": expire,
    "claim": lambda change, people: claiming.claim_change(change.pk),
    "took effect": resolve(Word.TOOK_EFFECT),
    "try again": resolve(Word.TRY_AGAIN),
    "go on": resolve(Word.GO_ON),
    "undo": resolve(Word.UNDO),
    "leave it": resolve(Word.LEAVE_IT),
}


def test_the_table_names_every_action_and_every_status() -> None:
    assert set(ALLOWED) == set(ACTIONS)
    assert set(WAYS) == set(Status)


@pytest.mark.parametrize("status", list(Status))
def test_each_action_is_allowed_exactly_where_the_table_says(
    status: Status,
    submitted: ChangeRequest,
    maker: User,
    checker: User,
    checker2: User,
    administrator: User,
    simulator: RunningSimulator,
) -> None:
    people = {"maker": maker, "checker": checker, "checker2": checker2, "administrator": administrator}
    change = bring(submitted, status, checker)

    for name, act in ACTIONS.items():
        before = AuditEvent.objects.count()
        try:
            with transaction.atomic():
                try:
                    with transaction.atomic():
                        act(change, people)
                except ActionRefused:
                    pass
                change.refresh_from_db()
                ended, written = Status(change.status), AuditEvent.objects.count() - before
                raise _Undone
        except _Undone:
            pass
        expected = ALLOWED[name].get(status, status)
        assert (name, ended) == (name, expected)
        assert (written > 0) == (status in ALLOWED[name] and name != "claim"), name
        change.refresh_from_db()
    assert simulator.ledger() == []


class _Undone(Exception):
    """Takes back what one action did."""


def test_a_claim_is_not_given_twice(approved: ChangeRequest) -> None:
    first = claiming.claim_change(approved.pk)

    assert first is not None
    assert claiming.claim_change(approved.pk) is None
