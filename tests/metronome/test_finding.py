"""What each operation's look proves, for everything that can have become of a call without an answer.

No worker and no kill: a call is sent, its answer or its effect is lost, somebody does something, one look.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from billing.metronome.account import Gateway
from billing.metronome.calls import CallKey, Sending
from billing.metronome.objects.customer import customers
from billing.metronome.operations import OPERATIONS, operation
from billing.metronome.operations.base import FindFacts, Finding, Proof, States
from billing.metronome.operations.billing.archive import ArchivedConfigurations
from billing.metronome.outcomes import OutcomeUnknown
from tests.metronome.cases import ADDS, CASES, FINAL, KEYED, REPLACES, SET_BILLING, Scene
from tests.simulator_server import RunningSimulator

REFERENCE = "CR-000123/1.1"


@pytest.fixture
def scene(gateway: Gateway, simulator: RunningSimulator) -> Scene:
    customer = gateway.page(customers(archived=False)).items[2]
    made = Scene(gateway, simulator, customer.id, {}, "")
    made.configuration_id = made.set_billing("cus_1")
    made.state = made.read()
    return made


def sent(scene: Scene, name: str, fault: str) -> FindFacts[Any]:
    """Send one call whose answer, or whose effect, is lost; what a look may know of it."""
    sender, params = operation(name), CASES[name].params(scene)
    before: States = {f"customer:{scene.id}": scene.state}
    now = datetime.now(UTC)
    scene.simulator.fault(CASES[name].route, fault)
    with suppress(OutcomeUnknown):
        key = CallKey(uuid.uuid4(), 1)
        sending = Sending(sender.show(params), key, REFERENCE, is_resend=False, ids_are_fresh=False)
        sender.send(scene.gateway, sending)
    return FindFacts(params, before, now, now, (REFERENCE,))


def look(scene: Scene, name: str, facts: FindFacts[Any]) -> Finding:
    return operation(name).find(scene.gateway, facts)


def without_log(simulator: RunningSimulator) -> None:
    state = simulator.control("GET", "snapshot")
    state["main"]["audit_log"] = []
    simulator.control("POST", "restore", state)


def test_the_table_has_every_operation() -> None:
    assert CASES.keys() == OPERATIONS.keys()
    assert {name for name, each in OPERATIONS.items() if each.makes} == ADDS


@pytest.mark.parametrize("name", CASES)
def test_an_effect_that_stands_was_applied_and_its_result_is_the_answers(name: str, scene: Scene) -> None:
    facts = sent(scene, name, "drop_after")

    finding = look(scene, name, facts)

    assert finding.proof == Proof.APPLIED, finding.sentence
    assert finding.result
    if name in ADDS:
        (effect,) = [each for each in scene.simulator.ledger() if each["user_agent"].startswith("counter")]
        assert finding.result["id"] == effect["after"]["id"]
        named = operation(name).bears_out(scene.gateway, facts, finding.result["id"])
        assert (named.proof, named.result) == (Proof.APPLIED, finding.result)


@pytest.mark.parametrize("name", CASES)
def test_where_nothing_has_changed_it_was_not_applied(name: str, scene: Scene) -> None:
    finding = look(scene, name, sent(scene, name, "drop_before"))

    assert (finding.proof, finding.result, finding.was_undone) == (Proof.NOT_APPLIED, None, False)


@pytest.mark.parametrize("name", sorted(REPLACES))
def test_an_effect_that_somebody_set_back_is_a_persons_question(name: str, scene: Scene) -> None:
    facts = sent(scene, name, "drop_after")
    CASES[name].undo(scene)

    finding = look(scene, name, facts)

    assert (finding.proof, finding.was_undone) == (Proof.CANNOT_TELL, True), finding.sentence


@pytest.mark.parametrize("name", CASES)
def test_an_effect_that_somebody_has_changed_since_was_applied(name: str, scene: Scene) -> None:
    facts = sent(scene, name, "drop_after")
    CASES[name].third(scene)

    finding = look(scene, name, facts)

    assert finding.proof == Proof.APPLIED, finding.sentence
    assert ("somebody" in finding.sentence) == (name not in FINAL)


@pytest.mark.parametrize("name", sorted(REPLACES))
def test_a_third_value_without_a_row_of_ours_is_never_overwritten(name: str, scene: Scene) -> None:
    facts = sent(scene, name, "drop_before")
    CASES[name].third(scene)

    finding = look(scene, name, facts)

    assert finding.proof == Proof.CANNOT_TELL
    assert not finding.was_undone
    assert "neither" in finding.sentence


@pytest.mark.parametrize("name", CASES)
def test_without_metronomes_log_only_what_is_final_or_reads_as_asked_for_is_applied(
    name: str, scene: Scene
) -> None:
    facts = sent(scene, name, "drop_after")
    without_log(scene.simulator)

    finding = look(scene, name, facts)

    needs_log = name in ADDS - KEYED
    assert finding.proof == (Proof.CANNOT_TELL if needs_log else Proof.APPLIED), finding.sentence
    assert ("nothing shows that we made it" in finding.sentence) == needs_log


@pytest.mark.parametrize("name", sorted(REPLACES))
def test_where_others_have_written_since_the_old_value_proves_nothing(name: str, scene: Scene) -> None:
    facts = sent(scene, name, "drop_before")
    scene.set_billing("cus_2")

    finding = look(scene, name, facts)

    assert finding.proof == Proof.CANNOT_TELL
    assert "somebody has changed this customer since we sent" in finding.sentence


def test_two_new_ones_as_asked_for_are_a_persons_question(scene: Scene) -> None:
    plan = sent(scene, "plans.add", "drop_after")
    scene.add_plan("2031-01-01")
    billing = sent(scene, "billing.set", "drop_after")
    scene.change(SET_BILLING, operation("billing.set").show(billing.params).body)

    for name, facts in (("plans.add", plan), ("billing.set", billing)):
        finding = look(scene, name, facts)
        assert finding.proof == Proof.CANNOT_TELL
        assert finding.sentence.startswith("Our call took effect, but 2 new ones are as asked for: ")


def test_of_several_configurations_some_archived_is_nothing_that_metronome_does(scene: Scene) -> None:
    second = scene.set_billing("cus_2")
    facts = sent(scene, "billing.archive", "drop_before")
    scene.archive_billing(second)
    both = FindFacts(
        ArchivedConfigurations(scene.id, (scene.configuration_id, second)),
        facts.before,
        facts.first_sent_at,
        facts.last_sent_at,
        facts.references,
    )

    finding = look(scene, "billing.archive", both)

    assert finding.proof == Proof.CANNOT_TELL
    assert finding.sentence == "1 of 2 are archived, and Metronome archives all or none."


def test_a_named_thing_that_is_older_missing_or_other_is_not_what_the_call_made(scene: Scene) -> None:
    nobody = str(uuid.uuid4())
    plan = sent(scene, "plans.add", "drop_before")
    scene.add_plan("2033-03-01")
    billing = sent(scene, "billing.set", "drop_before")
    other_billing = scene.set_billing("cus_3")
    customer = sent(scene, "customers.create", "drop_before")
    scene.simulator.change("create", name="Somebody", ingest_aliases=["lost-1"])
    newcomer = scene.simulator.customer(alias="lost-1")["id"]
    named = [
        ("plans.add", plan, scene.subscription_id, "it was there before"),
        ("plans.add", plan, nobody, "it is not there"),
        ("plans.add", plan, scene.newest("plan_rows"), "from 2033-03-01, no end”"),
        ("billing.set", billing, scene.configuration_id, "it was there before"),
        ("billing.set", billing, nobody, "it is not there"),
        ("billing.set", billing, other_billing, "stripe_customer_id cus_3"),
        ("customers.create", customer, scene.id, "it was there before"),
        ("customers.create", customer, nobody, "it is not there"),
        ("customers.create", customer, newcomer, "it is another: its name is “Somebody”"),
    ]

    for name, facts, made_id, words in named:
        finding = operation(name).bears_out(scene.gateway, facts, made_id)

        assert (finding.proof, finding.result) == (Proof.CANNOT_TELL, None)
        assert words in finding.sentence, finding.sentence
