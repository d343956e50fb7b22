"""Which of a customer's contracts a request is about, as the survey has read them."""

from __future__ import annotations

from typing import Any

from django import forms

from billing.changes.asking.basis import Basis
from billing.changes.asking.kind import ProposalForm
from billing.changes.asking.kinds.customer.held import refuse_archived
from billing.changes.asking.proposal import Planned
from billing.changes.holds import Held
from billing.changes.refusals import BadInput
from billing.metronome.operations.base import thing
from billing.metronome.operations.contracts.edit import ContractEdit

SURVEYED = "What contracts this customer has"


class ContractForm(ProposalForm):
    """One of the customer's open contracts."""

    contract_id = forms.ChoiceField(label="Contract", widget=forms.RadioSelect)

    def __init__(self, *args: Any, survey: dict[str, Any] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        contracts = (survey or {}).get("contracts", [])
        self.fields["contract_id"].choices = [(each["id"], words(each)) for each in contracts]
        if len(contracts) == 1:
            self.initial.setdefault("contract_id", contracts[0]["id"])


def words(contract: dict[str, Any]) -> str:
    """`Order 12, from 2026-01-01, up to 2027-01-01 (8a…)`: names need not differ, ids do."""
    end = f"up to {contract['ending_before']}" if contract["ending_before"] else "no end"
    return f"{contract['name']}, from {contract['starting_at']}, {end} ({contract['id']})"


def chosen(basis: Basis, contract_id: str) -> dict[str, Any]:
    """The contract as it was read. Raises BadInput where none was, or it is another customer's."""
    survey = basis.surveyed(SURVEYED)
    refuse_archived(survey["customer"])
    for contract in survey["contracts"]:
        if contract["id"] == contract_id:
            return contract
    raise BadInput("That is none of this customer’s open contracts.", field="contract_id")


def edited(basis: Basis, contract_id: str, group: str, edit: dict[str, Any]) -> dict[str, Any]:
    """The parts of a proposal that every edit of a contract has: its call, what it holds, whose it is."""
    of, customer = thing("contract", contract_id), basis.state
    return {
        "calls": (Planned("contracts.edit", ContractEdit(customer["id"], contract_id, edit)),),
        "holds": (Held(basis.thing, of, group),),
        "customer_id": customer["id"],
        "subject_text": customer["name"],
    }
