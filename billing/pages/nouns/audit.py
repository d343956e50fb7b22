"""The record: read, narrowed, and taken away as a file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.safestring import SafeString

from billing import clock
from billing.audit import export, queries
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.audit.groups import GROUPS
from billing.audit.models import AuditEvent
from billing.audit.queries import AuditFilter
from billing.audit.taking import Taking
from billing.changes import queries as changes
from billing.lists.paging import FilterRefused, Slice, is_storable
from billing.mirror.resources.customer import queries as mirror
from billing.mirror.resources.customer.filters import CustomerFilter
from billing.mirror.resources.customer.namesakes import Namesake, namesakes
from billing.pages.audit import presets
from billing.pages.audit.lines import drawn
from billing.pages.inputs import Asked, Input
from billing.pages.listing import ListPage
from billing.roles import Can

EVENTS = (
    ("Groups", tuple((name, group.label) for name, group in GROUPS.items())),
    ("Single events", tuple(Event.choices)),
)
MOST_NAMESAKES = 10
A_DAY = "A day in UTC, like 2026-11-01"


class Record(ListPage):
    """Who did what, when, from where and why; newest first."""

    name = "audit"
    title = "Audit"
    noun = ("event", "events")
    may = (Can.READ_AUDIT,)
    icon = "audit"
    place = "record"
    filter = AuditFilter
    file = "audit/export.csv"
    template = "audit/list"
    paging = ("Newer", "Older")
    inputs = (
        Input(
            "q",
            "Words, number or digest",
            "search",
            title="Beginnings of words, or of an id, a reference or a sign-in name",
        ),
        Input(
            "customer",
            "Customer",
            hint="Name, alias or id",
            title="Its name, now or when it happened; an alias; its id",
        ),
        Input("actor", "Who", "choice", queries.doers, "Anybody"),
        Input("event", "What", "choice", lambda: EVENTS, "Anything"),
        Input("since", "From", "day", hint="2026-11-01", title=A_DAY),
        Input("until", "Through", "day", hint="2026-11-30", title=f"The last day. {A_DAY}"),
    )
    carried = ("reference", "group")
    none_yet = ("Nothing is on record yet", "The first sign-in will be.")
    none_left = (
        "No event is left by these filters",
        "Search looks at people, subjects, references and reasons. Dates are days in UTC.",
    )

    def wanted(self, query: Mapping[str, str]) -> AuditFilter:
        """The filter in the address, whose customer may be a name or an alias as well."""
        given = dict(query.items())
        if typed := given.get("customer", "").strip():
            given["customer"] = str(_customer_meant(typed))
        wanted = AuditFilter.from_get(given)
        about = changes.also_writing_to(wanted.customer_id) if wanted.customer_id else frozenset()
        said: frozenset[str] = frozenset()
        with suppress(ValueError):
            said = changes.also_writing_to(UUID(wanted.text))
        return replace(wanted, also_about=about, also_said=said)

    def page(self, wanted: AuditFilter, cursor: str | None = None) -> Slice[AuditEvent]:
        return queries.page(wanted, cursor)

    def take(self, wanted: AuditFilter, actor: Actor) -> Taking:
        return export.stream(wanted, actor)

    def drawn_page(
        self, request: HttpRequest, wanted: AuditFilter, page: Slice[AuditEvent]
    ) -> list[SafeString]:
        if request.GET.get("group") == "none":
            return [drawn(page.rows, grouped=False)]
        return [drawn(page.rows, going_on=queries.going_on(wanted, page))]

    def more(self, request: HttpRequest, wanted: AuditFilter, page: Slice[AuditEvent]) -> dict[str, Any]:
        return {
            "is_grouped": request.GET.get("group") != "none",
            "periods": presets.periods(request, clock.now().date()),
            "kinds": presets.kinds(request),
        }

    def said(
        self, request: HttpRequest, wanted: AuditFilter, fields: list[Asked], more: dict[str, Any]
    ) -> dict[str, tuple[str, str]]:
        """What a preset in use says already is not said twice; a customer is named as it is called here."""
        said = super().said(request, wanted, fields, more)
        if wanted.customer_id and (name := mirror.name_of(wanted.customer_id)):
            said["customer"] = ("Customer", name)
        if wanted.reference:
            said["reference"] = ("Request", wanted.reference)
        in_use = [preset for preset in (*more["periods"], *more["kinds"]) if preset.is_on]
        by_preset = {name for preset in in_use for name in preset.filters}
        return {name: words for name, words in said.items() if name not in by_preset}


class SeveralMeant(FilterRefused):
    """Several customers are meant by what was typed: `some` of them, and whether there are more yet."""

    def __init__(self, typed: str, ids: set[UUID]) -> None:
        super().__init__(f"More than one customer is meant by “{typed[:40]}”; give its id or one alias.")
        known = namesakes(ids)
        named = {each.id for each in known}
        gone = [Namesake(each, typed) for each in sorted(ids - named)]
        self.some = [*known, *gone][:MOST_NAMESAKES]
        self.has_more = len(ids) > MOST_NAMESAKES


def _customer_meant(typed: str) -> UUID:
    """The one customer of this id, alias or name, now or when something happened, or beginning of one.

    An id need not be mirrored.
    """
    with suppress(ValueError):
        return UUID(typed)
    most = MOST_NAMESAKES + 1
    found = set(mirror.customers_called(typed, most)) if is_storable(typed) else set()
    found = found or set(queries.customers_once_called(typed, most, whole=True))
    for status in ("all", "missing"):
        found = found or CustomerFilter(q=typed, status=status).first_ids(most)
    found = found or set(queries.customers_once_called(typed, most, whole=False))
    if len(found) == 1:
        return found.pop()
    if found:
        raise SeveralMeant(typed, found)
    raise FilterRefused(f"No customer here is meant by “{typed[:40]}”; the record also takes any id.")
