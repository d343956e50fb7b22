"""allauth's forms where this house differs: who is mailed a link, and what a link does."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ResetPasswordForm, ResetPasswordKeyForm, UserTokenForm
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import redirect

from billing.audit.events import Event
from billing.pages.door.recording import actor_of, record
from billing.people import factors, reset
from billing.tasks import nudge, tell_people
from billing.users import User


class AskForLink(ResetPasswordForm):
    """Have a link mailed. The answer, and what it costs, are the same whoever has the address, or nobody."""

    @property
    def sends_mail(self) -> bool:
        """Whether this installation mails anything."""
        return bool(settings.MAIL_FROM)

    def clean_email(self) -> str:
        if not self.sends_mail:
            raise ValidationError("This installation sends no mail; an administrator makes you a link.")
        typed = self.cleaned_data["email"]
        people = User.objects.filter(is_active=True, email__iexact=typed).order_by("pk")
        self.users = [each for each in people if each.has_usable_password()]
        return typed

    def save(self, request: HttpRequest, **_more: Any) -> str:
        typed = self.cleaned_data["email"]
        reset.ask(typed, self.users, by=actor_of(request))
        nudge(tell_people)
        return typed


class Link(UserTokenForm):
    """The two parts of a link's address: the person, and the secret."""

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        person, secret = self._get_user(cleaned.get("uidb36")), cleaned.get("key")
        if person is None or not secret or not reset.opens(person, secret):
            raise get_adapter().validation_error("invalid_password_reset")
        self.reset_user = person
        return cleaned


class NewPassword(ResetPasswordKeyForm):
    """The password that a link sets, in the transaction that spends the link."""

    def save(self) -> None:
        try:
            with transaction.atomic():
                how = reset.use(self.user, self.temp_key)
                get_adapter().set_password(self.user, self.cleaned_data["password1"], how=how)
        except reset.LinkSpent:
            raise ImmediateHttpResponse(redirect(context.request.path)) from None


class AddPasskey(AddWebAuthnForm):
    """A new passkey, which signs its owner in by itself unless they say otherwise."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].initial = True
        self.fields["name"].max_length = 60


class RenamePasskey(EditWebAuthnForm):
    """A passkey's other name, on record."""

    def save(self) -> Authenticator:
        with transaction.atomic():
            renamed = super().save()
            request = context.request
            new = {"factor": factors.words(renamed)}
            record(Event.PERSON_FACTOR_RENAMED, actor_of(request), request.user, new=new)
        return renamed
