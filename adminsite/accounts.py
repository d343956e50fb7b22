"""Who may come in: accounts are made by administrators, so allauth's other doors are closed."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest
from django.urls import URLPattern, re_path

CLOSED_PAGES = r"^(signup|email|confirm-email|password/set|login/code)(/|$)"


@login_not_required
def closed(request: HttpRequest, *_parts: str) -> None:
    """Answer 404: nobody signs up here, or changes the address that mail goes to."""
    raise Http404("This page is closed.")


def closed_pages() -> URLPattern:
    """Return the pattern to put before allauth's own: its names still reverse, but these pages are shut."""
    return re_path(CLOSED_PAGES, closed, name="account_closed")
