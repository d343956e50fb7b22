"""Customers: the list. What is known of one has a file of its own (`customer_page.py`)."""

from __future__ import annotations

from functools import cache, lru_cache
from html import escape
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.utils.safestring import SafeString

from billing.audit.actors import Actor
from billing.audit.taking import Taking
from billing.changes import queries as changes
from billing.changes.models import ChangeRequest
from billing.lists.text import folded
from billing.mirror.resources.customer import queries as mirror
from billing.mirror.resources.customer.export import customers_csv
from billing.mirror.resources.customer.filters import STATUSES, CustomerFilter
from billing.mirror.resources.customer.queries import CustomerPage, CustomerRow
from billing.mirror.resources.plan import plan_names
from billing.pages import freshness
from billing.pages.inputs import Asked, Input
from billing.pages.listing import Column, ListPage
from billing.pages.markup import format_html
from billing.pages.templatetags.countersign import (
    NO_VALUE,
    change_link,
    change_status,
    day,
    key,
    status,
)
from billing.pages.web import url_of


class Line(NamedTuple):
    """One row with the open request that writes to it; `meant` is the search, folded."""

    row: CustomerRow
    change: ChangeRequest | None
    meant: str


def _name(line: Line) -> SafeString:
    url = url_of("billing:customer", line.row.id)
    return SafeString(f'<a class="name" href="{url}"><bdi>{escape(line.row.name)}</bdi></a>')


def _aliases(line: Line) -> SafeString:
    """A few of its aliases; those that the search begins come first and are marked."""
    row = line.row
    if not row.aliases:
        return NO_VALUE
    shown = " ".join(_marked(alias, line.meant) for alias in row.aliases)
    return SafeString(
        f'<span class="fit"><span class="one">{shown}</span>{_more(row.alias_count, len(row.aliases))}</span>'
    )


def _marked(alias: str, meant: str) -> SafeString:
    drawn = key(alias)
    return (
        SafeString(f'<mark class="found">{drawn}</mark>')
        if meant and folded(alias).startswith(meant)
        else drawn
    )


def _plan(line: Line) -> SafeString:
    names = line.row.plan_names
    if not names:
        return SafeString("")
    first = f'<bdi class="one">{escape(names[0])}</bdi>'
    return SafeString(f'<span class="fit">{first}{_more(len(names), 1)}</span>')


@lru_cache
def _more(number: int, shown: int) -> SafeString:
    """How many there are besides those that are shown."""
    return (
        format_html(' <span class="quiet nowrap">+{}</span>', f"{number - shown:,}")
        if number > shown
        else SafeString("")
    )


def _status(line: Line) -> SafeString:
    """Active, missing, or archived and since when."""
    shown = customer_status(line.row)
    if line.row.archived_at and not line.row.missing_since:
        return SafeString(f'{shown} <span class="quiet">{day(line.row.archived_at)}</span>')
    return shown


def customer_status(row: Any) -> SafeString:
    """Active, archived or missing; for a row of the list and for the customer's own page."""
    return _standing(bool(row.missing_since), bool(row.archived_at))


def why_closed(row: Any) -> str:
    """Why nothing can be proposed for a customer, in words; empty where something can."""
    if row.archived_at:
        return "archived"
    return "gone from Metronome" if row.missing_since else ""


@cache
def _standing(is_missing: bool, is_archived: bool) -> SafeString:
    if is_missing:
        return status("warn", "mark-stale", "Missing")
    if is_archived:
        return status("plain", "mark-archived", "Archived")
    return status("good", "mark-active", "Active")


def _created(line: Line) -> SafeString:
    return day(line.row.created_at)


def _request(line: Line) -> SafeString:
    if line.change is None:
        return SafeString("")
    return SafeString(f"{change_link(line.change.reference)} {change_status(line.change)}")


class Customers(ListPage):
    """Search, narrow and page through the mirrored customers."""

    name = "customers"
    title = "Customers"
    noun = ("customer", "customers")
    icon = "customer"
    place = "mirror"
    filter = CustomerFilter
    template = "customers/list"
    inputs = (
        Input(
            "q",
            "Name, alias or id",
            "search",
            title="Words of names, beginnings of aliases and external ids, and whole ids",
        ),
        Input("status", "Status", "choice", STATUSES.items, any=""),
        Input("plan", "Plan", "choice", lambda: ((str(plan.id), plan.name) for plan in plan_names())),
    )
    columns = (
        Column("Name", _name, sort="name"),
        Column("Status", _status, look="nowrap"),
        Column("Ingest aliases", _aliases, look="slack"),
        Column("Plan", _plan, look="slack"),
        Column(
            "Created, UTC",
            lambda line: day(line.row.created_at),
            sort="created_at",
            falls=True,
            look="nowrap",
        ),
        Column("Open request", _request, look="nowrap"),
    )
    none_yet = (
        "No customers yet",
        "Customers appear here when the first refresh has read them from Metronome.",
    )
    none_left = (
        "",
        "Search looks at the words of names, at beginnings of aliases and external ids, and at whole ids.",
    )

    def page(self, wanted: CustomerFilter, cursor: str | None = None) -> CustomerPage:
        return mirror.customers(wanted, cursor)

    def take(self, wanted: CustomerFilter, actor: Actor) -> Taking:
        return customers_csv(wanted, actor)

    def drawn(self, request: HttpRequest, rows: list[CustomerRow]) -> SafeString:
        open_requests = changes.open_on(row.id for row in rows)
        meant = folded(request.GET.get("q", "").strip())
        return super().drawn(request, [Line(row, open_requests.get(row.id), meant) for row in rows])

    def is_muted(self, line: Line) -> bool:
        return bool(line.row.archived_at or line.row.missing_since)

    def said(
        self, request: HttpRequest, wanted: CustomerFilter, fields: list[Asked], more: dict[str, Any]
    ) -> dict[str, tuple[str, str]]:
        """The status that every visit begins with is no filter of anybody's."""
        said = super().said(request, wanted, fields, more)
        if wanted.status == CustomerFilter().status:
            said.pop("status", None)
        return said

    def more(self, request: HttpRequest, wanted: CustomerFilter, page: CustomerPage) -> dict[str, Any]:
        return {
            "freshness": freshness.of_account(),
            "everywhere_url": "" if page.rows else _everywhere(request, wanted),
        }


def _everywhere(request: HttpRequest, wanted: CustomerFilter) -> str:
    """The same search over active and archived customers, when only some were looked at."""
    if wanted.status == "all" or not wanted.is_narrow:
        return ""
    query = request.GET.copy()
    query["status"] = "all"
    query.pop("cursor", None)
    return f"{request.path}?{query.urlencode()}"
