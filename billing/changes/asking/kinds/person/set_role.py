"""Give a person another role."""

from __future__ import annotations

from typing import Any

from django import forms

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import ProposalForm
from billing.changes.asking.kinds.person.fields import PersonForm, PersonKind, about
from billing.changes.asking.proposal import Planned, Proposal
from billing.changes.local.person import NewRole
from billing.changes.refusals import BadInput
from billing.roles import Role


class RoleForm(PersonForm):
    """Whose role, and which."""

    role = forms.ChoiceField(label="New role", choices=Role.choices)


class SetRole(PersonKind):
    """`person.set_role`"""

    name = "person.set_role"
    label = "Change a role"
    send_label = "Ask for the role"

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        return RoleForm(data, initial=basis.again)

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        person, role = entered["person"], entered["role"]
        if not person.is_active:
            raise BadInput(f"{person.name} may not come in; a role is changed of somebody who may.")
        if role == person.role:
            raise BadInput(f"{person.name} has this role already.", field="role")
        return about(
            self,
            person,
            f"Change the role of {person.name} from {person.role} to {role}.",
            Planned("person.set_role", NewRole(person.pk, role)),
            {"role": role},
            person.role,
            role,
            becomes=role,
        )

    def example(self, world: World) -> Example:
        person = world.person(may_come_in=True)
        return Example(
            Basis(), "Moves to internal audit on Monday.", {"person": person.pk, "role": Role.AUDITOR.value}
        )
