"""What a person prefers to see. Kept in a cookie: it says nothing about anybody."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.pages.access import needs, open_to_all
from billing.pages.context import KEYS_COOKIE, THEME_COOKIE, THEMES
from billing.pages.web import way_back
from billing.roles import Can

YEAR_SECONDS = 365 * 86_400


@open_to_all
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Choose light, dark or whatever the system says; then back to the page it was asked on."""
    response = HttpResponseRedirect(way_back(request, reverse("billing:overview")))
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=YEAR_SECONDS, samesite="Lax", secure=request.is_secure()
        )
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response


@needs(Can.BROWSE)
@require_POST
def keys(request: HttpRequest) -> HttpResponse:
    """Let single keys act on this browser's pages, or not; then back to the page it was asked on."""
    response = HttpResponseRedirect(way_back(request, reverse("billing:overview")))
    if request.POST.get("keys", "") == "off":
        response.set_cookie(
            KEYS_COOKIE, "off", max_age=YEAR_SECONDS, samesite="Lax", secure=request.is_secure()
        )
    else:
        response.delete_cookie(KEYS_COOKIE, samesite="Lax")
    return response
