"""What Metronome's log proves of a call without an answer: whose row, how much of it, and of what."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from billing.metronome.account import Gateway
from billing.metronome.calls import CallKey, Sending
from billing.metronome.listing import Listing
from billing.metronome.objects.customer import CustomerRecord, customers
from billing.metronome.operations import operation, proof
from billing.metronome.operations.base import FindFacts, Finding, Proof, States, thing
from billing.metronome.operations.customers.create import NewCustomer
from billing.metronome.operations.customers.set_ingest_aliases import WholeSet
from billing.metronome.operations.customers.set_name import Renaming
from billing.metronome.outcomes import OutcomeUnknown
from billing.metronome.records import OddRow, Page
from tests.simulator_server import RunningSimulator

REFERENCE = "CR-000123/1.1"
CREATE = "POST /v1/customers"
SET_NAME = "POST /v1/customers/{customer_id}/setName"
SET_ALIASES = "POST /v1/customers/{customer_id}/setIngestAliases"

NEWCOMER = NewCustomer("Lost and found", ("lost-1",), {})


def send_lost(gateway: Gateway, name: str, params: Any, before: States) -> FindFacts:
    """Send one call whose answer is lost; what a look may know of it."""
    sender = operation(name)
    now = datetime.now(UTC)
    facts = FindFacts(params, before, now, now, (REFERENCE,))
    with suppress(OutcomeUnknown):
        sender.send(
            gateway,
            Sending(
                sender.show(params),
                CallKey(uuid.uuid4(), 1),
                REFERENCE,
                is_resend=False,
                ids_are_fresh=False,
            ),
        )
    return facts


def as_it_is(customer: CustomerRecord) -> States:
    return {thing("customer", customer.id): customer.as_snapshot()}


def rename_lost(gateway: Gateway, customer: CustomerRecord) -> FindFacts:
    params = Renaming(customer.id, "Ours")
    return send_lost(gateway, "customers.setName", params, as_it_is(customer))


def found(gateway: Gateway, name: str, facts: FindFacts) -> Finding:
    return operation(name).find(gateway, facts)


@pytest.fixture
def customer(gateway: Gateway) -> CustomerRecord:
    return gateway.page(customers(archived=False)).items[0]


def test_a_third_name_after_our_own_row_is_an_effect_and_nobodys_question(
    gateway: Gateway, simulator: RunningSimulator, customer: CustomerRecord
) -> None:
    simulator.fault(SET_NAME, "drop_after")
    facts = rename_lost(gateway, customer)
    simulator.change("rename", customer.id, name="A third name")

    finding = found(gateway, "customers.setName", facts)

    assert (finding.proof, finding.result) == (Proof.APPLIED, {"id": customer.id, "name": "Ours"})
    assert finding.sentence == "It took effect; since then somebody has named the customer “A third name”."
    assert finding.looked_at[-1]["saw"]["user_agent"].endswith(REFERENCE)


def test_a_third_set_of_aliases_after_our_own_row_is_an_effect(
    gateway: Gateway, simulator: RunningSimulator, customer: CustomerRecord
) -> None:
    simulator.fault(SET_ALIASES, "drop_after")
    params = WholeSet(customer.id, ("ours-1", "ours-2"))
    facts = send_lost(
        gateway,
        "customers.setIngestAliases",
        params,
        as_it_is(customer),
    )
    simulator.change("set_ingest_aliases", customer.id, ingest_aliases=["ours-1", "theirs"])

    finding = found(gateway, "customers.setIngestAliases", facts)

    assert finding.proof == Proof.APPLIED
    assert finding.result == {"id": customer.id, "ingest_aliases": ["ours-1", "ours-2"]}
    assert finding.sentence == (
        "It took effect; since then somebody has changed the aliases. Missing: “ours-2”. Not ours: “theirs”."
    )


def test_the_same_reference_of_another_installation_is_not_ours(
    gateway: Gateway, simulator: RunningSimulator, customer: CustomerRecord
) -> None:
    with Gateway(replace(gateway.config, installation="another test")) as other:
        facts = rename_lost(other, customer)
        simulator.change("rename", customer.id, name="A third name")

        assert found(gateway, "customers.setName", facts).proof == Proof.CANNOT_TELL
        assert found(other, "customers.setName", facts).proof == Proof.APPLIED

        simulator.change("rename", customer.id, name=customer.name)
        ours = found(gateway, "customers.setName", facts)
        assert "somebody has changed this customer since we sent" in ours.sentence
        assert "Our call took effect" in found(other, "customers.setName", facts).sentence


def test_others_rows_hide_neither_a_lost_creation_nor_a_set_back(
    gateway: Gateway, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "PAGES", 2)
    one, noisy = gateway.page(customers(archived=False)).items[:2]
    for number in range(110):
        simulator.change("rename", noisy.id, name=f"Noise {number}")
    simulator.fault("POST /v1/customers", "drop_after")
    params = NewCustomer("Lost and found", ("lost-1",), {})
    created = send_lost(gateway, "customers.create", params, {})
    simulator.fault(SET_NAME, "drop_after")
    renamed = rename_lost(gateway, one)
    simulator.change("rename", one.id, name=one.name)
    for number in range(110):
        simulator.change("rename", noisy.id, name=f"More noise {number}")

    spent = gateway.requests_spent
    finding = found(gateway, "customers.create", created)
    assert finding.proof == Proof.APPLIED
    assert finding.result["id"] == simulator.customer(alias="lost-1")["id"]
    assert gateway.requests_spent - spent == 3
    set_back = found(gateway, "customers.setName", renamed)
    assert set_back.proof == Proof.CANNOT_TELL
    assert set_back.sentence == "Our call took effect, and the old name is back: somebody set it back."


def test_in_an_account_too_busy_to_read_whole_the_holders_own_log_tells(
    gateway: Gateway, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "PAGES", 1)
    noisy = gateway.page(customers(archived=False)).items[0]
    for number in range(101):
        simulator.change("rename", noisy.id, name=f"Noise {number}")
    simulator.fault(CREATE, "drop_after")
    made = send_lost(gateway, "customers.create", NEWCOMER, {})
    simulator.fault(CREATE, "drop_before")
    never = replace(NEWCOMER, ingest_aliases=("lost-2",))
    lost = send_lost(gateway, "customers.create", never, {})

    spent = gateway.requests_spent
    finding = found(gateway, "customers.create", made)
    assert (finding.proof, finding.sentence) == (Proof.APPLIED, "It was created.")
    assert gateway.requests_spent - spent == 6
    finding = found(gateway, "customers.create", lost)
    assert (finding.proof, finding.sentence) == (
        Proof.CANNOT_TELL,
        "Nobody holds any of the aliases. Metronome’s log is longer than the 100 rows of it that were read.",
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([("set_ingest_aliases", {"ingest_aliases": []})], "it lacks “lost-1”"),
        ([("rename", {"name": "Theirs"})], "its name is “Theirs”"),
        ([("archive", {})], "it is archived"),
        (
            [("rename", {"name": "Theirs"}), ("set_ingest_aliases", {"ingest_aliases": ["other"]})],
            "its name is “Theirs”, it lacks “lost-1”",
        ),
    ],
)
def test_what_others_did_to_a_customer_since_hides_no_creation(
    gateway: Gateway, simulator: RunningSimulator, changes: list[tuple[str, dict[str, Any]]], words: str
) -> None:
    simulator.fault(CREATE, "status_after", status=500)
    made = send_lost(gateway, "customers.create", NEWCOMER, {})
    customer = simulator.customer(alias="lost-1")
    for what, body in changes:
        ours = {"id": customer["id"]} if what == "archive" else {}
        simulator.change(what, customer["id"], **body, **ours)

    finding = found(gateway, "customers.create", made)

    assert (finding.proof, finding.result["id"]) == (Proof.APPLIED, customer["id"])
    assert finding.sentence == f"It was created. Since then somebody has changed it: {words}."


def test_a_log_that_was_not_read_whole_proves_no_absence_and_says_so(
    gateway: Gateway, simulator: RunningSimulator, customer: CustomerRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _again in range(101):
        simulator.change("rename", customer.id, name=customer.name)
    simulator.fault(SET_NAME, "drop_before")
    facts = rename_lost(gateway, customer)
    assert found(gateway, "customers.setName", facts).proof == Proof.NOT_APPLIED

    monkeypatch.setattr(proof, "PAGES", 1)
    monkeypatch.setattr(proof, "TAIL_PAGES", 1)
    finding = found(gateway, "customers.setName", facts)

    assert finding.proof == Proof.CANNOT_TELL
    assert finding.sentence == (
        "The customer still has the old name. "
        "Metronome’s log is longer than the 200 rows of it that were read."
    )


def test_of_a_log_too_long_to_read_whole_the_newest_rows_are_read(
    gateway: Gateway, simulator: RunningSimulator, customer: CustomerRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _again in range(101):
        simulator.change("rename", customer.id, name=customer.name)
    monkeypatch.setattr(proof, "PAGES", 1)
    simulator.fault(SET_NAME, "drop_after")
    facts = rename_lost(gateway, customer)
    simulator.change("rename", customer.id, name="A third name")

    assert found(gateway, "customers.setName", facts).proof == Proof.APPLIED


def test_of_two_thousand_aliases_the_first_are_asked_for(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.fault(CREATE, "drop_before")
    aliases = tuple(f"meter-{number:04}" for number in range(2_000))
    lost = send_lost(gateway, "customers.create", replace(NEWCOMER, ingest_aliases=aliases), None)

    spent = gateway.requests_spent
    finding = found(gateway, "customers.create", lost)

    assert (finding.proof, finding.sentence) == (
        Proof.NOT_APPLIED,
        "Nobody holds the first 50 of the aliases.",
    )
    assert gateway.requests_spent - spent == 101


ODD_ROW = {"id": "row-1", "timestamp": "yesterday"}


def with_an_odd_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metronome's log holds one row, of whatever, that can't be read."""
    read = Gateway.page

    def page(self: Gateway, listing: Listing, cursor: str | None = None) -> Page:
        answer = read(self, listing, cursor)
        if listing.path == "/v1/auditLogs" and "next_page" not in listing.query:
            return replace(answer, odd=(OddRow("row-1", "timestamp is no time", ODD_ROW),))
        return answer

    monkeypatch.setattr(Gateway, "page", page)


def test_an_odd_row_of_the_log_hides_no_effect_and_proves_no_absence(
    gateway: Gateway, simulator: RunningSimulator, customer: CustomerRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_an_odd_row(monkeypatch)
    simulator.fault(CREATE, "drop_after")
    made = send_lost(gateway, "customers.create", NEWCOMER, None)
    simulator.fault(CREATE, "drop_before")
    lost = send_lost(gateway, "customers.create", replace(NEWCOMER, ingest_aliases=("lost-2",)), None)
    simulator.fault(SET_NAME, "drop_before")
    renamed = rename_lost(gateway, customer)

    assert found(gateway, "customers.create", made).sentence == "It was created."
    for name, facts, words in [
        (
            "customers.create",
            replace(lost, references=("CR-000124/1.1",)),
            "Nobody holds any of the aliases.",
        ),
        ("customers.setName", renamed, "The customer still has the old name."),
    ]:
        finding = found(gateway, name, facts)
        assert (finding.proof, finding.sentence) == (
            Proof.CANNOT_TELL,
            f"{words} One row of Metronome’s log can’t be read.",
        )
