"""Rename a customer."""

from __future__ import annotations

from typing import Any

from billing.changes.asking.kind import Kind, ProposalForm, quoted
from billing.changes.asking.kinds.customer.cautions import name_cautions, namesake_cautions
from billing.changes.asking.kinds.customer.fields import NameField
from billing.changes.asking.kinds.customer.held import ALIAS_FACTS, refuse_archived
from billing.changes.asking.proposal import Planned, Proposal
from billing.changes.holds import of_itself
from billing.changes.refusals import BadInput
from billing.metronome.operations.base import thing
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

    def form(
        self,
        data: Any = None,
        *,
        snapshot: dict[str, Any] | None = None,
        survey: dict[str, Any] | None = None,
        initial: dict[str, Any] | None = None,
    ) -> ProposalForm:
        return RenameForm(data, initial={"name": (snapshot or {}).get("name", ""), **(initial or {})})

    def build(
        self,
        entered: dict[str, Any],
        *,
        snapshot: dict[str, Any] | None,
        survey: dict[str, Any] | None = None,
    ) -> Proposal:
        refuse_archived(snapshot)
        old, new = snapshot["name"], entered["name"]
        if old == new:
            raise BadInput("That is the name it has already.", field="name")
        whole = thing("customer", snapshot["id"])
        warnings = [*name_cautions(new), *namesake_cautions(new, own_id=snapshot["id"])]
        return Proposal(
            kind=self.name,
            sentence=f"Rename {quoted(old)} to {quoted(new)}.",
            customer_id=snapshot["id"],
            subject_text=old,
            before={whole: snapshot},
            calls=(Planned("customers.setName", Renaming(snapshot["id"], new)),),
            holds=(of_itself(whole, "name"),),
            watched={whole: {"name": old, "archived_at": None}},
            facts={"irreversible": False, "aliases_added": 0, "aliases_removed": 0},
            form={"name": new},
            warnings=tuple(warnings),
        )
