"""Sessions that end by time, and roles that come in with a second factor only: judged before every page."""

from __future__ import annotations

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from billing.pages.access import View
from billing.people import factors, sessions

POLLS = ("billing:survey", "billing:changes-moved", "billing:change-live")
"""Addresses that a page asks by itself; so does it with `seen` or `asked` in any other."""
SETTING_UP = (
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "account_reauthenticate",
    "account_logout",
    "billing:theme",
    "billing:factor-demanded",
)
"""What opens before somebody of whom a second factor is demanded has one."""
HAS_FACTOR, ENDED = "has_factor", "ended"


class SessionLimits:
    """End a session that was idle or has lasted too long; note the others as used."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, args: Any, kwargs: Any) -> None:
        """Never answers: who is signed out here meets the demand to sign in next."""
        if getattr(request, "access_token", None) or not request.user.is_authenticated:
            return
        if why := sessions.overstayed(request.session):
            with transaction.atomic():
                for session in UserSession.objects.filter(session_key=request.session.session_key):
                    sessions.end(session, why)
            request.session.flush()
            request.session[ENDED] = why
            request.user = AnonymousUser()
        elif not is_poll(request):
            sessions.used(request.session, request.client_ip)


class FactorDemanded:
    """Lead who must have a second factor and has none to setting one up; nothing else opens before."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """A redirect to setting one up, or nothing."""
        user = request.user
        if getattr(request, "access_token", None) or not user.is_authenticated:
            return None
        if request.session.get(HAS_FACTOR) or not factors.is_demanded_of(user):
            return None
        if (
            request.resolver_match.view_name in SETTING_UP
            or getattr(view, "access_rule", None) == "open to all"
        ):
            return None
        if factors.has_factor(user):
            request.session[HAS_FACTOR] = True
            return None
        return redirect("billing:factor-demanded")


def is_poll(request: HttpRequest) -> bool:
    """Whether a page asks by itself, so that nobody need be there."""
    asks_itself = request.resolver_match.view_name in POLLS or "seen" in request.GET or "asked" in request.GET
    return bool(request.htmx) and asks_itself
