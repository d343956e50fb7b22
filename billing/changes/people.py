"""Who acts on a request, as the database has them now."""

from __future__ import annotations

from django.db.models import QuerySet

from billing.audit.actors import Actor
from billing.changes.models import ChangeRequest, Decision
from billing.changes.refusals import NotAllowed
from billing.roles import Can, roles_with
from billing.users import User

PERSON = "person"
"""The noun that a request is about when it changes somebody's rights."""


def acting_person(actor: Actor, words: str, *any_of: Can) -> User:
    """The actor's person, who may do one of these. Raises NotAllowed: a deactivated person may do nothing."""
    person = User.objects.filter(pk=actor.user.pk).first() if actor.user else None
    if person is None or not person.may(*any_of):
        raise NotAllowed(f"Your role may not {words}.")
    return person


def subjects_of(change: ChangeRequest) -> set[int]:
    """The people whose rights a request changes: they decide nothing of it (migration 0060 holds it, too)."""
    if not change.kind.startswith(f"{PERSON}."):
        return set()
    named = (hold.thing.partition(":") for hold in change.holds.all())
    return {int(key) for noun, _, key in named if noun == PERSON}


def second_persons(change: ChangeRequest, first_id: int) -> QuerySet[User]:
    """Everybody who may agree to the word of the first person on this request, or disagree with it.

    Nobody who proposed it or decided it, ever: they do not word its outcome. May be empty.
    """
    deciders = Decision.objects.filter(change=change).values("checker_id")
    able = User.objects.filter(role__in=roles_with(Can.RESOLVE, Can.DECIDE), is_active=True)
    return able.exclude(pk__in=(change.maker_id, first_id)).exclude(pk__in=deciders)
