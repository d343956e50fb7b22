"""Applying: each outcome, told from what Metronome really answered, over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from billing.audit.actors import system
from billing.audit.models import AuditEvent
from billing.changes.applying import apply, settling, sweeping
from billing.changes.models import ChangeRequest
from billing.control import freezing
from billing.metronome.account import Gateway
from billing.mirror.resources.customer import likeness
from billing.mirror.resources.customer import queries as mirror
from billing.users import User
from tests.changes.test_decide import events
from tests.simulator_server import RunningSimulator
from tests.world import approve, propose

SET_NAME = "POST /v1/customers/{customer_id}/setName"


def mirrored_as(name: str) -> list[str]:
    """The ids of the customers that the mirror shows under a name."""
    return [str(customer.id) for customer in likeness.customers_named(name)]


def settle_until_known(change: ChangeRequest, gateway: Gateway, most: int = 6) -> None:
    """Look, and send again where that is safe, as the sweep does, without waiting for the clock."""
    for _round in range(most):
        ChangeRequest.objects.filter(pk=change.pk).update(next_try_at=None)
        change.refresh_from_db()
        if change.is_settled or change.needs_person:
            return
        settling.settle_change(change.pk, gateway)
        apply.apply_change(change.pk, gateway)
    change.refresh_from_db()


def test_an_approved_renaming_is_applied_once_under_its_reference(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any]
) -> None:
    apply.apply_change(approved.pk, gateway)
    apply.apply_change(approved.pk, gateway)

    approved.refresh_from_db()
    assert approved.status == "applied"
    (effect,) = simulator.ledger()
    assert (effect["resource_id"], effect["after"]["name"]) == (snapshot["id"], "Halcyon Freight GmbH")
    call = approved.calls.get()
    assert effect["idempotency_key"] == f"{call.key}-1"
    assert effect["user_agent"].endswith(f" {approved.reference}/1.1")
    assert effect["user_agent"].startswith("countersign/1.0 (")
    assert events(approved) == [
        "change.submitted",
        "change.approved",
        "call.sent",
        "call.applied",
        "change.applied",
    ]
    assert mirror.snapshot(snapshot["id"])["name"] == "Halcyon Freight GmbH"


def test_nothing_is_sent_before_it_is_approved(
    submitted: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    apply.apply_change(submitted.pk, gateway)
    sweeping.sweep(gateway)

    submitted.refresh_from_db()
    assert submitted.status == "submitted"
    assert simulator.ledger() == []


def test_a_customer_renamed_elsewhere_makes_the_request_stale(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any]
) -> None:
    simulator.change("rename", snapshot["id"], name="Renamed elsewhere")

    apply.apply_change(approved.pk, gateway)

    approved.refresh_from_db()
    assert approved.status == "stale"
    assert "Renamed elsewhere" in approved.explanation
    assert simulator.customer(id=snapshot["id"])["name"] == "Renamed elsewhere"
    assert len(simulator.ledger()) == 1


def test_an_added_alias_taken_meanwhile_is_never_sent(
    snapshot: dict[str, Any], maker: User, checker: User, gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.control("POST", "switches", {"held_alias": "move"})
    wanted = [*snapshot["ingest_aliases"], "contested"]
    change = approve(
        propose("customer.realias", maker, {"ingest_aliases": wanted}, snapshot=snapshot), checker
    )
    simulator.change("create", name="Quicker", ingest_aliases=["contested"])

    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert change.status == "stale"
    assert "Quicker" in change.explanation
    assert simulator.customer(alias="contested")["name"] == "Quicker"
    assert [effect["route"] for effect in simulator.ledger()] == ["POST /v1/customers"]


def test_a_refusal_is_final_and_shows_metronomes_words(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault(SET_NAME, "status_before", status=400, message="Name is not allowed here")

    apply.apply_change(approved.pk, gateway)

    approved.refresh_from_db()
    assert (approved.status, approved.explanation) == ("refused", "Name is not allowed here")
    assert simulator.ledger() == []
    assert events(approved)[-2:] == ["call.refused", "change.refused"]


def test_a_refusal_of_what_stands_all_the_same_is_looked_up_and_never_filed_as_a_no(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault(SET_NAME, "status_after", status=400, message="no")

    apply.apply_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert (approved.status, approved.explanation) == (
        "unknown",
        "Metronome said “no”, but what was asked for stands.",
    )
    settle_until_known(approved, gateway)

    assert approved.status == "applied"
    assert len(simulator.ledger()) == 1
    assert approved.calls.get().attempts.count() == 1


def test_a_rate_limit_costs_time_only(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault(SET_NAME, "status_before", status=429, message="slow down")

    apply.apply_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert (approved.status, approved.calls.get().status) == ("approved", "waiting")
    settle_until_known(approved, gateway)

    assert approved.status == "applied"
    assert len(simulator.ledger()) == 1


@pytest.mark.parametrize("kind", ["drop_after", "html", "empty_object", "truncated"])
def test_an_effect_without_a_trustworthy_answer_is_found_and_not_repeated(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, kind: str
) -> None:
    simulator.fault(SET_NAME, kind)

    apply.apply_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert approved.status == "unknown"
    settle_until_known(approved, gateway)

    assert approved.status == "applied"
    assert len(simulator.ledger()) == 1
    assert approved.calls.get().attempts.count() == 1
    assert str(approved.customer_id) in mirrored_as("Halcyon Freight GmbH")


@pytest.mark.parametrize(
    ("kind", "options", "generation"),
    [("drop_before", {}, 1), ("status_before", {"status": 500}, 2), ("status_before", {"status": 503}, 1)],
)
def test_silence_before_the_effect_is_looked_up_twice_and_once_more_before_it_goes_again(
    approved: ChangeRequest,
    gateway: Gateway,
    simulator: RunningSimulator,
    kind: str,
    options: dict[str, Any],
    generation: int,
) -> None:
    simulator.fault(SET_NAME, kind, **options)

    apply.apply_change(approved.pk, gateway)
    settle_until_known(approved, gateway)

    assert approved.status == "applied"
    assert len(simulator.ledger()) == 1
    call = approved.calls.get()
    assert (call.attempts.count(), call.generation) == (2, generation)
    looks = [(look.verdict, look.counts) for look in call.lookups.order_by("looked_at")]
    assert looks == [("not_applied", True), ("not_applied", True), ("not_applied", False)]


def test_not_applied_does_not_count_before_the_call_has_settled(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, settings: Any
) -> None:
    settings.SETTLE_SECONDS = 600
    simulator.fault(SET_NAME, "drop_before")

    apply.apply_change(approved.pk, gateway)
    settle_until_known(approved, gateway, most=3)

    assert approved.status == "unknown"
    assert approved.calls.get().attempts.count() == 1
    assert simulator.ledger() == []


def test_a_third_value_goes_to_a_person_with_the_evidence(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any]
) -> None:
    simulator.fault(SET_NAME, "drop_before")
    apply.apply_change(approved.pk, gateway)
    simulator.change("rename", snapshot["id"], name="A third name")

    settle_until_known(approved, gateway)

    assert (approved.status, approved.needs_person) == ("unknown", True)
    look = approved.calls.get().lookups.last()
    assert look.verdict == "cannot_tell"
    assert look.evidence[0]["saw"]["name"] == "A third name"
    assert len(simulator.ledger()) == 1


@pytest.mark.parametrize("kind", ["drop_before", "status_before"])
def test_an_effect_that_shows_only_before_the_resend_is_our_own_never_stale(
    approved: ChangeRequest,
    gateway: Gateway,
    simulator: RunningSimulator,
    snapshot: dict[str, Any],
    kind: str,
) -> None:
    simulator.fault(SET_NAME, kind)
    apply.apply_change(approved.pk, gateway)
    for _look in range(2):
        ChangeRequest.objects.update(next_try_at=None)
        settling.settle_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert approved.status == "approved"
    simulator.change("rename", snapshot["id"], name="Halcyon Freight GmbH")  # the first sending lands late

    apply.apply_change(approved.pk, gateway)

    approved.refresh_from_db()
    assert (approved.status, approved.explanation) == ("applied", "The customer has the new name.")
    call = approved.calls.get()
    assert call.attempts.count() == 1
    assert [look.verdict for look in call.lookups.all()] == ["not_applied", "not_applied", "applied"]
    assert len(simulator.ledger()) == 1
    assert events(approved)[-2:] == ["call.found", "change.applied"]


def test_a_third_value_before_the_resend_is_a_persons_question(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any]
) -> None:
    simulator.fault(SET_NAME, "drop_before")
    apply.apply_change(approved.pk, gateway)
    for _look in range(2):
        ChangeRequest.objects.update(next_try_at=None)
        settling.settle_change(approved.pk, gateway)
    simulator.change("rename", snapshot["id"], name="A third name")

    apply.apply_change(approved.pk, gateway)

    approved.refresh_from_db()
    assert (approved.status, approved.needs_person) == ("unknown", True)
    assert "neither the old one nor ours" in approved.explanation
    assert approved.calls.get().attempts.count() == 1
    assert len(simulator.ledger()) == 1


def test_an_unknown_token_halts_everything_and_loses_nothing(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault(SET_NAME, "status_before", status=401, message="Unauthorized")

    apply.apply_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert approved.status == "approved"
    assert freezing.state().frozen
    assert "401" in freezing.state().reason
    ChangeRequest.objects.update(next_try_at=None)
    sweeping.sweep(gateway)
    assert simulator.ledger() == []

    freezing.unfreeze(system("cure"), "token replaced")
    settle_until_known(approved, gateway)
    assert approved.status == "applied"
    assert len(simulator.ledger()) == 1


def test_a_frozen_switch_stops_the_claim(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, administrator: User
) -> None:
    from tests.world import by

    freezing.freeze(by(administrator), "month end")

    apply.apply_change(approved.pk, gateway)

    approved.refresh_from_db()
    assert approved.status == "approved"
    assert simulator.ledger() == []


def test_creating_finds_its_customer_again_by_alias_and_log(
    house: None, maker: User, checker: User, gateway: Gateway, simulator: RunningSimulator
) -> None:
    change = propose(
        "customer.create",
        maker,
        {"name": "Newcomer AB", "ingest_aliases": ["newcomer", " spaced "], "custom_fields": {}},
    )
    approve(change, checker)
    simulator.fault("POST /v1/customers", "drop_after")

    apply.apply_change(change.pk, gateway)
    settle_until_known(change, gateway)

    assert change.status == "applied"
    assert len(simulator.ledger()) == 1
    made = simulator.customer(alias=" spaced ")
    assert (made["name"], change.calls.get().result["id"]) == ("Newcomer AB", made["id"])
    assert AuditEvent.objects.filter(event_type="call.found", reference=change.reference).count() == 1


def test_a_created_customer_and_its_request_lead_to_one_another(
    house: None, maker: User, checker: User, auditor: User, gateway: Gateway, simulator: RunningSimulator
) -> None:
    fields = {"name": "Newcomer AB", "ingest_aliases": ["newcomer"], "custom_fields": {}}
    change = approve(propose("customer.create", maker, fields), checker)
    apply.apply_change(change.pk, gateway)
    customer_id = simulator.customer(alias="newcomer")["id"]
    browser = Client()
    browser.force_login(auditor)

    request_page = browser.get(f"/changes/{change.reference}/").text
    customer_page = browser.get(f"/customers/{customer_id}/").text

    assert f'href="/customers/{customer_id}/"' in request_page
    assert change.reference in customer_page
    settled = AuditEvent.objects.get(event_type="change.applied", reference=change.reference)
    assert str(settled.customer_id) == customer_id
