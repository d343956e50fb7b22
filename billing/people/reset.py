"""A new password for who lost the old: by a link that is mailed, or one that an administrator hands over.

Each link works once, for a while, and ends with every other one of that person when a new password is set.
The secret of a mailed one is made by the worker right before the mail goes, so that it never lies in a row.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.http import int_to_base36

from billing.audit import log
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.notify.letter import LAST_WORDS
from billing.notify.mailing import OF_THIS_MAIL, words_of
from billing.people.models import ResetLink
from billing.roles import Role
from billing.users import User

logger = logging.getLogger(__name__)

MAILED_LASTS = timedelta(minutes=30)
"""How long a mailed link works, from when it was asked for."""
HANDED_LASTS = timedelta(hours=24)
"""How long a link works that an administrator hands over."""
AGAIN_AFTER = timedelta(minutes=1)
"""How long a mail waits that the server did not take; it is given up when its link has ended."""
MOST_AT_ONCE = 50
"""Mails of one round."""


class LinkRefused(Exception):
    """No link was made; the words say why."""


class LinkSpent(Exception):
    """The link was used, ended or never made. Nothing was changed."""


@transaction.atomic
def one_time_link(person: User, by: Actor) -> str:
    """Make a link that lets this person set a new password, for an administrator to hand over; its address.

    Shown this once: only a digest is kept. Whoever has the link sets the password, and nothing else; a second
    factor is still asked for. Raises LinkRefused.
    """
    if by.user is None or not by.user.is_active or by.user.role != Role.ADMINISTRATOR:
        raise LinkRefused("Only an administrator makes a link for somebody.")
    if by.user.pk == person.pk:
        raise LinkRefused("You change your own password under your account.")
    if not person.is_active:
        raise LinkRefused(f"{person.name} is deactivated, and no link lets them in.")
    secret = _secret()
    until = timezone.now() + HANDED_LASTS
    ResetLink.objects.create(
        person=person, made_by=by.user, digest=_digest(secret), expires_at=until, next_try_at=None
    )
    log.record(
        Event.PERSON_RESET_LINK_MADE,
        actor=by,
        subject=_subject(person),
        new={"until": until.isoformat(timespec="seconds")},
    )
    return _address(person, secret)


@transaction.atomic
def ask(address: str, people: Collection[User], by: Actor) -> None:
    """Have a link mailed to each of these people; with none of them, do as much and mail nothing."""
    until = timezone.now() + MAILED_LASTS
    subjects = [_subject(person) for person in people] or [
        log.Subject(kind="person", id="unknown", text="an address that nobody here has")
    ]
    ResetLink.objects.bulk_create(
        ResetLink(person=person, address=address if person else "", expires_at=until)
        for person in (people or [None])
    )
    for subject in subjects:
        log.record(Event.PERSON_RESET_ASKED, actor=by, subject=subject)


def opens(person: User, secret: str) -> bool:
    """Whether this secret would set this person's password now."""
    return person.is_active and _open(person, secret).exists()


def use(person: User, secret: str) -> str:
    """Spend a link in the transaction that sets the password, and end the person's others; whence it came.

    Raises LinkSpent: somebody was quicker, or it has ended since the page was opened.
    """
    link = _open(person, secret).select_for_update(of=("self",)).select_related("made_by").first()
    if link is None or not person.is_active:
        raise LinkSpent
    end_links(person)
    return f"By a link that {link.made_by.name} made." if link.made_by else "By a link that was mailed."


def end_links(person: User) -> None:
    """No link that is still open sets this person's password any more."""
    ResetLink.objects.filter(person=person, closed_at=None).update(closed_at=Now(), next_try_at=None)


def mail_links() -> int:
    """Mail the links that were asked for, each with a secret made now; how many went out."""
    ResetLink.objects.filter(person=None).delete()
    ResetLink.objects.filter(next_try_at__isnull=False, expires_at__lte=Now()).update(next_try_at=None)
    due = ResetLink.objects.filter(next_try_at__lte=Now(), closed_at=None, person__is_active=True)
    return sum(_mail(link) for link in due.select_related("person").order_by("pk")[:MOST_AT_ONCE])


def _mail(link: ResetLink) -> bool:
    """Send one, outside any transaction. What the server does not take is tried again with a new secret."""
    secret = _secret()
    mine = ResetLink.objects.filter(pk=link.pk, next_try_at=link.next_try_at, closed_at=None)
    if not mine.update(digest=_digest(secret), next_try_at=Now() + AGAIN_AFTER):
        return False
    try:
        get_connection().send_messages([_letter(link, secret)])
    except (*OF_THIS_MAIL, OSError) as problem:
        logger.warning("reset link %s was not mailed: %s", link.pk, words_of(problem))
        return False
    ResetLink.objects.filter(pk=link.pk).update(next_try_at=None)
    return True


def _letter(link: ResetLink, secret: str) -> EmailMessage:
    minutes = int(MAILED_LASTS.total_seconds() // 60)
    body = (
        "Somebody asked for a new password for your account in Countersign.",
        f"To set one, open this address within {minutes} minutes of asking; it works once:",
        _address(link.person, secret),
        f"You sign in as {link.person.username}. Where you have a second factor, it is still asked for.",
        "Was it not you? Then do nothing: your password stays as it is.",
        LAST_WORDS,
    )
    return EmailMessage(
        subject="A new password for Countersign",
        body="\n\n".join(body) + "\n",
        from_email=settings.MAIL_FROM,
        to=[link.address],
        headers={"Auto-Submitted": "auto-generated"},
    )


def _open(person: User, secret: str):
    return ResetLink.objects.filter(
        person=person, digest=_digest(secret), closed_at=None, expires_at__gt=Now()
    )


def _address(person: User, secret: str) -> str:
    path = reverse("account_reset_password_from_key", args=[int_to_base36(person.pk), secret])
    return f"{settings.SITE_URL.rstrip('/')}{path}"


def _secret() -> str:
    return secrets.token_urlsafe(32)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _subject(person: User) -> log.Subject:
    return log.Subject(kind="person", id=str(person.pk), text=person.name)
