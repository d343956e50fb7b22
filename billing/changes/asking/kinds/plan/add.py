"""Put a customer on a plan."""

from __future__ import annotations

from typing import Any

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Kind, ProposalForm, quoted
from billing.changes.asking.kinds.customer.held import refuse_archived
from billing.changes.asking.kinds.plan.end import ENDS
from billing.changes.asking.kinds.plan.fields import (
    PLAN_FACTS,
    PlanFields,
    days_ahead,
    days_back,
    named_plan,
    overlapping,
    plan_cautions,
    plan_form,
    span,
    subscription,
)
from billing.changes.asking.proposal import Planned, Proposal
from billing.changes.holds import of_itself
from billing.changes.sealed import SealedRequest
from billing.metronome.operations.base import thing
from billing.mirror.resources.plan import plans_on_offer
from billing.mirror.resources.subscription import subscription_rows, subscriptions


class AddPlanForm(PlanFields, ProposalForm):
    """The plan, its dates, and the reason."""


class AddPlan(Kind):
    """`plan.add`"""

    name = "plan.add"
    label = "Add a plan"
    facts = PLAN_FACTS
    writes = ("plans",)
    undone_by = "plan.end"

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        return AddPlanForm(data, initial=basis.again)

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        refuse_archived(basis.state)
        whole, plan = basis.thing, thing("plan", entered["plan_id"])
        plan_name = named_plan(entered["plan_id"])
        overlaps = overlapping(subscriptions(basis.state["id"]), entered)
        rows = subscription_rows(basis.state["id"])
        return Proposal(
            kind=self.name,
            sentence=f"Put {quoted(basis.state['name'])} on the plan {quoted(plan_name)} {span(entered)}.",
            customer_id=basis.state["id"],
            subject_text=basis.state["name"],
            before={whole: {**basis.state, "plan_rows": rows}, plan: {"name": plan_name}},
            calls=(Planned("plans.add", subscription(entered, basis.state["id"])),),
            holds=(of_itself(whole, "plans"),),
            watched={whole: {"plan_rows": rows, "archived_at": None}, plan: {"name": plan_name}},
            facts={
                "irreversible": False,
                "backdated": bool(days_back(entered["starting_on"])),
                "overlapping_plans": len(overlaps),
            },
            form=plan_form(entered),
            warnings=tuple(plan_cautions(entered, overlaps)),
        )

    def example(self, world: World) -> Example:
        entered = {"plan_id": str(plans_on_offer()[0].id), "starting_on": days_ahead(30)}
        return Example(world.customer(), "Signed order form, FIN-2284.", entered)

    def undoing(self, request: SealedRequest) -> dict[str, Any] | None:
        """Ended on its first day, as if it never was; which of the customer's plans it is, the form asks."""
        return {"how": ENDS, "ending_before": request.form["starting_on"]}
