"""Who acts on a request, as the database has them now."""

from __future__ import annotations

from billing.audit.actors import Actor
from billing.changes.refusals import NotAllowed
from billing.roles import Can
from billing.users import User


def acting_person(actor: Actor, can: Can, words: str) -> User:
    """The actor's person, who may do this. Raises NotAllowed: a deactivated person may do nothing."""
    person = User.objects.filter(pk=actor.user.pk).first() if actor.user else None
    if person is None or not person.may(can):
        raise NotAllowed(f"Your role may not {words}.")
    return person
