"""Deactivate a person who leaves: they come in no more, and keep their name on all that they did."""

from __future__ import annotations

from typing import Any

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import ProposalForm
from billing.changes.asking.kinds.person.fields import PersonForm, PersonKind, about
from billing.changes.asking.proposal import Planned, Proposal
from billing.changes.local.person import Whose
from billing.changes.refusals import BadInput
from billing.users import Access


class Deactivate(PersonKind):
    """`person.deactivate`"""

    name = "person.deactivate"
    label = "Deactivate a person"
    send_label = "Ask to deactivate"

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        return PersonForm(data, initial=basis.again)

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        person = entered["person"]
        if person.access == Access.LEFT:
            raise BadInput(f"{person.name} is deactivated already.")
        return about(
            self,
            person,
            f"Deactivate {person.name}, {person.role}.",
            Planned("person.deactivate", Whose(person.pk)),
            {},
            person.role,
        )

    def example(self, world: World) -> Example:
        person = world.person(may_come_in=True)
        return Example(Basis(), "Leaves at the end of the month.", {"person": person.pk})
