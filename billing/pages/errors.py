"""Pages for what went wrong: each says what happened, what is safe, and the next step."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.utils import timezone

from billing.lists.text import folded
from billing.pages.access import RoleMissing
from billing.pages.context import look
from billing.pages.door.recording import record_turned_away
from billing.roles import roles_that, roles_with
from billing.users import User


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the request itself made no sense; ours say why, Django's own reasons stay in the log."""
    said = str(exception) if isinstance(exception, BadRequest) else ""
    return _error(request, 400, said or "This request made no sense to us")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: which role may do it, and who has it."""
    if not isinstance(exception, RoleMissing):
        return _error(request, 403, "You may not do this", detail=str(exception))
    return _error(
        request,
        403,
        f"The role {request.user.get_role_display().lower()} may not {' or '.join(exception.any_of)}",
        roles=_either(roles_that(*exception.any_of)),
        holders=sorted(
            User.objects.filter(role__in=roles_with(*exception.any_of), is_active=True),
            key=lambda holder: (folded(holder.name), holder.name, holder.pk),
        ),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: nothing lives here, or not any more; ours say so, and may say second what to do about it."""
    said = [words for words in exception.args if isinstance(words, str)]
    title, detail = (*said, "", "")[:2]
    return _error(request, 404, title or "There is no such page", detail=detail)


def conflict(request: HttpRequest, rule: str) -> HttpResponse:
    """409: a rule of the database stood against it, in words that end with a full stop."""
    return _error(request, 409, "The database refused this, so nothing of it is done", detail=rule)


def too_many(request: HttpRequest) -> HttpResponse:
    """429: too many tries at the door from this address, which goes on record; nobody's account is locked."""
    record_turned_away(request)
    response = _error(request, 429, "Too many tries")
    response["Retry-After"] = "300"  # the longest of the limits
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """500: drawn without the database, which may be what broke. What was written of a form isn't known."""
    context = {
        **look(request),
        "code": 500,
        "title": "Something broke on our side",
        "was_sent": request.method == "POST",
        "at": timezone.now(),
        "request_id": getattr(request, "request_id", ""),
        "layout": "bare.html",
    }
    name = "errors/_toast.html" if _is_htmx(request) else "errors/500.html"
    return _for_htmx(request, HttpResponse(loader.render_to_string(name, context), status=500))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that was opened before the last sign-in, or posted from elsewhere."""
    return _error(request, 403, "This form is from before you signed in", template="csrf")


def _error(
    request: HttpRequest, code: int, title: str, *, template: str = "", **context: Any
) -> HttpResponse:
    user = getattr(request, "user", None)
    if getattr(request, "access_token", None):
        words = ". ".join(filter(None, (title, context.get("detail", ""))))
        return HttpResponse(f"{words}\n", status=code, content_type="text/plain; charset=utf-8")
    context |= {
        "code": code,
        "phrase": HTTPStatus(code).phrase,
        "title": title,
        "request_id": getattr(request, "request_id", ""),
        "layout": "base.html" if user is not None and user.is_authenticated else "bare.html",
    }
    name = "errors/_toast.html" if _is_htmx(request) else f"errors/{template or code}.html"
    return _for_htmx(request, render(request, name, context, status=code))


def _either(words: list[str]) -> str:
    """`manager, auditor or administrator`."""
    *first, last = (word.lower() for word in words)
    return f"{', '.join(first)} or {last}" if first else last


def _is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def _for_htmx(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Under htmx an error becomes a toast: what was typed stays where it is."""
    if _is_htmx(request):
        response["HX-Retarget"] = "#toasts"
        response["HX-Reswap"] = "beforeend"
    return response
