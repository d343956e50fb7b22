"""Who may come in: accounts are made by administrators, so allauth's other doors are closed."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest
from django.urls import URLPattern, path, re_path
from django.views.generic import RedirectView

from billing.pages.door.removing import RemovePasskey

CLOSED_PAGES = r"^(signup|email|confirm-email|password/set|login/code)(/|$)"


@login_not_required
def closed(request: HttpRequest, *_parts: str) -> None:
    """Answer 404: nobody signs up here, or changes the address that mail goes to."""
    raise Http404("This page is closed.")


def closed_pages() -> list[URLPattern]:
    """Return the patterns to put before allauth's own, whose names still reverse: some are shut, and the
    lists of second factors are parts of one's own account here."""
    account = RedirectView.as_view(pattern_name="billing:account")
    return [
        re_path(CLOSED_PAGES, closed, name="account_closed"),
        path("2fa/", account, name="account_factors"),
        path("2fa/webauthn/keys/<int:pk>/remove/", RemovePasskey.as_view(), name="account_passkey_remove"),
        path("2fa/webauthn/", account, name="account_passkeys"),
    ]
