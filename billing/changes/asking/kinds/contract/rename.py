"""Rename a contract."""

from __future__ import annotations

from typing import Any

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Kind, ProposalForm, quoted
from billing.changes.asking.kinds.contract.chosen import SURVEYED, ContractForm, chosen, edited
from billing.changes.asking.kinds.customer.cautions import name_cautions
from billing.changes.asking.kinds.customer.fields import NameField
from billing.changes.asking.proposal import Proposal
from billing.changes.refusals import BadInput
from billing.changes.sealed import SealedRequest
from billing.metronome.operations.base import thing


class RenameForm(ContractForm):
    """Which contract, and its new name."""

    name = NameField(label="New name")


class RenameContract(Kind):
    """`contract.rename`"""

    name = "contract.rename"
    label = "Rename a contract"
    writes = ("contracts",)
    needs_survey = True
    survey_about = SURVEYED
    survey_part = "changes/surveys/contracts.html"
    undone_by = "contract.rename"

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        return RenameForm(data, initial=basis.again, survey=basis.survey)

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        contract = chosen(basis, entered["contract_id"])
        of, old, new = thing("contract", contract["id"]), contract["state"]["name"], entered["name"]
        if old == new:
            raise BadInput("That is the name it has already.", field="name")
        return Proposal(
            kind=self.name,
            sentence=f"Rename the contract {quoted(contract['name'])} of {quoted(basis.state['name'])} "
            f"to {quoted(new)}.",
            before={of: contract["state"]},
            watched={of: {"name": old, "archived_at": None}},
            facts={"irreversible": False},
            form={"contract_id": contract["id"], "name": new},
            warnings=tuple(name_cautions(new)),
            **edited(basis, contract["id"], "name", {"update_contract_name": new}),
        )

    def example(self, world: World) -> Example:
        basis = world.surveyed("contracts")
        contract = basis.survey["contracts"][-1]
        entered = {"contract_id": contract["id"], "name": f"{contract['name'][:120]}, renewed"}
        return Example(basis, "Named as on the order form, FIN-2292.", entered)

    def undoing(self, request: SealedRequest) -> dict[str, Any] | None:
        """The former name; none where it had none, since a name can't be taken away here."""
        (before,) = request.before.values()
        return {**request.form, "name": before["name"]} if before["name"] else None
