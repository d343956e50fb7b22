"""Who may come in and what they may do, as a noun, and its changes by request. Nobody is ever deleted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Now

from billing.audit import log
from billing.audit.actors import person as by_person
from billing.audit.actors import system
from billing.audit.events import Event
from billing.changes.local.base import LocalOperation, here
from billing.changes.models import ChangeRequest
from billing.metronome.account import Gateway
from billing.metronome.calls import HttpCall
from billing.metronome.operations.base import States, claimed, thing
from billing.mirror.resource import Field, Resource, State
from billing.people import access, tokens
from billing.users import Access, User


class PersonNoun(Resource):
    """A person who works here."""

    name = "person"
    fields = (
        Field("name", "name", place="here"),
        Field("role", "role", group="role", place="here"),
        Field("access", "access", group="access", place="here"),
    )

    def read(
        self, gateway: Gateway, thing_id: str, fields: Collection[str], *, owner_id: str = ""
    ) -> State | None:
        person = User.objects.filter(pk=int(thing_id)).first()
        return None if person is None else person_now(person)


def person_now(person: User) -> State:
    """A person as a state."""
    return {"name": person.name, "role": person.role, "access": str(person.access)}


@dataclass(frozen=True, slots=True)
class NewRole:
    """Whose role it is to be."""

    person: int
    role: str


@dataclass(frozen=True, slots=True)
class Whose:
    """The person it is about."""

    person: int


def _changed(change: ChangeRequest, event: Event, person_id: int, **to: Any) -> dict[str, Any]:
    """Change a person's rights, end their sessions, and record it; the result of the call."""
    person = User.objects.select_for_update(no_key=True).get(pk=person_id)
    before = person_now(person)
    if to.get("is_active") is False:  # as asked for by its maker, and agreed to
        tokens.revoke_all(person, change.maker, by_person(change.maker))
    now = person_now(access.change_rights(person, **to))
    log.record(
        event,
        actor=system("changes worker"),
        subject=access.subject(person, change.reference),
        old={name: value for name, value in before.items() if now[name] != value},
        new={name: value for name, value in now.items() if before[name] != value},
    )
    return {}


class SetRole(LocalOperation[NewRole]):
    """`person.set_role`"""

    name = "person.set_role"
    params = NewRole

    def show(self, params: NewRole) -> HttpCall:
        return here(f"/people/{params.person}/role", {"role": params.role})

    def after(self, before: States, params: NewRole) -> States:
        return claimed(before, thing("person", str(params.person)), role=params.role)

    def carry_out(self, change: ChangeRequest, params: NewRole) -> dict[str, Any]:
        return _changed(change, Event.PERSON_ROLE_CHANGED, params.person, role=params.role)


class Deactivate(LocalOperation[Whose]):
    """`person.deactivate`"""

    name = "person.deactivate"
    params = Whose

    def show(self, params: Whose) -> HttpCall:
        return here(f"/people/{params.person}/access", {"access": str(Access.LEFT)})

    def after(self, before: States, params: Whose) -> States:
        return claimed(before, thing("person", str(params.person)), access=str(Access.LEFT))

    def carry_out(self, change: ChangeRequest, params: Whose) -> dict[str, Any]:
        left = {"is_active": False, "left_at": Now()}
        return _changed(change, Event.PERSON_DEACTIVATED, params.person, **left)


class Reactivate(LocalOperation[Whose]):
    """`person.reactivate`: they may come in again, by signing in anew."""

    name = "person.reactivate"
    params = Whose

    def show(self, params: Whose) -> HttpCall:
        return here(f"/people/{params.person}/access", {"access": str(Access.ACTIVE)})

    def after(self, before: States, params: Whose) -> States:
        return claimed(before, thing("person", str(params.person)), access=str(Access.ACTIVE))

    def carry_out(self, change: ChangeRequest, params: Whose) -> dict[str, Any]:
        return _changed(change, Event.PERSON_REACTIVATED, params.person, is_active=True, left_at=None)
