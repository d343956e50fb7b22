"""Rename a customer."""

from __future__ import annotations

from typing import Any

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Kind, ProposalForm, quoted
from billing.changes.asking.kinds.customer.cautions import name_cautions, namesake_cautions
from billing.changes.asking.kinds.customer.fields import NameField
from billing.changes.asking.kinds.customer.held import ALIAS_FACTS, refuse_archived
from billing.changes.asking.proposal import Planned, Proposal
from billing.changes.holds import of_itself
from billing.changes.refusals import BadInput
from billing.metronome.operations.customers.set_name import Renaming


class RenameForm(ProposalForm):
    """The new name."""

    name = NameField(label="New name")


class RenameCustomer(Kind):
    """`customer.rename`"""

    name = "customer.rename"
    label = "Rename customer"
    facts = ALIAS_FACTS
    writes = ("name",)

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        return RenameForm(data, initial={"name": basis.state.get("name", ""), **basis.again})

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        refuse_archived(basis.state)
        old, new = basis.state["name"], entered["name"]
        if old == new:
            raise BadInput("That is the name it has already.", field="name")
        whole = basis.thing
        warnings = [*name_cautions(new), *namesake_cautions(new, own_id=basis.state["id"])]
        return Proposal(
            kind=self.name,
            sentence=f"Rename {quoted(old)} to {quoted(new)}.",
            customer_id=basis.state["id"],
            subject_text=old,
            before={whole: basis.state},
            calls=(Planned("customers.setName", Renaming(basis.state["id"], new)),),
            holds=(of_itself(whole, "name"),),
            watched={whole: {"name": old, "archived_at": None}},
            facts={"irreversible": False, "aliases_added": 0, "aliases_removed": 0},
            form={"name": new},
            warnings=tuple(warnings),
        )

    def example(self, world: World) -> Example:
        basis = world.customer()
        entered = {"name": f"{basis.state['name'][:120]} Holding"}
        return Example(basis, "Legal name changed, see the commercial register.", entered)
