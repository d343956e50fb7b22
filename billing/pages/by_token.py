"""Coming in by an access token: a script takes a list out as a file, and nothing else answers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from billing.pages.access import HOW_BY_SCRIPT, View, refused_token
from billing.people.tokens import TokenRefused, admitted

SCHEME = "bearer"
SCOPE = "insufficient_scope"


class ByToken:
    """Let a request with an access token in as the token's owner, for the one list that it asks for.

    With a token the session counts for nothing, so a browser's cookie lends a script no right. What is
    refused is told in plain text. Comes before the demand to sign in; views say which list they are.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.access_token = None
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """An answer that refuses the token; None where there is none, or where its owner is let in."""
        given = request.headers.get("Authorization", "")
        scheme, _blank, secret = given.partition(" ")
        if scheme.lower() != SCHEME:
            return None
        try:
            token = admitted(secret.strip(), request.client_ip or None)
        except TokenRefused as refusal:
            return refused_token(401, f"{refusal} {HOW_BY_SCRIPT}", error="invalid_token")
        wanted = getattr(view, "list_name", "")
        if not wanted or request.method not in ("GET", "HEAD"):
            return refused_token(
                403, "An access token takes lists out as files, and does nothing else.", error=SCOPE
            )
        if wanted not in token.lists:
            reads = ", ".join(token.lists)
            return refused_token(
                403, f"The access token “{token.name}” reads {reads}, not {wanted}.", error=SCOPE
            )
        request.access_token, request.user = token, token.owner
        return None
