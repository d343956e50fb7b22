"""Say through which provider a customer is billed. What it has already stays: several are legal."""

from __future__ import annotations

from typing import Any

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Kind, ProposalForm, quoted
from billing.changes.asking.kinds.billing.fields import (
    BILLING_PARTS,
    Billing,
    BillingFields,
    delivery_cautions,
    spoken,
)
from billing.changes.asking.kinds.customer.held import refuse_archived
from billing.changes.asking.proposal import Caution, Planned, Proposal
from billing.changes.holds import of_itself
from billing.changes.sealed import SealedRequest
from billing.metronome.objects.billing_configuration import ARCHIVED


class SetBillingForm(BillingFields, ProposalForm):
    """The provider, and what it needs."""

    parts = BILLING_PARTS


class SetBilling(Kind):
    """`billing.set`"""

    name = "billing.set"
    label = "Add a billing provider"
    writes = ("billing",)
    needs_survey = True
    survey_about = "How this customer is billed"
    survey_part = "changes/surveys/billing.html"
    undone_by = "billing.archive"

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        return SetBillingForm(data, initial=basis.again)

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        survey = basis.surveyed(self.survey_about)
        refuse_archived(survey["customer"])
        billing, rows = entered["billing"], survey["billing"]
        whole = basis.thing
        return Proposal(
            kind=self.name,
            sentence=f"Add {billing.words} as a billing provider of {quoted(basis.state['name'])}.",
            customer_id=basis.state["id"],
            subject_text=basis.state["name"],
            before={whole: {**basis.state, "billing_rows": rows}},
            calls=(Planned("billing.set", billing.of(basis.state["id"])),),
            holds=(of_itself(whole, "billing"),),
            watched={whole: {"billing_rows": rows, "archived_at": None}},
            facts={"irreversible": False},
            form=billing.as_form(),
            warnings=tuple(_cautions(billing, [words for words in rows.values() if words != ARCHIVED])),
        )

    def example(self, world: World) -> Example:
        entered = {"billing_provider": "stripe", "stripe_customer_id": "cus_Q7mK40dX"}
        return Example(world.surveyed(), "They pay by card from next month on.", entered)

    def undoing(self, request: SealedRequest) -> dict[str, Any] | None:
        """Nothing is filled in: what was added is among those that the form lists."""
        return {}


def _cautions(billing: Billing, active: list[str]) -> list[Caution]:
    cautions = delivery_cautions(billing)
    cautions += [
        Caution(
            "info",
            "No contract is billed through it yet.",
            "A contract names its provider; until one names this, nothing is sent there.",
        )
    ]
    if active:
        cautions.append(
            Caution(
                "warn",
                "It has a billing provider already.",
                f"{'; '.join(spoken(words) for words in active[:4])}. Both stay, and a contract has to say "
                "which one it means.",
            )
        )
    return cautions
