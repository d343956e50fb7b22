"""The search that stands in the frame of every page: what an id, an alias or a number names opens at once."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from billing.changes.models import ChangeRequest
from billing.lists.references import is_reference, reference_meant
from billing.lists.text import folded
from billing.mirror.resources.customer import queries as mirror
from billing.mirror.resources.customer.filters import CustomerFilter, FilterRefused
from billing.mirror.resources.customer.likeness import known_exactly
from billing.mirror.resources.customer.models import Customer
from billing.mirror.resources.customer.queries import CustomerRow
from billing.pages import nouns
from billing.pages.access import needs
from billing.pages.nouns.customer_page import CustomerPage
from billing.pages.web import is_partial, render_page, url_of
from billing.roles import Can

SHOWN = 6


@needs(Can.BROWSE)
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Under htmx the first matches; without it the page that the words mean."""
    words = request.GET.get("q", "").strip()
    if is_partial(request):
        return _matches(request, words)
    if exact := _exact(words) or next((thing.url for thing in _named(words)), None):
        return redirect(exact)
    query = {"q": words, "status": "all"}
    return redirect(f"{reverse('billing:customers')}?{urlencode(query)}" if words else "billing:customers")


def _matches(request: HttpRequest, words: str) -> HttpResponse:
    try:
        wanted = CustomerFilter(q=words, status="all")
    except FilterRefused as refusal:
        return render_page(request, "search/page", part="_found", words=words, problem=str(refusal))
    page = mirror.customers(wanted, limit=SHOWN) if words else None
    known = known_exactly(words)[:SHOWN]
    others = [row for row in page.rows if row.id not in {each.pk for each in known}] if page else []
    return render_page(
        request,
        "search/page",
        part="_found",
        words=words,
        customers=[(row, _alias_meant(row, words)) for row in [*known, *others]][:SHOWN],
        are_customers_first=bool(known) and not is_reference(words),
        count=page.count if page else 0,
        count_is_capped=bool(page and page.count_is_capped),
        changes=_changes(words),
        things=_named(words),
    )


def _alias_meant(row: CustomerRow | Customer, words: str) -> str:
    """The alias that the words begin; a row of the list carries few, and those meant are first."""
    meant = folded(words)
    if isinstance(row, Customer):
        held = row.aliases.filter(folded=meant).order_by("alias")
        return held.values_list("alias", flat=True).first() or ""
    return next((alias for alias in row.aliases if folded(alias).startswith(meant)), "")


class Thing(NamedTuple):
    """Something that an id is of, with its page; noun: what it is, in words."""

    noun: str
    called: str
    url: str


def _named(words: str) -> list[Thing]:
    """What a whole id is of, other than customers: they are found by more."""
    try:
        wanted = UUID(words)
    except ValueError:  # most searches are not a whole id
        return []
    found = [(face, face.find(wanted)) for face in nouns.pages() if not isinstance(face, CustomerPage)]
    return [
        Thing(face.of.noun[0], face.called(thing), url_of(f"billing:{face.name}", wanted))
        for face, thing in found
        if thing is not None
    ]


def _changes(words: str) -> list[ChangeRequest]:
    """The request that the words name; only whole references are looked up."""
    reference = reference_meant(words)
    return list(ChangeRequest.objects.filter(reference=reference)) if reference else []


def _exact(words: str) -> str | None:
    """The address of the one thing that the words name, None when that is nothing, or several customers.

    It is the first that the palette shows: a request by its letters and number, then a customer by id, alias
    or external id, then a request by its number alone.
    """
    requests = _changes(words)
    if requests and is_reference(words):
        return reverse("billing:change", args=[requests[0].reference])
    if known := known_exactly(words):
        return reverse("billing:customer", args=[known[0].pk]) if len(known) == 1 else None
    return reverse("billing:change", args=[requests[0].reference]) if requests else None
