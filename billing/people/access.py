"""Who may come in: what one administrator ends at once, and what ends along with a change of rights."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F

from billing.audit import log
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.people import tokens
from billing.roles import Can
from billing.users import User


class AccessRefused(Exception):
    """Why somebody's access is not ended, in words for whoever asked. Nothing was changed."""


def end(person_id: int, *, by: User, actor: Actor, reason: str) -> User:
    """Close sign-in, end the sessions and revoke the tokens of a person, at once and by one administrator.

    They stay who they are, and only a request that somebody else agrees to lets them in again.
    Raises AccessRefused, or User.DoesNotExist.
    """
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=person_id)
        if not User.objects.get(pk=by.pk).may(Can.CHANGE_PEOPLE):
            raise AccessRefused("Your role may not end anybody’s access.")
        if person.pk == by.pk:
            raise AccessRefused("Nobody ends their own access: another administrator does.")
        if not person.is_active:
            raise AccessRefused(f"{person.name} may not come in as it is.")
        change_rights(person, is_active=False)
        log.record(
            Event.PERSON_ACCESS_ENDED,
            actor=actor,
            subject=subject(person),
            old={"access": "active"},
            new={"access": str(person.access), "tokens_revoked": tokens.revoke_all(person, by, actor)},
            reason=reason,
        )
    return person


def change_rights(person: User, **to: Any) -> User:
    """Set a locked person's role or access; every session of theirs ends with it. The caller records it.

    PostgreSQL refuses what nobody has agreed to, or the record does not tell (migration 0060).
    """
    User.objects.filter(pk=person.pk).update(session_generation=F("session_generation") + 1, **to)
    person.refresh_from_db()
    return person


def subject(person: User, reference: str = "") -> log.Subject:
    """A person as the subject of an audit event."""
    return log.Subject(kind="person", id=str(person.pk), text=person.name, reference=reference)
