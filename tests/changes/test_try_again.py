"""*Try again* never makes a second one of what is there, and a doubt never ends as stale."""

from __future__ import annotations

from typing import Any

import pytest

from billing.changes.agreeing import resolving
from billing.changes.applying import apply, preflight, settling
from billing.changes.models import ChangeRequest, Word
from billing.metronome.account import Gateway
from billing.users import User
from tests.changes.test_apply import settle_until_known
from tests.changes.test_provision import ROUTES, agreed, effects, made_customer, plan, sent
from tests.simulator_server import RunningSimulator
from tests.world import by

__all__ = ["agreed", "plan", "sent"]
SET_NAME = "POST /v1/customers/{customer_id}/setName"


def doubted(change: ChangeRequest, call: int, gateway: Gateway, simulator: RunningSimulator) -> ChangeRequest:
    """Sent as far as this call, which took effect without an answer, while Metronome's log lags behind."""
    simulator.fault("GET /v1/auditLogs", "stale_read", count=None)
    simulator.fault(ROUTES[call - 1], "drop_after")
    apply.apply_change(change.pk, gateway)
    settle_until_known(change, gateway)
    assert (change.status, change.needs_person) == ("unknown", True)
    assert "as asked for" in change.explanation
    return change


@pytest.mark.parametrize("call", [1, 2, 3])
def test_what_stands_is_not_sent_again_whoever_asks(
    call: int, agreed: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, administrator: User
) -> None:
    change = doubted(agreed, call, gateway, simulator)

    resolving.resolve(change.pk, actor=by(administrator), verdict=Word.TRY_AGAIN, reason="not seen there")
    settle_until_known(change, gateway)
    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert effects(simulator) == ROUTES[:call]
    assert (change.status, change.needs_person) == ("unknown", True)
    assert change.explanation.endswith("It is not sent again.")
    assert Word.TOOK_EFFECT in resolving.options(change)


def test_and_goes_on_once_somebody_names_it(
    agreed: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, administrator: User
) -> None:
    change = doubted(agreed, 1, gateway, simulator)
    resolving.resolve(change.pk, actor=by(administrator), verdict=Word.TRY_AGAIN, reason="not seen there")
    settle_until_known(change, gateway)

    resolving.resolve(
        change.pk,
        actor=by(administrator),
        verdict=Word.TOOK_EFFECT,
        reason="I see it now",
        made_id=made_customer(simulator)["id"],
    )
    settle_until_known(change, gateway)
    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert (change.status, effects(simulator)) == ("applied", ROUTES)


def test_an_early_check_says_nothing_of_what_may_have_been_sent(
    approved: ChangeRequest,
    gateway: Gateway,
    simulator: RunningSimulator,
    snapshot: dict[str, Any],
    administrator: User,
) -> None:
    """Between a person's word and the worker's turn somebody opens the page, which asks for a check."""
    simulator.fault(SET_NAME, "drop_before")
    apply.apply_change(approved.pk, gateway)
    simulator.change("rename", snapshot["id"], name="A third name")
    settle_until_known(approved, gateway)
    resolving.resolve(approved.pk, actor=by(administrator), verdict=Word.TRY_AGAIN, reason="it failed")
    settling.settle_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert approved.status == "approved"

    preflight.ask(approved)
    preflight.check_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert approved.status == "approved"

    apply.apply_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert (approved.status, approved.needs_person) == ("unknown", True)
