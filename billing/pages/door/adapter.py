"""How allauth behaves here: nobody signs up, a changed password is on record, and limits lock nobody out."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.ratelimit import respond_429
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

from billing.audit.events import Event
from billing.pages.door.recording import actor_of, record, record_hashed_anew
from billing.people import factors, reset, sessions
from billing.users import User

LIMITS_REACHED = ("too_many_login_attempts", "rate_limited")


class Door(DefaultAccountAdapter):
    """Sign-in for people who exist; nobody signs themselves up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def set_password(self, user: User, password: str, *, how: str = "") -> None:
        """Change a password, end links to a new one, and record it, or none of that. how: by which way."""
        with transaction.atomic():
            super().set_password(user, password)
            reset.end_links(user)
            record(Event.PERSON_PASSWORD_CHANGED, actor_of(self.request, user), user, reason=how)

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """What is wrong with a form; a limit that is reached answers 429 instead, in words of its own."""
        if code in LIMITS_REACHED:
            raise ImmediateHttpResponse(respond_429(self.request))
        return super().validation_error(code, *args)

    def send_notification_mail(self, *_args: Any, **_more: Any) -> None:
        """Nothing: mail is a worker's, and what happens to an account is on record."""

    def is_reauthentication_required(self, *, app: str, **_more: Any) -> bool:
        """Whether what is grave asks for a proof again: none was given, at sign-in or since, for a while."""
        proofs = get_authentication_records(self.request, self.request.user)
        latest = max([self.request.session.get(sessions.BEGAN, 0.0), *(proof["at"] for proof in proofs)])
        return time.time() - latest > settings.ACCOUNT_REAUTHENTICATION_TIMEOUT

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that the record tells of, too."""
        return getattr(request, "client_ip", "") or "::"

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failed tries count for a name *from an address*: elsewhere its person signs in as ever."""
        key = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{self.get_client_ip(request)} {key}"


class Factors(DefaultMFAAdapter):
    """Second factors: their secrets are sealed in the database, and the last demanded one stays."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "cannot_delete_authenticator": "Your role needs a second factor: add another before this one goes.",
        "incorrect_code": "That code is wrong or was used before. Codes change every 30 seconds.",
    }

    def encrypt(self, text: str) -> str:
        return factors.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return factors.decrypt(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return factors.may_go(authenticator)

    def build_totp_svg(self, url: str) -> SafeString:
        """The QR code, which the library draws from a secret and names of ours; markup, and no words."""
        return mark_safe(super().build_totp_svg(url))  # noqa: S308 the library's drawing of numbers

    def get_totp_label(self, user: User) -> str:
        return user.username

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return f"Key {number}"

    def send_notification_mail(self, *_args: Any, **_more: Any) -> None:
        """Nothing: as at the door."""


class Credentials(AuthenticationBackend):
    """Who may sign in. A hash that Django renews meanwhile, for the same password, is on record as well."""

    def _check_password(self, user: User | None, password: str) -> User | None:
        kept = user.password if user else ""
        with transaction.atomic():
            known = super()._check_password(user, password)
            if user and user.password != kept:
                record_hashed_anew(user)
        return known
