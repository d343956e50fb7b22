"""An id that a later call takes from an earlier one is the recorded one, or nothing more is sent."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.errors import RestrictViolation

from billing.audit.models import AuditEvent
from billing.changes.agreeing import resolving
from billing.changes.applying import apply
from billing.changes.models import Attempt, ChangeRequest, Word
from billing.metronome.account import Gateway
from billing.users import User
from tests.changes.test_provision import ROUTES, agreed, effects, made_customer, plan, sent
from tests.changes.test_tampering import without_guards
from tests.simulator_server import RunningSimulator
from tests.world import by

__all__ = ["agreed", "plan", "sent"]
OTHER = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def halfway(
    agreed: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, administrator: User
) -> ChangeRequest:
    """Created and billed; the plan was refused, and a person decided to go on."""
    simulator.fault(ROUTES[2], "status_before", status=400, message="The plan is being edited")
    apply.apply_change(agreed.pk, gateway)
    resolving.resolve(agreed.pk, actor=by(administrator), verdict=Word.GO_ON, reason="it is published")
    agreed.refresh_from_db()
    assert (agreed.status, effects(simulator)) == ("approved", ROUTES[:2])
    return agreed


def test_a_sending_keeps_what_was_filled_in(halfway: ChangeRequest, simulator: RunningSimulator) -> None:
    made = made_customer(simulator)["id"]
    first, second, third = (Attempt.objects.get(call__change=halfway, call__position=n) for n in (1, 2, 3))

    assert first.request is None
    assert second.request["body"]["data"][0]["customer_id"] == made
    assert third.request["path"] == f"/v1/customers/{made}/plans/add"


EDITS = {
    "the result": 'UPDATE billing_call SET result = \'{"id": "%s"}\' WHERE position = 1',
    "result and record": 'UPDATE billing_call SET result = \'{"id": "%s"}\' WHERE position = 1;'
    " UPDATE billing_auditevent SET new = jsonb_set(new, '{result,id}', '\"%s\"') WHERE new ? 'result'",
    "what was sent": "UPDATE billing_attempt SET request = jsonb_set(request, '{path}', '\"/v1/%s\"')"
    " WHERE request IS NOT NULL",
}


@pytest.mark.parametrize("what", EDITS)
def test_edited_by_the_owner_it_is_blocked_before_the_next_call(
    halfway: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, what: str
) -> None:
    with without_guards("billing_call", "billing_attempt", "billing_auditevent") as cursor:
        cursor.execute(EDITS[what].replace("%s", OTHER))

    apply.apply_change(halfway.pk, gateway)

    halfway.refresh_from_db()
    assert halfway.status == "blocked", halfway.explanation
    assert "Nothing more is sent." in halfway.explanation
    assert effects(simulator) == ROUTES[:2]
    assert AuditEvent.objects.filter(event_type="change.blocked").count() == 1


RESULT = 'UPDATE billing_call SET result = \'{"id": "%s"}\' WHERE position = '
TRIES = {
    "another id": RESULT + "1",
    "no id": "UPDATE billing_call SET result = NULL WHERE position = 1",
    "an id too early": RESULT + "3",
    "another request that was sent": "UPDATE billing_attempt SET request = NULL",
}


@pytest.mark.parametrize("what", TRIES)
def test_the_application_role_is_refused(halfway: ChangeRequest, application_url: str, what: str) -> None:
    before: list[Any] = list(halfway.calls.values_list("result", flat=True))

    with psycopg.connect(application_url, autocommit=True) as application, pytest.raises(RestrictViolation):
        application.execute(TRIES[what].replace("%s", OTHER))

    assert list(halfway.calls.values_list("result", flat=True)) == before
