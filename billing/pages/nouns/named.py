"""What lists and pages of nouns that people choose by name have in common."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from billing.audit.actors import Actor
from billing.audit.taking import Taking
from billing.lists.paging import Slice
from billing.mirror import ages
from billing.mirror.export import noun_csv
from billing.mirror.named import NamedFilter
from billing.mirror.resources import RESOURCES
from billing.pages import freshness
from billing.pages.detail import DetailPage
from billing.pages.inputs import Asked, Input
from billing.pages.listing import Column, ListPage
from billing.pages.markup import format_html
from billing.pages.templatetags.countersign import status
from billing.pages.web import url_of

PRICING = (("rate-cards", "Rate cards"), ("products", "Products"), ("packages", "Packages"))
"""The lists that stand beside one another under Pricing."""


class NamedList(ListPage):
    """A list by name. thing: its noun, by which its table is found."""

    room = "Pricing"
    tabs = PRICING
    thing: ClassVar[str]
    filter: ClassVar[type[NamedFilter]]

    def page(self, wanted: NamedFilter, cursor: str | None = None) -> Slice[Any]:
        return wanted.page(cursor)

    def rows(self, wanted: NamedFilter) -> QuerySet[Any]:
        return wanted.in_order()

    def take(self, wanted: NamedFilter, actor: Actor) -> Taking:
        return noun_csv(RESOURCES[self.thing], actor, self.rows(wanted), wanted.as_json())

    def is_muted(self, row: Any) -> bool:
        return bool(row.missing_since or getattr(row, "archived_at", None))

    def said(
        self, request: HttpRequest, wanted: NamedFilter, fields: list[Asked], more: dict[str, Any]
    ) -> dict[str, tuple[str, str]]:
        """The status that every visit begins with is no filter of anybody's."""
        said = super().said(request, wanted, fields, more)
        if wanted.status in ("", next(iter(wanted.statuses))):
            said.pop("status", None)
        return said

    def more(self, request: HttpRequest, wanted: NamedFilter, page: Slice[Any]) -> dict[str, Any]:
        return {"freshness": freshness.of_account(), "count": wanted.rows().count()}


def search_and_status(wanted: type[NamedFilter]) -> tuple[Input, Input]:
    """The fields of such a list's form."""
    return (
        Input("q", "Name or id", "search", title="A part of a name, or a whole id"),
        Input(
            "status",
            "Status",
            "choice",
            lambda: ((of, words) for of, (words, _condition) in wanted.statuses.items()),
            any="",
        ),
    )


def name_column(thing: str) -> Column:
    """The name, leading to the thing's page."""
    return Column("Name", lambda row: link_to(thing, row.pk, row.name, "name"), sort="name")


def link_to(page: str, thing_id: Any, name: str, look: str = "") -> SafeString:
    """A link to the page of a thing by its name."""
    return format_html(
        '<a class="{}" href="{}"><bdi>{}</bdi></a>', look, url_of(f"billing:{page}", thing_id), name
    )


def standing_of(row: Any) -> SafeString:
    """Missing, archived, or in use."""
    if row.missing_since:
        return status("warn", "mark-stale", "Missing")
    if getattr(row, "archived_at", None):
        return status("plain", "mark-archived", "Archived")
    return status("good", "mark-active", "In use")


STATUS_COLUMN = Column("Status", standing_of, look="nowrap")


class NamedPage(DetailPage):
    """One of them: its facts as Metronome gives them, and its record."""

    model: ClassVar[type[Model]]

    def find(self, thing_id: UUID) -> Any:
        return self.model.objects.filter(pk=thing_id).first()

    def more(self, request: HttpRequest, thing: Any) -> dict[str, Any]:
        account = ages.freshness()
        return {"freshness": freshness.of_instant(ages.as_of(thing, account), account)}
