"""What happens at the door goes on record, whichever of the ways in it came by."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import authentication_step_completed
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest

from billing.audit import log
from billing.audit.actors import Actor, person, system
from billing.audit.events import Event
from billing.people import factors, sessions
from billing.users import User

NOBODY = "somebody not signed in"
TOLD_ONCE_IN = 60
"""Seconds in which one address' turned-away tries are one event: the record is not theirs to fill."""


def connect() -> None:
    """Listen to Django's own signals, so that every way in is recorded, allauth's included. Called once."""
    user_logged_in.connect(_signed_in, dispatch_uid="audit signed in")
    user_logged_out.connect(_signed_out, dispatch_uid="audit signed out")
    user_login_failed.connect(_failed, dispatch_uid="audit sign-in failed")
    authentication_step_completed.connect(_confirmed, dispatch_uid="audit confirmed")
    mfa.authenticator_added.connect(_factor_added, dispatch_uid="audit factor added")
    mfa.authenticator_removed.connect(_factor_removed, dispatch_uid="audit factor removed")
    mfa.authenticator_reset.connect(_codes_made, dispatch_uid="audit codes made")
    mfa.authenticator_used.connect(_factor_used, dispatch_uid="audit factor used")
    mfa.authentication_failed.connect(_step_failed, dispatch_uid="audit step failed")


def actor_of(request: HttpRequest | None, user: User | None = None) -> Actor:
    """Who does this and from where: the person given, else who is signed in, else nobody by name."""
    signed_in = getattr(request, "user", None)
    user = user or (signed_in if signed_in is not None and signed_in.is_authenticated else None)
    return person(user, **_place(request)) if user else Actor(user=None, text=NOBODY, **_place(request))


def record(event: Event, actor: Actor, user: User | None, **more: Any) -> None:
    """Record one event about a person, or about a name that nobody here has."""
    subject = (
        log.Subject(kind="person", id=str(user.pk), text=user.name)
        if user is not None
        else log.Subject(kind="person", id="unknown", text="a name that nobody here has")
    )
    with transaction.atomic():
        log.record(event, actor=actor, subject=subject, **more)


def record_hashed_anew(user: User) -> None:
    """Record that a hash was renewed at sign-in, for the same password."""
    why = "Hashed anew at sign-in; the password is the same."
    record(Event.PERSON_PASSWORD_CHANGED, system("sign-in"), user, reason=why)


def record_turned_away(request: HttpRequest) -> None:
    """Record that an address tries too often, and as whom where a person has the name: once a minute."""
    place, where = _place(request), request.resolver_match.view_name  # never the path: it may hold a secret
    if not cache.add(f"turned-away:{place['ip']}:{where}", 1, TOLD_ONCE_IN):
        return
    user = request.user if request.user.is_authenticated else named(request.POST.get("login", ""))
    words = f"At {where}; further tries within a minute are not told one by one."
    record(Event.PERSON_TURNED_AWAY, actor_of(request), user, reason=words)


def named(typed: str) -> User | None:
    """The person who signs in with this name; nobody for what can't be a name."""
    return User.objects.filter(username__iexact=typed).first() if "\x00" not in typed else None


def _signed_in(request: HttpRequest, user: User, **_rest: Any) -> None:
    actor = actor_of(request, user)
    sessions.begin(request.session, user, actor.ip or "", actor.user_agent)
    record(Event.PERSON_SIGNED_IN, actor, user)


def _signed_out(request: HttpRequest, user: User | None, **_rest: Any) -> None:
    if user is not None:
        sessions.forget(request.session.session_key)
        record(Event.PERSON_SIGNED_OUT, actor_of(request, user), user)


def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_rest: Any) -> None:
    """The name that was typed is kept only when a person has it: people type passwords into that field."""
    user = named(str(credentials.get("username") or ""))
    record(Event.PERSON_SIGN_IN_FAILED, Actor(user=None, text=NOBODY, **_place(request)), user)


def _confirmed(
    request: HttpRequest, user: User, method: str, reauthenticated: bool = False, **rest: Any
) -> None:
    """A proof given again. The one at sign-in is told as that."""
    if reauthenticated:
        by = {"totp": "authenticator app", "webauthn": "passkey", "recovery_codes": "recovery code"}
        record(
            Event.PERSON_CONFIRMED,
            actor_of(request, user),
            user,
            new={"factor": by.get(rest.get("type"), method)},
        )


def _factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **_rest: Any) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        _codes_made(request, user)
    else:
        record(
            Event.PERSON_FACTOR_ADDED,
            actor_of(request, user),
            user,
            new={"factor": factors.words(authenticator)},
        )


def _factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **_rest: Any) -> None:
    record(
        Event.PERSON_FACTOR_REMOVED,
        actor_of(request),
        authenticator.user,
        new={"factor": factors.words(authenticator)},
    )


def _codes_made(request: HttpRequest, user: User, **_rest: Any) -> None:
    record(Event.PERSON_CODES_MADE, actor_of(request, user), user)


def _factor_used(request: HttpRequest, user: User, authenticator: Authenticator, **_rest: Any) -> None:
    """Only a recovery code is told of by itself: it stands in for a factor that may be lost."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        record(Event.PERSON_CODE_USED, actor_of(request, user), user)


def _step_failed(request: HttpRequest, user: User, **_rest: Any) -> None:
    record(Event.PERSON_STEP_FAILED, actor_of(request), user)


def _place(request: HttpRequest | None) -> dict[str, Any]:
    if request is None:
        return {}
    return {
        "ip": getattr(request, "client_ip", "") or None,
        "user_agent": request.headers.get("User-Agent", "")[:400],
        "request_id": getattr(request, "request_id", ""),
    }
