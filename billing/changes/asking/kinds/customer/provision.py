"""Provision a customer in one request: create it, say who bills it, give it a contract or put it on a plan.

Each call that took effect stays when a later one does not; then a person goes on, undoes it or leaves it so.
"""

from __future__ import annotations

from typing import Any

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Kind, Part, ProposalForm, quoted
from billing.changes.asking.kinds.billing.fields import BILLING_PARTS, BillingFields
from billing.changes.asking.kinds.contract.fields import (
    CONTRACT_PARTS,
    ContractFields,
    contract_cautions,
    contract_form,
    contract_words,
    new_contract,
    source_of,
)
from billing.changes.asking.kinds.customer.create import PREFIX, CreateCustomer, CreateForm, with_inputs
from billing.changes.asking.kinds.customer.held import ALIAS_FACTS
from billing.changes.asking.kinds.plan.fields import (
    PLAN_FACTS,
    PLAN_PART,
    PlanFields,
    days_ahead,
    days_back,
    named_plan,
    plan_cautions,
    plan_form,
    span,
    subscription,
)
from billing.changes.asking.proposal import Planned, Proposal
from billing.changes.refusals import BadInput
from billing.changes.sealed import SealedRequest
from billing.lists.text import counted
from billing.metronome.operations.base import Made, thing
from billing.mirror.resources.plan import plans_on_offer

CREATED = Made(1)
"""The customer's id: what the first call makes."""


class ProvisionForm(BillingFields, ContractFields, PlanFields, CreateForm):
    """The customer, its billing provider, its contract or its plan: one of these at least."""

    parts = (
        Part("Customer", ("name", "ingest_aliases", f"{PREFIX}*")),
        *BILLING_PARTS,
        *CONTRACT_PARTS,
        PLAN_PART,
    )

    may_be_left_out = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        drawn = [field.name for _part, fields in self.sections() for field in fields]
        self.order_fields([name for name in drawn if name != "reason"] + ["reason"])

    def clean(self) -> dict[str, Any]:
        entered = super().clean()
        if entered.get("plan_id") and not entered.get("starting_on") and "starting_on" not in self.errors:
            self.add_error("starting_on", "Say the day that the plan begins.")
        if not entered.get("plan_id"):
            for name in PLAN_PART.names:
                if entered.get(name):
                    self.add_error(name, "Choose a plan, or clear this.")
        elif entered.get("contract_source"):
            self.add_error("plan_id", "A customer gets a contract or a plan: usage would be billed twice.")
        return entered


class ProvisionCustomer(Kind):
    """`customer.provision`"""

    name = "customer.provision"
    label = "Provision a customer"
    facts = ALIAS_FACTS | PLAN_FACTS
    needs_customer = False
    undone_by = "customer.archive"

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        return ProvisionForm(data, initial=with_inputs(basis.again))

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        billing, plan_id = entered["billing"], entered["plan_id"]
        has_contract = bool(entered.get("contract_source"))
        if billing is None and not plan_id and not has_contract:
            raise BadInput(
                "Choose a billing provider, a contract or a plan; "
                f"“{CreateCustomer.label}” is for a customer alone.",
                field="billing_provider",
            )
        created = CreateCustomer().build(entered, basis)
        calls, then, warnings = list(created.calls), [], list(created.warnings)
        before: dict[str, dict[str, Any]] = {}
        form = {**created.form}
        if billing is not None:
            calls.append(Planned("billing.set", billing.of(CREATED)))
            then.append(f"bill it through {billing.words}")
            form |= billing.as_form()
        if has_contract:
            of, state = source_of(entered)
            before[of] = state
            billed_by = Made(len(calls)) if billing is not None else ""
            calls.append(Planned("contracts.create", new_contract(entered, CREATED, billed_by)))
            then.append(f"give it {contract_words(entered, state['name'])}")
            form |= contract_form(entered)
            warnings += contract_cautions(entered, is_billed=billing is not None)
        if plan_id:
            plan_name = named_plan(plan_id)
            before[thing("plan", plan_id)] = {"name": plan_name}
            calls.append(Planned("plans.add", subscription(entered, CREATED)))
            then.append(f"put it on the plan {quoted(plan_name)} {span(entered)}")
            form |= plan_form(entered)
            warnings += plan_cautions(entered, [])
        aliases = counted(len(entered["ingest_aliases"]), "ingest alias", "ingest aliases")
        return Proposal(
            kind=self.name,
            sentence=f"Create the customer {quoted(entered['name'])} with {aliases}, "
            f"then {' and '.join(then)}.",
            customer_id=None,
            subject_text=entered["name"],
            before=before,
            calls=tuple(calls),
            holds=created.holds,
            watched=before,
            facts={
                **created.facts,
                "backdated": _is_backdated(entered),
                "overlapping_plans": 0,
            },
            form=form,
            warnings=tuple(warnings),
        )

    def example(self, world: World) -> Example:
        entered = {
            "name": "Tidewater Robotics",
            "ingest_aliases": "tidewater-robotics\ntidewater-robotics-eu",
            f"{PREFIX}segment": "enterprise",
            "billing_provider": "stripe",
            "stripe_customer_id": "cus_R2tW81nQ",
            "plan_id": str(plans_on_offer()[0].id),
            "starting_on": days_ahead(30),
            "net_payment_terms_days": 30,
        }
        return Example(Basis(), "Signed order form, FIN-2263: everything in one go.", entered)

    def undoing(self, request: SealedRequest) -> dict[str, Any] | None:
        """Archived, its aliases cleared first, so that they can be used again."""
        return {"clear_aliases": True}

    def hints(self, entered: dict[str, Any], basis: Basis) -> list[Any]:
        return CreateCustomer().hints(entered, basis)


def _is_backdated(entered: dict[str, Any]) -> bool:
    """Whether the contract or the plan begins in the past."""
    starts = (entered.get("contract_starting_at"), entered["starting_on"])
    return any(days_back(day) for day in starts if day)
