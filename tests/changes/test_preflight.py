"""The live check of an open request, and proposing again after it went stale."""

from __future__ import annotations

from typing import Any

from billing.changes import sealed
from billing.changes.applying import preflight
from billing.changes.asking import submitting
from billing.changes.asking.kinds import KINDS
from billing.changes.models import ChangeRequest
from billing.metronome.account import Gateway
from billing.mirror.resources.customer import queries as mirror
from billing.users import User
from tests.changes.test_decide import events
from tests.simulator_server import RunningSimulator
from tests.world import about, by


def test_an_unmoved_customer_leaves_the_request_checked(
    submitted: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    preflight.check_change(submitted.pk, gateway)

    submitted.refresh_from_db()
    assert submitted.status == "submitted"
    assert submitted.checked_at is not None
    assert simulator.ledger() == []


def test_a_moved_customer_makes_it_stale_before_anybody_decides_and_it_can_be_proposed_again(
    submitted: ChangeRequest,
    gateway: Gateway,
    simulator: RunningSimulator,
    snapshot: dict[str, Any],
    maker: User,
) -> None:
    simulator.change("rename", snapshot["id"], name="Moved on")

    preflight.check_change(submitted.pk, gateway)

    submitted.refresh_from_db()
    assert submitted.status == "stale"
    assert events(submitted) == ["change.submitted", "change.staled"]
    proposal = KINDS["customer.rename"].build(
        sealed.read(submitted.sealed).form, about(mirror.snapshot(snapshot["id"]))
    )
    again = submitting.submit(proposal, actor=by(maker), reason="still wanted", replaces=submitted)
    assert again.replaces == submitted
    assert sealed.read(again.sealed).before[f"customer:{again.customer_id}"]["name"] == "Moved on"


def test_an_unreadable_metronome_changes_no_status_and_says_so(
    submitted: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault("GET /v1/customers/{customer_id}", "status_before", status=503)

    preflight.check_change(submitted.pk, gateway)

    submitted.refresh_from_db()
    assert submitted.status == "submitted"
    assert "503" in submitted.check_error


def test_a_check_is_asked_for_at_most_once_a_minute(submitted: ChangeRequest) -> None:
    assert preflight.ask(submitted) is True
    assert preflight.ask(submitted) is False
