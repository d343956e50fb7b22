"""The record: read, narrowed, and taken away as a file."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from billing import clock
from billing.audit import export, queries
from billing.audit.events import GROUPS, Event
from billing.audit.queries import AuditFilter
from billing.changes import queries as changes
from billing.lists.paging import CursorRefused, FilterRefused, is_storable
from billing.mirror import queries as mirror
from billing.mirror.filters import CustomerFilter
from billing.pages.access import needs
from billing.pages.audit import presets
from billing.pages.audit.lines import drawn
from billing.pages.chips import address_without, chips, filters_only
from billing.pages.downloads import csv_response
from billing.pages.templatetags.countersign import options
from billing.pages.web import actor_of, render_page
from billing.roles import Can

PARAMETERS = ("q", "event", "actor", "reference", "customer", "since", "until")
EVENT_LABELS = {**{name: group.label for name, group in GROUPS.items()}, **dict(Event.choices)}


@needs(Can.READ_AUDIT)
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Who did what, when, from where and why; newest first."""
    problem, status = "", 200
    try:
        wanted = _wanted(request)
    except FilterRefused as refusal:
        wanted, problem, status = AuditFilter(), str(refusal), 400
    try:
        page = queries.page(wanted, request.GET.get("cursor") or None)
    except CursorRefused as refusal:
        page, problem = queries.page(wanted), str(refusal)
    people = queries.doers()
    is_grouped = request.GET.get("group") != "none"
    periods, kinds = presets.periods(request, clock.now().date()), presets.kinds(request)
    return render_page(
        request,
        "audit/list",
        part="_results",
        status=status,
        problem=problem,
        wanted=wanted,
        page=page,
        events=drawn(page.rows, grouped=is_grouped),
        is_grouped=is_grouped,
        people=people,
        event_options=_event_options(wanted.event),
        periods=periods,
        kinds=kinds,
        chips=chips(request, _shown(request, wanted, people, [*periods, *kinds])),
        clear_url=address_without(request, *PARAMETERS),
        filters=filters_only(request),
    )


@needs(Can.READ_AUDIT)
@require_safe
def audit_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The rows of the same filter as a file; that it was taken is recorded before the first byte."""
    try:
        wanted = _wanted(request)
    except FilterRefused as refusal:
        raise BadRequest(str(refusal)) from refusal
    return csv_response(request, lambda: export.stream(wanted, actor_of(request)), "audit", wanted.as_json())


def _wanted(request: HttpRequest) -> AuditFilter:
    """The filter in the address, whose customer may be a name or an alias as well. Raises FilterRefused."""
    query = request.GET.dict()
    if typed := query.get("customer", "").strip():
        query["customer"] = str(_customer_meant(typed))
    wanted = AuditFilter.from_get(query)
    about = changes.also_writing_to(wanted.customer_id) if wanted.customer_id else frozenset()
    said: frozenset[str] = frozenset()
    with suppress(ValueError):
        said = changes.also_writing_to(UUID(wanted.text))
    return replace(wanted, also_about=about, also_said=said)


def _customer_meant(typed: str) -> UUID:
    """The one customer of this id, alias or name, now or when something happened, or beginning of one.

    An id need not be mirrored.
    """
    with suppress(ValueError):
        return UUID(typed)
    found = set(mirror.customers_called(typed)) if is_storable(typed) else set()
    found = found or set(queries.customers_once_called(typed, whole=True))
    for status in ("all", "missing"):
        found = found or CustomerFilter(q=typed, status=status).first_ids(2)
    found = found or set(queries.customers_once_called(typed, whole=False))
    if len(found) == 1:
        return found.pop()
    if found:
        raise FilterRefused(f"More than one customer is meant by “{typed[:40]}”; give its id or one alias.")
    raise FilterRefused(f"No customer here is meant by “{typed[:40]}”; the record also takes any id.")


@lru_cache
def _event_options(chosen: str) -> SafeString:
    """What the list of events offers: groups first, then each by itself."""
    groups = [(name, group.label) for name, group in GROUPS.items()]
    return format_html(
        '<optgroup label="Groups">{}</optgroup><optgroup label="Single events">{}</optgroup>',
        options(groups, chosen),
        options(Event.choices, chosen),
    )


def _shown(
    request: HttpRequest, wanted: AuditFilter, people: list[tuple[str, str]], offered: list[presets.Preset]
) -> dict[str, tuple[str, str]]:
    """What the chips say; what a preset in use says already is not said twice."""
    given = request.GET
    customer = mirror.name_of(wanted.customer_id) if wanted.customer_id else ""
    shown = {
        "q": ("Search", given.get("q", "")),
        "actor": ("Who", dict(people).get(given.get("actor", ""), given.get("actor", ""))),
        "reference": ("Request", given.get("reference", "")),
        "customer": ("Customer", customer or given.get("customer", "")),
        "event": ("What", EVENT_LABELS.get(given.get("event", ""), given.get("event", ""))),
        "since": ("From", given.get("since", "")),
        "until": ("Through", given.get("until", "")),
    }
    said = {name for preset in offered if preset.is_on for name in preset.filters}
    return {name: words for name, words in shown.items() if name not in said}
