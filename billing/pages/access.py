"""Who may open which address. Every view of ours states its rule; a view without one fails the tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from billing.roles import Can

View = Callable[..., HttpResponseBase]
Rule = tuple[Can, ...] | Literal["open to all"]

OPEN: Rule = "open to all"


class RoleMissing(PermissionDenied):
    """The person's role doesn't allow this. `any_of` is what would have, for the page that says so."""

    def __init__(self, *any_of: Can) -> None:
        super().__init__(f"This needs a role that may {' or '.join(any_of)}.")
        self.any_of = any_of


def needs(*any_of: Can) -> Callable[[View], View]:
    """Let in signed-in people whose role may do one of these; answer 403 to the others."""

    def state(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            require(request, *any_of)
            return view(request, *args, **kwargs)

        guarded.access_rule = any_of  # type: ignore[attr-defined]
        return guarded

    return state


def open_to_all(view: View) -> View:
    """Let in everybody, signed in or not. For health checks, webhooks and the door itself."""
    view = login_not_required(view)
    view.access_rule = OPEN  # type: ignore[attr-defined]
    return view


def taken_out_as(name: str) -> Callable[[View], View]:
    """State that a view is the list `name` as a file, which an access token may be made for."""

    def state(view: View) -> View:
        view.list_name = name  # type: ignore[attr-defined]
        return view

    return state


def require(request: HttpRequest, *any_of: Can) -> None:
    """Raise RoleMissing unless the person may do one of these. Inside views, where one method needs more."""
    if not any(request.user.may(can) for can in any_of):
        raise RoleMissing(*any_of)


HOW_BY_SCRIPT = "Send an access token as “Authorization: Bearer countersign_…”; make one at /tokens/."


def refused_token(status: int, words: str, *, error: str = "") -> HttpResponse:
    """What a script is answered: a sentence as plain text, and the header that says how it may come in."""
    response = HttpResponse(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")
    response["WWW-Authenticate"] = 'Bearer realm="Countersign"' + (f', error="{error}"' if error else "")
    return response


class SignInRequired(LoginRequiredMiddleware):
    """Django's own, but htmx gets 401 with a part that links to sign-in and leaves what was typed alone.

    What asks for a file and is no browser that was signed in once gets 401 as well: a script that lost its
    token would take the way to the sign-in page for a file.
    Whoever sent a form comes back to the form's page, since most addresses of forms can't be opened.
    """

    def handle_no_permission(self, request: HttpRequest, view_func: View) -> HttpResponseBase:
        if not getattr(request, "htmx", False):
            if hasattr(view_func, "list_name") and settings.SESSION_COOKIE_NAME not in request.COOKIES:
                return refused_token(401, f"This file is for who is signed in. {HOW_BY_SCRIPT}")
            if request.method != "POST":
                return super().handle_no_permission(request, view_func)
            query = urlencode({"next": _page_of_form(request), "unsent": 1})
            return redirect(f"{reverse('account_login')}?{query}")
        came_from = request.htmx.current_url_abs_path or reverse("billing:overview")
        response = render(request, "errors/_signed_out.html", {"came_from": came_from}, status=401)
        response["HX-Retarget"] = "#toasts"
        response["HX-Reswap"] = "innerHTML"
        return response


def _page_of_form(request: HttpRequest) -> str:
    """The page that a form was sent from, as far as the browser says; only ever one of ours."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    if came_from.netloc != request.get_host():
        return reverse("billing:overview")
    return f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path
