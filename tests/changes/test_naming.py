"""*It took effect*, of a call that makes something: the person names the thing, and Metronome is asked."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from billing.audit.models import AuditEvent
from billing.changes.agreeing import resolving
from billing.changes.applying import apply
from billing.changes.models import ChangeRequest, Resolution, Word
from billing.changes.refusals import BadInput, WrongState
from billing.metronome.account import Gateway
from billing.users import User
from tests.changes.test_apply import settle_until_known
from tests.changes.test_provision import ROUTES, effects
from tests.changes.test_tampering import without_guards
from tests.faults.answers import forget
from tests.simulator_server import RunningSimulator
from tests.world import approve, by, propose


@pytest.fixture
def doubtful(maker: User, checker: User, gateway: Gateway, simulator: RunningSimulator) -> ChangeRequest:
    """A creation that took effect, of which nothing in Metronome tells that it is ours."""
    entered = {"name": "Newcomer AB", "ingest_aliases": ["newcomer"], "custom_fields": {}}
    change = approve(propose("customer.create", maker, entered), checker)
    simulator.fault(ROUTES[0], "drop_after")
    apply.apply_change(change.pk, gateway)
    forget(simulator, "audit_log", "answers")
    settle_until_known(change, gateway)
    assert (change.status, change.needs_person) == ("unknown", True)
    assert "nothing shows that we made it" in change.explanation
    return change


def say(change: ChangeRequest, administrator: User, made_id: str, verdict: Word = Word.TOOK_EFFECT) -> None:
    resolving.resolve(
        change.pk, actor=by(administrator), verdict=verdict, reason="I see it in their app", made_id=made_id
    )


def test_what_is_named_rightly_is_applied_with_its_id_as_metronome_shows_it(
    doubtful: ChangeRequest, administrator: User, gateway: Gateway, simulator: RunningSimulator
) -> None:
    made = simulator.customer(alias="newcomer")["id"]

    say(doubtful, administrator, made)
    doubtful.refresh_from_db()
    assert (doubtful.status, doubtful.needs_person) == ("unknown", False)
    settle_until_known(doubtful, gateway)

    assert (doubtful.status, str(doubtful.about_customer)) == ("applied", made)
    assert doubtful.calls.get().result == {"id": made, "name": "Newcomer AB"}
    assert doubtful.resolutions.get().carried_out_at is not None
    assert doubtful.explanation == f"The customer {made} is as asked for."
    word = AuditEvent.objects.get(reference=doubtful.reference, event_type="change.resolved")
    assert word.new["made_id"] == made
    assert effects(simulator) == ROUTES[:1]


@pytest.mark.parametrize("which", ["nobody", "an older one", "another new one"])
def test_what_is_named_wrongly_changes_nothing_and_only_leaving_or_undoing_is_left(
    which: str,
    doubtful: ChangeRequest,
    snapshot: dict[str, Any],
    administrator: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    if which == "another new one":
        simulator.change("create", name="Somebody else", ingest_aliases=["else"])
    named = {
        "nobody": str(uuid.uuid4()),
        "an older one": snapshot["id"],
        "another new one": (simulator.customer(alias="else") or {}).get("id"),
    }[which]

    say(doubtful, administrator, named)
    settle_until_known(doubtful, gateway)

    assert (doubtful.status, doubtful.needs_person) == ("unknown", True)
    assert doubtful.explanation.startswith(f"The customer {named} is not what this call made: it ")
    assert doubtful.explanation.endswith("It is not sent again.")
    assert doubtful.calls.get().result is None
    assert resolving.options(doubtful) == (Word.UNDO, Word.LEAVE_IT)
    with pytest.raises(WrongState):
        say(doubtful, administrator, named)
    with pytest.raises(WrongState):
        say(doubtful, administrator, "", Word.TRY_AGAIN)
    assert effects(simulator) == ROUTES[:1]

    say(doubtful, administrator, "", Word.LEAVE_IT)
    doubtful.refresh_from_db()
    assert doubtful.status == "closed"


def test_a_later_look_that_finds_our_row_settles_it_all_the_same(
    doubtful: ChangeRequest, administrator: User, gateway: Gateway, simulator: RunningSimulator
) -> None:
    say(doubtful, administrator, str(uuid.uuid4()))
    settle_until_known(doubtful, gateway)
    state = simulator.control("GET", "snapshot")
    ours = [each for each in simulator.ledger() if each["user_agent"].startswith("countersign/")][-1]
    made = simulator.customer(alias="newcomer")["id"]
    state["main"]["audit_log"].append(
        {
            "id": str(uuid.uuid4()),
            "timestamp": ours["at"] if "at" in ours else state["main"]["customers"][made]["created_at"],
            "request": {"id": "r", "ip": "127.0.0.1", "user_agent": ours["user_agent"]},
            "actor": {"id": str(uuid.uuid4()), "name": "countersign"},
            "resource_type": "customer",
            "resource_id": made,
            "action": "create",
            "description": "",
            "status": "success",
        }
    )
    simulator.control("POST", "restore", state)
    ChangeRequest.objects.filter(pk=doubtful.pk).update(needs_person=False, next_try_at=None)

    settle_until_known(doubtful, gateway)

    assert doubtful.status == "applied", doubtful.explanation


@pytest.mark.parametrize(
    ("made_id", "words"),
    [
        ("", "Give the id of the customer that it made; it has 32 hexadecimal digits."),
        ("newcomer", "That is no id; it has 32 hexadecimal digits."),
    ],
)
def test_without_an_id_the_form_comes_back_with_what_was_typed(
    made_id: str, words: str, doubtful: ChangeRequest, administrator: User
) -> None:
    browser = Client()
    browser.force_login(administrator)
    address = f"/changes/{doubtful.reference}/resolve/"

    answer = browser.post(address, {"verdict": "took_effect", "reason": "I saw it", "made_id": made_id})

    assert answer.status_code == 422
    assert words in answer.text
    assert "I saw it" in answer.text
    assert "Id of the customer that it made" in answer.text
    assert not Resolution.objects.exists()


def test_an_id_with_another_word_is_refused_and_one_that_was_named_stays(
    doubtful: ChangeRequest, administrator: User, simulator: RunningSimulator
) -> None:
    with pytest.raises(BadInput, match="clear the id"):
        say(doubtful, administrator, str(uuid.uuid4()), Word.LEAVE_IT)
    say(doubtful, administrator, simulator.customer(alias="newcomer")["id"])

    with pytest.raises(IntegrityError, match="what a person named stays"), transaction.atomic():
        Resolution.objects.update(made_id=uuid.uuid4())


def test_a_word_that_waits_when_the_request_is_blocked_is_never_carried_out_and_two_close_it(
    doubtful: ChangeRequest,
    administrator: User,
    checker2: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    say(doubtful, administrator, simulator.customer(alias="newcomer")["id"])
    with without_guards("billing_call") as cursor:
        cursor.execute("UPDATE billing_call SET key = gen_random_uuid()")

    settle_until_known(doubtful, gateway)

    assert (doubtful.status, doubtful.needs_person) == ("blocked", True)
    assert not doubtful.resolutions.filter(carried_out_at__isnull=True).exists()
    assert doubtful.calls.get().result is None
    say(doubtful, administrator, "", Word.LEAVE_IT)
    resolving.second(doubtful.pk, actor=by(checker2), reason="so be it")
    doubtful.refresh_from_db()
    assert doubtful.status == "closed"


def test_of_a_later_call_the_thing_is_named_too(
    snapshot: dict[str, Any],
    maker: User,
    checker: User,
    administrator: User,
    gateway: Gateway,
    simulator: RunningSimulator,
) -> None:
    from billing.changes.asking.kinds.billing.fields import Billing

    stripe = {"stripe_customer_id": "cus_7", "stripe_collection_method": "send_invoice"}
    entered = {
        "name": "Provisioned AB",
        "ingest_aliases": ["provisioned"],
        "custom_fields": {},
        "billing": Billing("stripe", stripe, "direct_to_billing_provider", ""),
        "plan_id": "",
        "starting_on": "",
    }
    change = approve(propose("customer.provision", maker, entered), checker)
    simulator.fault(ROUTES[1], "drop_after")
    apply.apply_change(change.pk, gateway)
    forget(simulator, "audit_log", "answers")
    settle_until_known(change, gateway)
    assert (change.status, change.needs_person) == ("unknown", True), change.explanation
    assert resolving.made_by_the_doubtful(change) == "billing configuration"
    customer = simulator.customer(alias="provisioned")["id"]
    state = simulator.control("GET", "snapshot")["main"]
    (made,) = state["billing_configurations"][customer]

    say(change, administrator, made["id"])
    settle_until_known(change, gateway)

    assert change.status == "applied", change.explanation
    assert [call.result for call in change.calls.all()][1] == {"id": made["id"]}
    assert str(change.about_customer) == customer
    assert effects(simulator) == ROUTES[:2]
