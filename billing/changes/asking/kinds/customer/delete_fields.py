"""Take custom field values away from a customer."""

from __future__ import annotations

from typing import Any

from django import forms

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Fact, Kind, ProposalForm, quoted
from billing.changes.asking.kinds.customer.held import refuse_archived
from billing.changes.asking.proposal import Caution, Planned, Proposal
from billing.changes.holds import of_itself
from billing.changes.refusals import BadInput
from billing.changes.sealed import SealedRequest
from billing.lists.text import counted
from billing.metronome.operations.custom_fields.delete_values import FieldKeys


class DeleteFieldsForm(ProposalForm):
    """Which of its values, each with a box."""

    keys = forms.MultipleChoiceField(
        label="Values to remove",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one value."},
    )

    def __init__(self, *args: Any, held: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["keys"].choices = [(key, f"{key}: {value}") for key, value in sorted(held.items())]


class DeleteFields(Kind):
    """`customer.delete_fields`"""

    name = "customer.delete_fields"
    label = "Remove custom fields"
    facts = {"fields_removed": Fact("Custom fields removed", int, watches="custom_fields")}
    writes = ("custom_fields",)
    undone_by = "customer.set_fields"

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        return DeleteFieldsForm(data, held=basis.state["custom_fields"], initial=basis.again)

    def why_not(self, basis: Basis) -> str:
        is_there = basis.state["custom_fields"]
        return "" if is_there else "This customer has no custom field that could be removed."

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        refuse_archived(basis.state)
        keys, held = sorted(entered["keys"]), basis.state["custom_fields"]
        if gone := [key for key in keys if key not in held]:
            raise BadInput(f"It has no value of {gone[0]}.", field="keys")
        whole = basis.thing
        named = f"the custom field {keys[0]}" if len(keys) == 1 else counted(len(keys), "custom field")
        return Proposal(
            kind=self.name,
            sentence=f"Remove {named} from {quoted(basis.state['name'])}.",
            customer_id=basis.state["id"],
            subject_text=basis.state["name"],
            before={whole: basis.state},
            calls=(Planned("custom_fields.deleteValues", FieldKeys(basis.state["id"], tuple(keys))),),
            holds=(of_itself(whole, "custom_fields"),),
            watched={whole: {"custom_fields": {key: held[key] for key in keys}, "archived_at": None}},
            facts={"irreversible": False, "fields_removed": len(keys)},
            form={"keys": keys},
            warnings=(
                Caution(
                    "info",
                    "What reads these fields finds nothing.",
                    "Invoices and exports that were made before keep what they had.",
                ),
            ),
        )

    def example(self, world: World) -> Example:
        basis = world.customer("custom_fields")
        key = max(basis.state["custom_fields"])
        return Example(basis, "Sales keeps this elsewhere by now.", {"keys": [key]})

    def undoing(self, request: SealedRequest) -> dict[str, Any] | None:
        """The former values."""
        (watched,) = request.watched.values()
        return {"custom_fields": watched["custom_fields"]}
