"""The search that stands in the frame of every page: an exact id or reference opens at once."""

from __future__ import annotations

import re
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from billing.changes.models import ChangeRequest
from billing.mirror import queries as mirror
from billing.mirror.filters import CustomerFilter, FilterRefused
from billing.mirror.queries import CustomerRow
from billing.pages.access import needs
from billing.pages.requests import is_partial, render_page
from billing.roles import Can

REFERENCE = re.compile(r"\s*(?:CR-?)?0*(\d{1,9})\s*", re.IGNORECASE)
SHOWN = 6


@needs(Can.BROWSE)
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Under htmx the first matches; without it the page that the words mean."""
    words = request.GET.get("q", "").strip()
    if is_partial(request):
        return _matches(request, words)
    if exact := _exact(words):
        return redirect(exact)
    query = {"q": words, "status": "all"}
    return redirect(f"{reverse('billing:customers')}?{urlencode(query)}" if words else "billing:customers")


def _matches(request: HttpRequest, words: str) -> HttpResponse:
    try:
        wanted = CustomerFilter(q=words, status="all")
    except FilterRefused as refusal:
        return render_page(request, "search/page", part="_found", words=words, problem=str(refusal))
    page = mirror.customers(wanted, limit=SHOWN) if words else None
    return render_page(
        request,
        "search/page",
        part="_found",
        words=words,
        customers=[(row, _alias_meant(row, words)) for row in page.rows] if page else [],
        count=page.count if page else 0,
        count_is_capped=bool(page and page.count_is_capped),
        changes=_changes(words),
    )


def _alias_meant(row: CustomerRow, words: str) -> str:
    """The alias that the words begin, if it is one of the few the row carries."""
    return next((alias for alias in row.aliases if alias.startswith(words)), "")


def _changes(words: str) -> list[ChangeRequest]:
    """The request that the words name; only whole references are looked up."""
    if not (named := REFERENCE.fullmatch(words)):
        return []
    return list(ChangeRequest.objects.filter(reference=f"CR-{int(named[1]):06d}"))


def _exact(words: str) -> str | None:
    """The address of the one thing that an id or reference names, None when it names nothing."""
    if words.upper().startswith("CR") and (found := _changes(words)):
        return reverse("billing:change", args=[found[0].reference])
    try:
        customer_id = UUID(words)
    except ValueError:
        return None
    return reverse("billing:customer", args=[customer_id]) if mirror.knows(customer_id) else None
