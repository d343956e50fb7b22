"""Approving what can't be undone asks for a fresh proof; what was typed waits and goes on by itself."""

from __future__ import annotations

import time
from typing import Any

import pytest
import time_machine
from django.test import Client

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes.asking.survey import read_survey
from billing.changes.models import ChangeRequest, Decision
from billing.metronome.account import Gateway
from billing.mirror.resources.customer.models import Customer
from billing.users import User
from tests.pages.conftest import PASSWORD
from tests.world import propose

REASON = "Their contract ended in May; all is paid."


@pytest.fixture
def archiving(
    snapshot: dict[str, Any], gateway: Gateway, maker: User, checker: User, checker2: User
) -> ChangeRequest:
    """A request that can't be undone, waiting for its managers."""
    entered = {"clear_aliases": True, "open_business_reason": "moved"}
    survey = read_survey(gateway, snapshot["id"])
    return propose("customer.archive", maker, entered, snapshot=snapshot, survey=survey)


@pytest.fixture
def renaming(snapshot: dict[str, Any], maker: User, checker: User) -> ChangeRequest:
    return propose("customer.rename", maker, {"name": "Halcyon Logistics GmbH"}, snapshot=snapshot)


def sent(change: ChangeRequest, verdict: str = "approve") -> dict[str, str]:
    return {
        "verdict": verdict,
        "reason": REASON,
        "digest": change.digest,
        "typed": Customer.objects.get().name,
    }


def entered(checker: User) -> Client:
    client, typed = Client(), {"login": checker.username, "password": PASSWORD}
    assert client.post("/accounts/login/", typed).status_code == 302
    return client


def late(checker: User, clock: Any) -> Client:
    """The manager's browser, six minutes after signing in."""
    client = entered(checker)
    clock.shift(360)
    return client


def test_an_old_proof_is_asked_for_again_and_the_decision_goes_on(
    archiving: ChangeRequest, checker: User
) -> None:
    path = f"/changes/{archiving.reference}/decide/"
    with time_machine.travel(time.time(), tick=True) as clock:
        client = late(checker, clock)
        asked = client.post(path, sent(archiving))

        assert asked["Location"] == f"/accounts/reauthenticate/?next={path.replace('/', '%2F')}"
        assert not Decision.objects.exists()
        assert "what you typed is kept" in " ".join(client.get(asked["Location"]).content.decode().split())
        client.post(asked["Location"], {"password": "wrong"})
        assert not Decision.objects.exists()
        client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": path})

    decision = Decision.objects.get()
    assert (decision.checker, decision.reason, decision.verdict) == (checker, REASON, "approve")
    assert AuditEvent.objects.filter(event_type=Event.PERSON_CONFIRMED).count() == 1


def test_a_fresh_proof_is_enough(archiving: ChangeRequest, checker: User) -> None:
    entered(checker).post(f"/changes/{archiving.reference}/decide/", sent(archiving))

    assert Decision.objects.count() == 1


@pytest.mark.parametrize("what", ["reversible", "rejected", "limit is long"])
def test_no_proof_is_asked_for_where_none_is_needed(
    request: pytest.FixtureRequest, checker: User, settings: Any, what: str
) -> None:
    if what == "limit is long":
        settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 3600
    change = request.getfixturevalue("renaming" if what == "reversible" else "archiving")
    with time_machine.travel(time.time(), tick=True) as clock:
        form = sent(change, "reject" if what == "rejected" else "approve")
        late(checker, clock).post(f"/changes/{change.reference}/decide/", form)

    assert Decision.objects.count() == 1


def test_under_htmx_the_browser_is_led_there(archiving: ChangeRequest, checker: User) -> None:
    with time_machine.travel(time.time(), tick=True) as clock:
        client = late(checker, clock)
        answer = client.post(
            f"/changes/{archiving.reference}/decide/", sent(archiving), headers={"HX-Request": "true"}
        )

    assert answer["HX-Redirect"].startswith("/accounts/reauthenticate/?next=")
