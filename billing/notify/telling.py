"""Telling people: rows written with the fact, read on the notices page, and mailed afterwards."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from billing.notify.models import About, Notice
from billing.users import User


class NoTransaction(RuntimeError):
    """Somebody was to be told of a fact outside the transaction that makes it true."""


def tell(
    people: Iterable[User],
    about: About,
    *,
    key: str,
    reference: str,
    headline: str,
    facts: list[tuple[str, str]],
    path: str,
) -> None:
    """Write a notice for each person who has none under `key`, to be mailed where mail is set up.

    Raises NoTransaction outside `transaction.atomic()`: nobody is told of what didn't happen. Nothing is
    sent here: `mailing` gathers what is to be mailed.
    """
    if not transaction.get_connection().in_atomic_block:
        raise NoTransaction(f"{about} must be told inside the transaction of the fact")
    notices = [
        Notice(
            person=person,
            about=about,
            key=key,
            reference=reference,
            headline=headline,
            facts=[list(fact) for fact in facts],
            path=path,
            wants_mail=bool(settings.MAIL_FROM and person.email),
        )
        for person in people
    ]
    Notice.objects.bulk_create(notices, ignore_conflicts=True)


def settle(reference: str, about: Iterable[About], *, person: User | None = None) -> None:
    """Mark as read what is over: of everybody, or of one person."""
    unread = Notice.objects.filter(reference=reference, about__in=list(about), read_at=None)
    if person is not None:
        unread = unread.filter(person=person)
    unread.update(read_at=Now())


@transaction.atomic
def read(person: User, seen: Collection[int], *, before: int | None = None) -> int:
    """Mark as read the person's own notices among `seen`, and all with ids below `before`; how many.

    What somebody else is just settling is passed over: it is read by that.
    """
    shown = Q(pk__in=seen) | Q(pk__lt=before) if before is not None else Q(pk__in=seen)
    unread = Notice.objects.filter(shown, person=person, read_at=None)
    ids = list(unread.select_for_update(skip_locked=True).values_list("pk", flat=True))
    return Notice.objects.filter(pk__in=ids).update(read_at=Now())
