"""My account: how I sign in, and where I am signed in, each to be changed or ended by me."""

from __future__ import annotations

from datetime import timedelta

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from billing.pages.access import needs
from billing.pages.web import actor_of, form_of, render_page
from billing.people import factors, sessions
from billing.roles import Can


@needs(Can.BROWSE)
def account(request: HttpRequest) -> HttpResponse:
    """Ways in and sessions of the person signed in."""
    mine = factors.factors_of(request.user)
    codes = next((each for each in mine if each.type == Authenticator.Type.RECOVERY_CODES), None)
    return render_page(
        request,
        "my_account/page",
        app=next((each for each in mine if each.type == Authenticator.Type.TOTP), None),
        passkeys=[each for each in mine if each.type == Authenticator.Type.WEBAUTHN],
        codes=codes,
        codes_left=len(codes.wrap().get_unused_codes()) if codes else 0,
        codes_made=10,
        is_demanded=factors.is_demanded_of(request.user),
        is_waived=not settings.SECOND_FACTOR_DEMANDED and request.user.role in factors.DEMANDED_OF,
        sessions=[_line(request, each) for each in sessions.sessions_of(request.user)],
    )


@needs(Can.BROWSE)
@form_of("billing:account")
def end_session(request: HttpRequest) -> HttpResponse:
    """End one of one's own sessions, or all but this one."""
    wanted = request.POST.get("session", "")
    only = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 19 else 0
    if only or wanted == "others":
        ended = sessions.end_sessions(
            request.user,
            "Ended by its owner.",
            by=actor_of(request),
            keep=request.session.session_key,
            only=only,
        )
        messages.success(request, "No such session was left." if not ended else f"Sessions ended: {ended}.")
    return redirect("billing:account")


@needs(Can.BROWSE)
def factor_demanded(request: HttpRequest) -> HttpResponse:
    """Where somebody is led whose role needs a second factor that they don't have."""
    if not factors.is_demanded_of(request.user) or factors.has_factor(request.user):
        return redirect("billing:account")
    return render_page(request, "my_account/demanded")


def _line(request: HttpRequest, session: UserSession) -> dict[str, object]:
    idle = session.last_seen_at + timedelta(seconds=settings.SESSION_IDLE_SECONDS)
    return {
        "session": session,
        "browser": sessions.browser(session.user_agent),
        "is_this": session.session_key == request.session.session_key,
        "ends_at": min(idle, session.created_at + timedelta(seconds=settings.SESSION_COOKIE_AGE)),
    }
