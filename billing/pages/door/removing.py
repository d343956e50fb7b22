"""Removing a passkey: allauth's page, but the last demanded factor stays."""

from __future__ import annotations

from typing import Any

from allauth.mfa.webauthn.views import RemoveWebAuthnView
from django.http import HttpRequest, HttpResponse

from billing.people import factors


class RemovePasskey(RemoveWebAuthnView):
    """Remove one's own passkey, unless it is the last factor of somebody who must have one."""

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        return super().get_context_data(may_go=factors.may_go(self.object), **more)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        if not factors.may_go(self.object):
            return self.render_to_response(self.get_context_data(), status=409)
        return super().post(request, *args, **kwargs)
