"""A fresh proof of who somebody is, before what can't be undone. What was sent waits, and goes on then."""

from __future__ import annotations

from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.reauthentication import is_reauthentication_required, suspend_request
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_htmx.http import HttpResponseClientRedirect


def proof_asked(request: HttpRequest) -> HttpResponse | None:
    """Lead to a page that asks for password or second factor; None where the last proof is fresh enough.

    The form that was sent is kept in the session and carried out once the proof is given.
    Raises PermissionDenied for somebody who has neither.
    """
    if not is_reauthentication_required(request, app="billing"):
        return None
    ways = get_adapter().get_reauthentication_methods(request.user)
    if not ways:
        raise PermissionDenied(
            "This asks for a fresh proof that it is you. Sign out, sign in, and do it again."
        )
    suspend_request(request, ways[0]["url"])
    way = f"{ways[0]['url']}?{urlencode({'next': request.path})}"  # its query waits with the form
    return HttpResponseClientRedirect(way) if request.htmx else redirect(way)
