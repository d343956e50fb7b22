"""The door: signing in, failing to, signing out and changing a password, each an audit event."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.http import HttpRequest

from billing.audit import log
from billing.audit.actors import Actor, person, system
from billing.audit.events import Event
from billing.users import User

NOBODY = "somebody not signed in"


class Door(DefaultAccountAdapter):
    """Sign-in for people who exist; nobody signs themselves up."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": "Too many tries. Wait five minutes, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def set_password(self, user: User, password: str) -> None:
        """Change a password and record that it was, or neither."""
        with transaction.atomic():
            super().set_password(user, password)
            _record(Event.PERSON_PASSWORD_CHANGED, person(user, **_place(self.request)), user)


class Credentials(AuthenticationBackend):
    """Who may sign in. A hash that Django renews meanwhile, for the same password, is on record as well."""

    def _check_password(self, user: User | None, password: str) -> User | None:
        kept = user.password if user else ""
        with transaction.atomic():
            known = super()._check_password(user, password)
            if user and user.password != kept:
                subject = log.Subject(kind="person", id=str(user.pk), text=user.name)
                why = "Hashed anew at sign-in; the password is the same."
                log.record(
                    Event.PERSON_PASSWORD_CHANGED, actor=system("sign-in"), subject=subject, reason=why
                )
        return known


def connect() -> None:
    """Listen to Django's own signals, so that every way in is recorded, allauth's included. Called once."""
    user_logged_in.connect(_signed_in, dispatch_uid="audit signed in")
    user_logged_out.connect(_signed_out, dispatch_uid="audit signed out")
    user_login_failed.connect(_failed, dispatch_uid="audit sign-in failed")


def _signed_in(request: HttpRequest, user: User, **_rest: Any) -> None:
    _record(Event.PERSON_SIGNED_IN, person(user, **_place(request)), user)


def _signed_out(request: HttpRequest, user: User | None, **_rest: Any) -> None:
    if user is not None:
        _record(Event.PERSON_SIGNED_OUT, person(user, **_place(request)), user)


def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_rest: Any) -> None:
    """The name that was typed is kept only when a person has it: people type passwords into that field."""
    typed = str(credentials.get("username") or "")
    user = User.objects.filter(username__iexact=typed).first() if "\x00" not in typed else None
    _record(Event.PERSON_SIGN_IN_FAILED, Actor(user=None, text=NOBODY, **_place(request)), user)


def _place(request: HttpRequest | None) -> dict[str, Any]:
    if request is None:
        return {}
    return {
        "ip": getattr(request, "client_ip", "") or None,
        "user_agent": request.headers.get("User-Agent", "")[:400],
        "request_id": getattr(request, "request_id", ""),
    }


def _record(event: Event, actor: Actor, user: User | None) -> None:
    subject = (
        log.Subject(kind="person", id=str(user.pk), text=user.name)
        if user is not None
        else log.Subject(kind="person", id="unknown", text="a name that nobody here has")
    )
    with transaction.atomic():
        log.record(event, actor=actor, subject=subject)
