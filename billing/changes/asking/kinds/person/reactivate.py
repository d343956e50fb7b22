"""Let a person come in again who was deactivated, or whose access was ended: no session of before revives."""

from __future__ import annotations

from typing import Any

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import ProposalForm
from billing.changes.asking.kinds.person.fields import PersonForm, PersonKind, about
from billing.changes.asking.proposal import Planned, Proposal
from billing.changes.local.person import Whose
from billing.changes.refusals import BadInput


class Reactivate(PersonKind):
    """`person.reactivate`"""

    name = "person.reactivate"
    label = "Reactivate a person"
    send_label = "Ask to reactivate"

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        return PersonForm(data, initial=basis.again)

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        person = entered["person"]
        if person.is_active:
            raise BadInput(f"{person.name} may come in already.")
        return about(
            self,
            person,
            f"Let {person.name} come in again, as {person.role}.",
            Planned("person.reactivate", Whose(person.pk)),
            {},
            person.role,
            becomes=person.role,
        )

    def example(self, world: World) -> Example:
        person = world.person(may_come_in=False)
        return Example(Basis(), "Back from parental leave.", {"person": person.pk})
