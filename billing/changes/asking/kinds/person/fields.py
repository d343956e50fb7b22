"""What kinds about people share: whom it is about, what the policy hears, and what it would leave empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms

from billing.changes.asking.guard import Guarding
from billing.changes.asking.kind import Fact, Kind, ProposalForm
from billing.changes.asking.proposal import Caution, Guard, Planned, Proposal
from billing.changes.fillable import approvals_that_would_lapse, left_empty
from billing.changes.holds import WHOLE, Held
from billing.changes.local.person import person_now
from billing.changes.refusals import BadInput
from billing.lists.text import counted
from billing.metronome.account import Gateway
from billing.metronome.operations.base import thing
from billing.roles import DECIDES, Can, Role, roles_with
from billing.users import User

EVERYBODY = "people:all"
"""The owner of all people: their rights are changed one after another, and never pass each other."""
AUTHORITY = "decides_or_administers"


class StepsStayFilled(Guarding):
    """Somebody is left for every step that waits and that the policy may ask for."""

    name = "somebody is left for every step"

    def broken(
        self, gateway: Gateway, values: Sequence[str], *, own_id: str | None, most_requests: int | None
    ) -> list[str]:
        key, _, role = values[0].partition(":")
        return left_empty(User.objects.get(pk=int(key)), role)


class PersonForm(ProposalForm):
    """Whom it is about."""

    person = forms.ModelChoiceField(User.objects.order_by("name", "pk"), label="Person")


class PersonKind(Kind):
    """A change of one person's rights."""

    needs_customer = False
    has_page = False
    asked_by = Can.CHANGE_PEOPLE
    facts: ClassVar[dict[str, Fact]] = {
        AUTHORITY: Fact("About somebody who decides or administers", bool),
    }

    def at_least(self, facts: dict[str, Any]) -> tuple[tuple[str, int], ...]:
        """Another administrator agrees to what gives or takes the right to decide or administer."""
        return ((Role.ADMINISTRATOR.value, 1),) if facts.get(AUTHORITY, True) else ()


def about(
    kind: PersonKind,
    person: User,
    sentence: str,
    planned: Planned,
    form: dict[str, Any],
    *roles: str,
    becomes: str = "",
) -> Proposal:
    """The proposal to change this person's rights.

    roles: those that they have and would have. becomes: the role that they may act in afterwards, empty for
    none. Raises BadInput where a step would be left without anybody who could fill it.
    """
    if empty := left_empty(person, becomes):
        raise BadInput(" ".join(["Somebody else has to be there first.", *empty]))
    of, now = thing("person", str(person.pk)), person_now(person)
    lapsing = approvals_that_would_lapse(person) if becomes != person.role else []
    warnings = (
        Caution(
            "warn",
            f"{counted(len(lapsing), 'approval')} of theirs would count no more",
            "An approval counts while its giver may give it. Stale and not sent, unless sent before: "
            + ", ".join(change.reference for change in lapsing)
            + ".",
        ),
    )
    guard = Guard(StepsStayFilled.name, (f"{person.pk}:{becomes}",))
    return Proposal(
        kind=kind.name,
        sentence=sentence,
        customer_id=None,
        subject_text=person.name,
        before={of: now},
        calls=(Planned(planned.operation, planned.params, (guard,)),),
        holds=(Held(EVERYBODY, of, WHOLE),),
        watched={of: {name: now[name] for name in ("role", "access")}},
        facts={"irreversible": False, AUTHORITY: not set(roles).isdisjoint(roles_with(*DECIDES))},
        form={"person": person.pk, **form},
        warnings=warnings if lapsing else (),
    )
