"""Proposing through a browser: a renaming, an archive with its survey, and what a form hints at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client
from django.utils.html import escape

from billing.changes.applying import apply
from billing.changes.asking import survey
from billing.changes.models import ChangeRequest
from billing.changes.moves import database_now
from billing.metronome.account import Gateway
from billing.mirror.resources.customer.models import Customer
from billing.users import User
from tests.simulator_server import RunningSimulator
from tests.world import approve, mirrored

SignIn = Callable[[User], Client]


def test_finance_proposes_a_renaming_and_it_is_sealed(
    snapshot: dict[str, Any], maker: User, as_person: SignIn
) -> None:
    browser = as_person(maker)
    address = f"/changes/new/customer.rename/?customer={snapshot['id']}"
    assert browser.get(address).status_code == 200

    refused = browser.post(address, {"name": "x" * 161, "reason": ""})
    assert refused.status_code == 422
    assert "x" * 161 in refused.text
    sent = browser.post(address, {"name": "<script>alert(1)</script>", "reason": "as ordered"})

    change = ChangeRequest.objects.get()
    assert (sent.status_code, sent["Location"]) == (302, f"/changes/{change.reference}/")
    page = browser.get(sent["Location"]).text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_archiving_waits_for_the_survey_and_asks_for_the_name(
    snapshot: dict[str, Any],
    maker: User,
    checker: User,
    checker2: User,
    gateway: Gateway,
    simulator: RunningSimulator,
    as_person: SignIn,
) -> None:
    browser = as_person(maker)
    address = f"/changes/new/customer.archive/?customer={snapshot['id']}"
    assert "Send for approval" not in browser.get(address).text
    from billing.changes.models import Survey

    survey.answer(Survey.objects.get().uuid, gateway)
    page = browser.get(address).text
    assert "Send for approval" in page

    entered = {"clear_aliases": "yes", "typed_name": "wrong", "reason": "merged"}
    entered |= {"open_business": "on", "open_business_reason": "moved to the group"}
    assert browser.post(address, entered).status_code == 422
    sent = browser.post(address, entered | {"typed_name": snapshot["name"]})
    assert sent.status_code == 302
    change = ChangeRequest.objects.get()
    assert [call.operation for call in change.calls.all()] == [
        "customers.setIngestAliases",
        "customers.archive",
    ]
    wrong = as_person(checker).post(
        f"/changes/{change.reference}/decide/", {"verdict": "approve", "digest": change.digest, "typed": "no"}
    )
    assert wrong.status_code == 422

    approve(change, checker, checker2)
    apply.apply_change(change.pk, gateway)

    change.refresh_from_db()
    assert change.status == "applied"
    assert [effect["route"] for effect in simulator.ledger()] == [
        "POST /v1/customers/{customer_id}/setIngestAliases",
        "POST /v1/customers/archive",
    ]
    gone = simulator.customer(id=snapshot["id"])
    assert gone["archived_at"] is not None
    assert gone["ingest_aliases"] == []


def test_hints_name_a_holder_and_the_people_needed(
    snapshot: dict[str, Any], gateway: Gateway, simulator: RunningSimulator, maker: User, as_person: SignIn
) -> None:
    other = mirrored(gateway, simulator, position=9)
    answer = as_person(maker).post(
        f"/changes/new/customer.realias/hints/?customer={snapshot['id']}",
        {"ingest_aliases": other["ingest_aliases"][0]},
    )

    assert answer.status_code == 200
    assert escape(f"is held by {other['name']}.") in answer.text


def test_a_customer_that_went_while_its_form_was_open_gets_a_sentence_and_no_advice(
    snapshot: dict[str, Any], maker: User, as_person: SignIn
) -> None:
    Customer.objects.filter(pk=snapshot["id"]).update(missing_since=database_now())
    address = f"/changes/new/customer.rename/hints/?customer={snapshot['id']}"

    answer = as_person(maker).post(address, {"name": "Another name", "reason": "as agreed"})

    assert answer.status_code == 404
    assert "This customer is gone from Metronome, so nothing can be proposed for it." in answer.text
    assert not ChangeRequest.objects.exists()
