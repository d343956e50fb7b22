"""A lone 404 settles nothing, a request says what it waits for, and a dead worker's reading is made up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from billing.changes.applying import apply, preflight, reflecting
from billing.changes.asking.survey import read_survey
from billing.changes.models import ChangeRequest
from billing.changes.moves import database_now
from billing.metronome.account import Gateway
from billing.metronome.objects import customer as customer_reads
from billing.metronome.outcomes import ReadFailed
from billing.mirror.resources.customer import likeness
from billing.mirror.resources.customer.models import Customer
from billing.users import User
from tests.changes.test_apply import settle_until_known
from tests.simulator_server import RunningSimulator
from tests.world import approve, propose


def a_lone_404(simulator: RunningSimulator) -> None:
    """Metronome says once, in words, that there is no such customer."""
    simulator.fault("GET /v1/customers/{customer_id}", "status_before", status=404, message="not found")


def test_a_lone_404_makes_no_open_request_stale(
    submitted: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    a_lone_404(simulator)

    preflight.check_change(submitted.pk, gateway)

    submitted.refresh_from_db()
    assert submitted.status == "submitted"
    assert submitted.check_error == (
        "Metronome said that there is no such customer, but lists it; it is asked again."
    )


def test_a_lone_404_before_sending_costs_time_only(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator
) -> None:
    a_lone_404(simulator)

    apply.apply_change(approved.pk, gateway)

    approved.refresh_from_db()
    assert approved.status == "approved"
    assert simulator.ledger() == []
    ChangeRequest.objects.filter(pk=approved.pk).update(next_try_at=None)
    apply.apply_change(approved.pk, gateway)
    approved.refresh_from_db()
    assert approved.status == "applied"
    assert len(simulator.ledger()) == 1


def test_a_lone_404_of_a_survey_or_of_a_look_is_no_answer(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, snapshot: dict[str, Any]
) -> None:
    a_lone_404(simulator)
    with pytest.raises(ReadFailed, match="it is asked again"):
        read_survey(gateway, snapshot["id"])
    simulator.fault("POST /v1/customers/{customer_id}/setName", "drop_after")
    apply.apply_change(approved.pk, gateway)
    a_lone_404(simulator)

    settle_until_known(approved, gateway, most=1)
    assert (approved.status, approved.needs_person) == ("unknown", False)
    settle_until_known(approved, gateway)

    assert approved.status == "applied"
    assert len(simulator.ledger()) == 1


def test_a_customer_that_no_list_has_either_makes_the_request_stale(
    approved: ChangeRequest, gateway: Gateway, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_lone_404(simulator)
    monkeypatch.setattr(customer_reads, "customers_by_id", lambda gateway, ids, *, archived: ())

    apply.apply_change(approved.pk, gateway)

    approved.refresh_from_db()
    assert (approved.status, approved.explanation) == ("stale", "Metronome no longer knows this customer.")
    assert simulator.ledger() == []


def test_a_request_that_waits_for_anothers_doubt_says_which(
    approved: ChangeRequest, snapshot: dict[str, Any], maker: User, checker: User
) -> None:
    entered = {"ingest_aliases": [*snapshot["ingest_aliases"], "another"]}
    other = approve(propose("customer.realias", maker, entered, snapshot=snapshot), checker)
    browser = Client()
    browser.force_login(maker)
    words, link = "It waits for another request.", f'href="/changes/{approved.reference}/"'
    assert words not in browser.get(f"/changes/{other.reference}/").text

    claim = apply.claim_change(approved.pk)

    assert claim is not None
    page = browser.get(f"/changes/{other.reference}/").text
    assert words in page
    assert link in page
    assert apply.claim_change(other.pk) is None
    inbox = " ".join(browser.get("/changes/?view=mine").text.split())
    assert f"waits for <a {link}>{approved.reference}</a>" in inbox
    assert inbox.count("waits for <a") == 1


@pytest.mark.parametrize("kind", ["customer.rename", "customer.create"])
def test_what_a_dead_worker_did_not_read_again_is_read_once(
    kind: str,
    snapshot: dict[str, Any],
    maker: User,
    checker: User,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entered = {"name": "Read again"} | (
        {"ingest_aliases": ["read-again"], "custom_fields": {}} if kind == "customer.create" else {}
    )
    of = None if kind == "customer.create" else snapshot
    change = approve(propose(kind, maker, entered, snapshot=of), checker)
    with monkeypatch.context() as dying:
        dying.setattr(apply, "reflect", lambda change_id, opened, just_read: None)
        apply.apply_change(change.pk, gateway)
    Customer.objects.filter(name="Read again").delete() if of is None else Customer.objects.filter(
        pk=snapshot["id"]
    ).update(fetched_at=database_now() - timedelta(minutes=5), name=snapshot["name"])
    assert reflecting.reflect_forgotten(gateway) == 0  # whoever settled it may still be about to read

    monkeypatch.setattr(reflecting, "SOON", timedelta(0))

    assert reflecting.reflect_forgotten(gateway) == 1
    assert len(likeness.customers_named("Read again")) == 1
    assert reflecting.reflect_forgotten(gateway) == 0
