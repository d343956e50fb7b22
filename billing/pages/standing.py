"""What the frame of every page says of how things stand for a person: what waits, what is new, the freeze."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.http import HttpRequest

from billing.changes import queries as changes
from billing.control.models import Freeze
from billing.lists.prepared import NOBODY, Figures
from billing.notify import queries as notices
from billing.users import User


@dataclass(frozen=True, slots=True)
class Standing:
    """Requests that the person can act on and notices not read, each up to 100; whether all is frozen."""

    waiting: int = 0
    unread: int = 0
    is_frozen: bool = False


def standing(request: HttpRequest) -> Standing:
    """How things stand for the person who asks, read once a request; nothing for who is not signed in."""
    if not hasattr(request, "standing"):
        user = getattr(request, "user", None)
        request.standing = of(user) if user is not None and user.is_authenticated else Standing()
    return request.standing


def of(person: User) -> Standing:
    """How things stand for a person, in one query."""
    found = _figures(person.role, person.is_active, changes.WAITING_CAP).of(person.pk)
    return Standing(found["waiting"], found["unread"], bool(found["frozen"]))


@cache
def _figures(role: str, is_active: bool, cap: int) -> Figures:
    """What waits depends on who somebody is by these two alone, beside their key."""
    nobody = User(pk=NOBODY, role=role, is_active=is_active)
    return Figures(
        {
            "waiting": changes.waiting_for(nobody)[:cap],
            "unread": notices.unread(nobody),
            "frozen": Freeze.objects.filter(frozen=True),
        }
    )
