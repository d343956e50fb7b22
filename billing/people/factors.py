"""Second factors: what a person has beside the password, and of whom one is demanded."""

from __future__ import annotations

import base64

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

from billing.audit import log
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.people.sessions import end_sessions
from billing.roles import Role
from billing.users import User

REAL = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""What counts as a second factor; recovery codes stand in for one that is lost."""
DEMANDED_OF = (Role.MANAGER, Role.ADMINISTRATOR)


def factors_of(person: User) -> list[Authenticator]:
    """All of a person's factors, recovery codes included, the oldest first."""
    return list(Authenticator.objects.filter(user=person).order_by("created_at", "pk"))


def has_factor(person: User) -> bool:
    """Whether a second step is asked of this person at sign-in."""
    return Authenticator.objects.filter(user=person, type__in=REAL).exists()


def is_demanded_of(person: User) -> bool:
    """Whether this person's role comes in with a second factor only."""
    return settings.SECOND_FACTOR_DEMANDED and person.role in DEMANDED_OF


def may_go(authenticator: Authenticator) -> bool:
    """Whether a factor may be removed: not the last of somebody of whom one is demanded."""
    if authenticator.type not in REAL or not is_demanded_of(authenticator.user):
        return True
    others = Authenticator.objects.filter(user=authenticator.user, type__in=REAL)
    return others.exclude(pk=authenticator.pk).exists()


def take_away(person: User, why: str, *, by: Actor) -> int:
    """Take all of a person's factors away and end their sessions, each on record; how many factors."""
    with transaction.atomic():
        taken = list(Authenticator.objects.select_for_update().filter(user=person))
        subject = log.Subject(kind="person", id=str(person.pk), text=person.name)
        for each in taken:
            new = {"factor": words(each)}
            log.record(Event.PERSON_FACTOR_REMOVED, actor=by, subject=subject, new=new, reason=why)
            each.delete()
        end_sessions(person, why, by=by)
    return len(taken)


def words(authenticator: Authenticator) -> str:
    """A factor as people call it."""
    match authenticator.type:
        case Authenticator.Type.TOTP:
            return "authenticator app"
        case Authenticator.Type.RECOVERY_CODES:
            return "recovery codes"
    return f"passkey “{authenticator.wrap().name}”"


def encrypt(text: str) -> str:
    """A factor's secret as it lies in the database: worth nothing without SECRET_KEY."""
    return _cipher().encrypt(text.encode()).decode()


def decrypt(encrypted: str) -> str:
    """The secret again."""
    return _cipher().decrypt(encrypted.encode()).decode()


def _cipher() -> Fernet:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"countersign second factors")
    return Fernet(base64.urlsafe_b64encode(derive.derive(settings.SECRET_KEY.encode())))
