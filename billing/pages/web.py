"""What every view shares: who is asking, whether a part is enough, and how a page is drawn."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from billing.audit.actors import Actor, person

NOTHING = UUID(int=0)
"""The id that no thing has: where it stands in an address, the id that is asked for takes its place."""


class HtmxHttpRequest(HttpRequest):
    """A request after HtmxMiddleware; only for annotations."""

    htmx: HtmxDetails


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person as the audit record names them, with where they came from."""
    return person(
        request.user,
        ip=request.client_ip or None,
        user_agent=request.headers.get("User-Agent", ""),
        request_id=request.request_id,
        token=token.name if (token := getattr(request, "access_token", None)) else "",
    )


def is_partial(request: HttpRequest) -> bool:
    """Whether htmx asked and only the part will be swapped in."""
    htmx = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def render_page(
    request: HttpRequest, template: str, *, part: str = "", status: int = 200, **context: Any
) -> HttpResponse:
    """Draw `<template>.html`, or under htmx only `part` (such as `_rows`) from the same folder."""
    partial = bool(part) and is_partial(request)
    name = f"{template.rpartition('/')[0]}/{part}.html".lstrip("/") if partial else f"{template}.html"
    response = render(request, name, {**context, "is_partial": partial}, status=status)
    if part:
        patch_vary_headers(response, ["HX-Request"])
    return response


def go_to(request: HttpRequest, where: Any, *args: Any, **kwargs: Any) -> HttpResponse:
    """Send the browser to a page after a successful POST, also when htmx asked."""
    response = redirect(where, *args, **kwargs)
    return HttpResponseClientRedirect(response["Location"]) if getattr(request, "htmx", None) else response


def url_of(page: str, thing_id: UUID | str) -> str:
    """The address of the page of one thing by its id; looked up once, since lists show many."""
    return _url_of(page).replace(str(NOTHING), str(thing_id))


@cache
def _url_of(page: str) -> str:
    return reverse(page, args=[NOTHING])


def form_of(page: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """The address that a form on `page` is sent to: whoever opens it instead gets the page."""

    def state(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def posted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method in ("GET", "HEAD"):
                query = request.GET.urlencode()
                return redirect(reverse(page, args=args, kwargs=kwargs) + (f"?{query}" if query else ""))
            return require_POST(view)(request, *args, **kwargs)

        return posted

    return state


def way_back(request: HttpRequest, default: str) -> str:
    """The page of ours that `next` or the Referer names; never another site's."""
    for candidate in (request.POST.get("next", ""), request.headers.get("Referer", "")):
        if candidate.startswith(("/", "http://", "https://")) and url_has_allowed_host_and_scheme(
            candidate, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        ):
            return candidate
    return default
