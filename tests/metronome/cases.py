"""Each operation on one customer: its params, and what somebody does to its effect before we look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from billing.metronome.account import Gateway
from billing.metronome.objects.contract import contracts_of
from billing.metronome.objects.plan import PLANS
from billing.metronome.operations.billing.archive import ArchivedConfigurations
from billing.metronome.operations.billing.set import NewConfiguration
from billing.metronome.operations.contracts.create import NewContract
from billing.metronome.operations.contracts.edit import ContractEdit
from billing.metronome.operations.custom_fields.delete_values import FieldKeys
from billing.metronome.operations.custom_fields.set_values import FieldValues
from billing.metronome.operations.customers.archive import Archiving
from billing.metronome.operations.customers.create import NewCustomer
from billing.metronome.operations.customers.set_ingest_aliases import WholeSet
from billing.metronome.operations.customers.set_name import Renaming
from billing.metronome.operations.plans.add import Subscription
from billing.metronome.operations.plans.end import Ending
from billing.mirror.resources import RESOURCES
from tests.simulator_server import RunningSimulator

SET_BILLING = "POST /v1/setCustomerBillingProviderConfigurations"
ARCHIVE_BILLING = "POST /v1/archiveCustomerBillingProviderConfigurations"
SET_FIELDS, DELETE_FIELDS = "POST /v1/customFields/setValues", "POST /v1/customFields/deleteValues"
CREATE_CONTRACT, EDIT_CONTRACT = "POST /v1/contracts/create", "POST /v2/contracts/edit"
KEY = "4d8f6a0e-1a4b-4c7e-9a57-0e2f5b1c7d11"
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
        return next(iter(self.state["plan_rows"]))

    def plan_id(self) -> str:
        return self.gateway.page(PLANS).items[0].id

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
        state = RESOURCES["customer"].read(self.gateway, self.id, {"billing_rows"})
        return next(of for of, words in state["billing_rows"].items() if stripe_customer in words)

    def contract_id(self) -> str:
        """The one contract that this scene has made, once it is asked for."""
        made = [each for each in self.gateway.every(contracts_of(self.id)) if each.name != "Theirs"]
        named = [each.id for each in made if each.name in ("An order", "Ours")]
        if not named:
            body = {"customer_id": self.id, "starting_at": "2026-01-01T00:00:00Z", "name": "An order"}
            self.change(CREATE_CONTRACT, body)
            return self.contract_id()
        return named[0]

    def rate_card_id(self) -> str:
        return next(iter(self.simulator.control("GET", "snapshot")["main"]["rate_cards"]))

    def new_contract(self) -> str:
        """The contract that our call has made."""
        listed = self.gateway.every(contracts_of(self.id))
        return next(each.id for each in listed if each.raw.get("uniqueness_key") == KEY)

    def edit_contract(self, **edit: str) -> None:
        self.change(EDIT_CONTRACT, {"customer_id": self.id, "contract_id": self.contract_id(), **edit})

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
        lambda scene: scene.end_plan(scene.newest("plan_rows"), "2032-01-01"),
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
        lambda scene: scene.archive_billing(scene.newest("billing_rows")),
    ),
    "billing.archive": Case(
        ARCHIVE_BILLING,
        lambda scene: ArchivedConfigurations(scene.id, (scene.configuration_id,)),
        None,
        lambda scene: scene.set_billing("cus_2"),
    ),
    "contracts.edit": Case(
        EDIT_CONTRACT,
        lambda scene: ContractEdit(
            scene.id,
            scene.contract_id(),
            {"update_contract_name": "Ours", "update_contract_end_date": "2031-01-01T00:00:00Z"},
            KEY,
        ),
        None,
        lambda scene: scene.edit_contract(update_contract_name="Theirs"),
    ),
    "contracts.create": Case(
        CREATE_CONTRACT,
        lambda scene: NewContract(
            scene.id,
            "2031-01-01T00:00:00Z",
            rate_card_id=scene.rate_card_id(),
            name="Ours",
            ending_before="2032-01-01T00:00:00Z",
            net_payment_terms_days=45,
            statement_frequency="QUARTERLY",
            statement_day="CONTRACT_START",
            billing_configuration_id=scene.configuration_id,
            uniqueness_key=KEY,
        ),
        None,
        lambda scene: scene.change(
            EDIT_CONTRACT,
            {
                "customer_id": scene.id,
                "contract_id": scene.new_contract(),
                "update_contract_name": "Theirs",
            },
        ),
    ),
}
ADDS = {"customers.create", "plans.add", "billing.set", "contracts.create"}
KEYED = {"contracts.create"}
"""What is new shows the key that it was made under; of the rest our row in Metronome's log alone tells, since
somebody else may have made the same."""
FINAL = {"customers.archive", "billing.archive", "contracts.edit"}
"""Archived for good, or kept with our key in a history for good, whatever somebody does afterwards."""
REPLACES = CASES.keys() - ADDS - FINAL
