"""The demo’s past is told as the real actions tell it: the same events and parts, the same columns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Model

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes.agreeing import deciding
from billing.changes.applying import apply
from billing.changes.applying.verifying import verified
from billing.changes.asking.kinds import KINDS
from billing.changes.models import Attempt, AttemptOutcome, Call, ChangeRequest, Decision, Verdict
from billing.changes.moves import database_now
from billing.changes.statuses import Status
from billing.management.demo.story import Story
from billing.metronome.account import Gateway
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import about, approve, by, mirrored

SET_NAME = "POST /v1/customers/{customer_id}/setName"
REFUSED = "Name is not allowed"


def shape(value: Any) -> Any:
    """The parts that a value has, whatever they hold."""
    return {name: shape(inner) for name, inner in value.items()} if isinstance(value, dict) else type(value)


def told(change: ChangeRequest) -> list[dict[str, Any]]:
    """What each event of a request says, but for ids, times and addresses."""
    return [
        {
            "event": event.event_type,
            "actor": event.actor_text,
            "role": event.actor_role,
            "is_person": event.actor_id is not None,
            "subject": (event.subject_type, event.subject_id == str(change.uuid), event.subject_text),
            "customer": (event.customer_id == change.customer_id, event.customer_name),
            "digest": event.digest == change.digest,
            "old": shape(event.old),
            "new": shape(event.new),
            "reason": bool(event.reason),
        }
        for event in AuditEvent.objects.filter(reference=change.reference).order_by("pk")
    ]


def given(row: Model) -> dict[str, bool]:
    """Which columns of a row hold something, but for the check with Metronome that only the demo tells of."""
    columns = {field.attname for field in row._meta.concrete_fields} - {"checked_at"}
    return {name: bool(getattr(row, name)) for name in columns}


def rows(change: ChangeRequest) -> list[dict[str, bool]]:
    """The same of the request and of all that hangs on it."""
    change.refresh_from_db()
    decisions = Decision.objects.filter(change=change).order_by("pk")
    calls = Call.objects.filter(change=change).order_by("position")
    attempts = Attempt.objects.filter(call__change=change).order_by("pk")
    return [given(row) for row in (change, *decisions, *calls, *attempts)]


Tell = Callable[[Callable[[Story], object]], ChangeRequest]


@pytest.fixture
def tell(gateway: Gateway, simulator: RunningSimulator, maker: User) -> Tell:
    """Tells of a renaming of another customer from three days ago on, in one transaction as the demo does."""
    snapshot = mirrored(gateway, simulator, 7)
    proposal = KINDS["customer.rename"].build({"name": "Halcyon Freight GmbH"}, about(snapshot))

    @transaction.atomic
    def told_by(steps: Callable[[Story], object]) -> ChangeRequest:
        at = database_now() - timedelta(days=3)
        story = Story(proposal, maker=maker, reason="as agreed with the customer", at=at)
        steps(story)
        AuditEvent.objects.bulk_create(story.events)
        return story.change

    return told_by


def same_subject(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event | {"subject": event["subject"][:2], "customer": event["customer"][0]} for event in events]


def agree(real: ChangeRequest, change: ChangeRequest) -> None:
    """Both leave the same behind."""
    real.refresh_from_db()

    assert same_subject(told(change)) == same_subject(told(real))
    assert rows(change) == rows(real)


def test_an_applied_request_is_told_as_it_happens(
    submitted: ChangeRequest, checker: User, gateway: Gateway, tell: Tell
) -> None:
    approve(submitted, checker)
    apply.apply_change(submitted.pk, gateway)

    def steps(story: Story) -> None:
        story.approve(checker).send(AttemptOutcome.APPLIED)
        story.end(Status.APPLIED, Event.CHANGE_APPLIED, None)

    change = tell(steps)

    agree(submitted, change)
    verified(change)


def test_a_refused_request_is_told_as_it_happens(
    submitted: ChangeRequest, checker: User, gateway: Gateway, simulator: RunningSimulator, tell: Tell
) -> None:
    approve(submitted, checker)
    simulator.fault(SET_NAME, "status_before", status=400, message=REFUSED)
    apply.apply_change(submitted.pk, gateway)

    def steps(story: Story) -> None:
        story.approve(checker).send(AttemptOutcome.REFUSED, REFUSED, status=400)
        story.end(Status.REFUSED, Event.CHANGE_REFUSED, None, explanation=REFUSED)

    agree(submitted, tell(steps))


def test_a_rejected_request_is_told_as_it_happens(
    submitted: ChangeRequest, checker: User, tell: Tell
) -> None:
    deciding.decide(
        submitted.pk,
        actor=by(checker),
        verdict=Verdict.REJECT,
        reason="not agreed",
        digest=submitted.digest,
        typed="",
    )

    agree(submitted, tell(lambda story: story.reject(checker, "not agreed")))


def test_a_withdrawn_request_is_told_as_it_happens(submitted: ChangeRequest, maker: User, tell: Tell) -> None:
    deciding.withdraw(submitted.pk, actor=by(maker), reason="a mistake")

    def steps(story: Story) -> None:
        story.end(Status.WITHDRAWN, Event.CHANGE_WITHDRAWN, maker, reason="a mistake")

    agree(submitted, tell(steps))
