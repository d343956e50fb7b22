"""What each operation's look proves, for everything that can have become of a call without an answer.

No worker and no kill: a call is sent, its answer or its effect is lost, somebody does something, one look.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from billing.metronome.calls import CallKey, Sending
from billing.metronome.client import Gateway
from billing.metronome.operations import OPERATIONS, operation
from billing.metronome.operations.base import FindFacts, Finding, Proof, States
from billing.metronome.operations.billing.archive import ArchivedConfigurations
from billing.metronome.operations.billing.set import NewConfiguration
from billing.metronome.operations.custom_fields.delete_values import FieldKeys
from billing.metronome.operations.custom_fields.set_values import FieldValues
from billing.metronome.operations.customers.archive import Archiving
from billing.metronome.operations.customers.create import NewCustomer
from billing.metronome.operations.customers.set_ingest_aliases import WholeSet
from billing.metronome.operations.customers.set_name import Renaming
from billing.metronome.operations.plans.add import Subscription
from billing.metronome.operations.plans.end import Ending
from billing.metronome.outcomes import OutcomeUnknown
from billing.mirror.resources import RESOURCES
from tests.simulator_server import RunningSimulator

REFERENCE = "CR-000123/1.1"
SET_BILLING = "POST /v1/setCustomerBillingProviderConfigurations"
ARCHIVE_BILLING = "POST /v1/archiveCustomerBillingProviderConfigurations"
SET_FIELDS, DELETE_FIELDS = "POST /v1/customFields/setValues", "POST /v1/customFields/deleteValues"
ADD_PLAN = "POST /v1/customers/{customer_id}/plans/add"
END_PLAN = "POST /v1/customers/{customer_id}/plans/{customer_plan_id}/end"
STRIPE = {"stripe_customer_id": "cus_9", "stripe_collection_method": "send_invoice"}


@dataclass
class Scene:
    """One customer of the simulator's, with everything of it that a call may write to."""

    gateway: Gateway
    simulator: RunningSimulator
    id: str
    state: dict[str, Any]
    configuration_id: str

    @property
    def subscription_id(self) -> str:
        return next(iter(self.state["customer_plans"]))

    def plan_id(self) -> str:
        return self.gateway.plans_page().items[0].id

    def change(self, route: str, body: dict[str, Any], **ids: str) -> Any:
        """Somebody else does it."""
        asked = {"what": route, "customer_id": self.id, "ids": ids, "body": body}
        return self.simulator.control("POST", "change", asked)

    def set_fields(self, **values: str) -> None:
        self.change(SET_FIELDS, {"entity": "customer", "entity_id": self.id, "custom_fields": values})

    def delete_fields(self, *keys: str) -> None:
        self.change(DELETE_FIELDS, {"entity": "customer", "entity_id": self.id, "keys": list(keys)})

    def end_plan(self, of: str, day: str) -> None:
        body = {"ending_before": f"{day}T00:00:00Z"} if day else {}
        self.change(END_PLAN, body, customer_plan_id=of)

    def add_plan(self, day: str) -> None:
        self.change(ADD_PLAN, {"plan_id": self.plan_id(), "starting_on": f"{day}T00:00:00Z"})

    def set_billing(self, stripe_customer: str) -> str:
        row = {
            "customer_id": self.id,
            "billing_provider": "stripe",
            "delivery_method": "direct_to_billing_provider",
            "configuration": {**STRIPE, "stripe_customer_id": stripe_customer},
        }
        self.change(SET_BILLING, {"data": [row]})
        state = RESOURCES["customer"].read(self.gateway, self.id, {"billing_configurations"})
        return next(of for of, words in state["billing_configurations"].items() if stripe_customer in words)

    def archive_billing(self, of: str) -> None:
        body = {"customer_id": self.id, "customer_billing_provider_configuration_ids": [of]}
        self.change(ARCHIVE_BILLING, body)

    def newest(self, field: str) -> str:
        """What is in one of its lists by now and was not before."""
        state = RESOURCES["customer"].read(self.gateway, self.id, {field})
        (new,) = state[field].keys() - self.state[field].keys()
        return new

    def read(self) -> dict[str, Any]:
        names = {field.name for field in RESOURCES["customer"].fields}
        return RESOURCES["customer"].read(self.gateway, self.id, names)


@pytest.fixture
def scene(gateway: Gateway, simulator: RunningSimulator) -> Scene:
    customer = gateway.customers_page(archived=False).items[2]
    made = Scene(gateway, simulator, customer.id, {}, "")
    made.configuration_id = made.set_billing("cus_1")
    made.state = made.read()
    return made


@dataclass(frozen=True)
class Case:
    """One operation: its route, its params, how somebody undoes it, and puts a third value in its place."""

    route: str
    params: Callable[[Scene], Any]
    undo: Callable[[Scene], Any] | None
    third: Callable[[Scene], Any]


CASES: dict[str, Case] = {
    "customers.create": Case(
        "POST /v1/customers",
        lambda scene: NewCustomer("Lost and found", ("lost-1",), {}),
        None,
        lambda scene: scene.simulator.change(
            "rename", scene.simulator.customer(alias="lost-1")["id"], name="Theirs"
        ),
    ),
    "customers.setName": Case(
        "POST /v1/customers/{customer_id}/setName",
        lambda scene: Renaming(scene.id, "Ours"),
        lambda scene: scene.simulator.change("rename", scene.id, name=scene.state["name"]),
        lambda scene: scene.simulator.change("rename", scene.id, name="A third name"),
    ),
    "customers.setIngestAliases": Case(
        "POST /v1/customers/{customer_id}/setIngestAliases",
        lambda scene: WholeSet(scene.id, ("ours-1",)),
        lambda scene: scene.simulator.change(
            "set_ingest_aliases", scene.id, ingest_aliases=scene.state["ingest_aliases"]
        ),
        lambda scene: scene.simulator.change("set_ingest_aliases", scene.id, ingest_aliases=["theirs"]),
    ),
    "customers.archive": Case(
        "POST /v1/customers/archive",
        lambda scene: Archiving(scene.id),
        None,
        lambda scene: scene.simulator.change("rename", scene.id, name="A third name"),
    ),
    "custom_fields.setValues": Case(
        SET_FIELDS,
        lambda scene: FieldValues(scene.id, {"segment": "ours", "cost_center": "CC-1"}),
        lambda scene: (
            scene.set_fields(segment=scene.state["custom_fields"]["segment"]),
            scene.delete_fields("cost_center"),
        ),
        lambda scene: scene.set_fields(segment="theirs"),
    ),
    "custom_fields.deleteValues": Case(
        DELETE_FIELDS,
        lambda scene: FieldKeys(scene.id, ("segment",)),
        lambda scene: scene.set_fields(segment=scene.state["custom_fields"]["segment"]),
        lambda scene: scene.set_fields(segment="theirs"),
    ),
    "plans.add": Case(
        ADD_PLAN,
        lambda scene: Subscription(scene.id, scene.plan_id(), "2031-01-01", "", 30, 14),
        None,
        lambda scene: scene.end_plan(scene.newest("customer_plans"), "2032-01-01"),
    ),
    "plans.end": Case(
        END_PLAN,
        lambda scene: Ending(scene.id, scene.subscription_id, "2031-01-01", goes_on=False),
        lambda scene: scene.end_plan(scene.subscription_id, ""),
        lambda scene: scene.end_plan(scene.subscription_id, "2032-01-01"),
    ),
    "billing.set": Case(
        SET_BILLING,
        lambda scene: NewConfiguration(scene.id, "stripe", STRIPE, "direct_to_billing_provider", ""),
        None,
        lambda scene: scene.archive_billing(scene.newest("billing_configurations")),
    ),
    "billing.archive": Case(
        ARCHIVE_BILLING,
        lambda scene: ArchivedConfigurations(scene.id, (scene.configuration_id,)),
        None,
        lambda scene: scene.set_billing("cus_2"),
    ),
}
ADDS = {"customers.create", "plans.add", "billing.set"}
"""What is new is told by our row in Metronome's log alone: somebody else may have made the same."""
FINAL = {"customers.archive", "billing.archive"}
REPLACES = CASES.keys() - ADDS - FINAL


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

    assert finding.proof == (Proof.CANNOT_TELL if name in ADDS else Proof.APPLIED), finding.sentence
    assert ("nothing shows that we made it" in finding.sentence) == (name in ADDS)


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
        ("plans.add", plan, scene.newest("customer_plans"), "from 2033-03-01, no end”"),
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
