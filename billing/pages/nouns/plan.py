"""Plans: the list, and one plan with the customers on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils.safestring import SafeString

from billing.lists.csv import as_utc
from billing.lists.paging import CursorRefused, FilterRefused, Slice
from billing.mirror.resources import plan as mirror
from billing.mirror.resources.plan import Plan, PlanRow
from billing.mirror.resources.tally import subscribed
from billing.pages import freshness
from billing.pages.detail import DetailPage
from billing.pages.listing import Column, ListPage
from billing.pages.markup import format_html
from billing.pages.templatetags.countersign import status
from billing.pages.web import url_of

SORTS = ("name", "-name", "customers", "-customers")


@dataclass(frozen=True, slots=True)
class PlanFilter:
    """Nothing narrows the plans; `sort` puts them in order."""

    sort: str = "name"

    @classmethod
    def from_get(cls, query: Mapping[str, str]) -> PlanFilter:
        """The filter of an address. Raises FilterRefused."""
        sort = query.get("sort") or "name"
        if sort not in SORTS:
            raise FilterRefused(f"Plans can’t be sorted by “{sort[:40]}”.")
        return cls(sort)

    def as_json(self) -> dict[str, str]:
        return {} if self.sort == "name" else {"sort": self.sort}


def _name(row: PlanRow) -> SafeString:
    """The plan, leading to its page; whether Metronome still lists it is said where it doesn't."""
    return format_html(
        '<a class="name" href="{}"><bdi>{}</bdi></a>{}',
        url_of("billing:plan", row.id),
        row.name,
        status("warn", "mark-stale", "Missing") if row.missing_since else "",
    )


class Plans(ListPage):
    """Every plan ever seen, with how many customers are on it."""

    name = "plans"
    title = "Plans"
    noun = ("plan", "plans")
    icon = "plan"
    place = "mirror"
    filter = PlanFilter
    columns = (
        Column(csv={"id": "id"}),
        Column("Name", _name, {"name": "name"}, sort="name"),
        Column(
            "Description",
            lambda row: format_html("<bdi>{}</bdi>", row.description),
            {"description": "description"},
        ),
        Column(
            "Customers",
            lambda row: f"{row.customers:,}",
            {"customers": subscribed()},
            sort="customers",
            falls=True,
            look="num",
        ),
        Column(csv={"custom_fields": Cast("custom_fields", TextField())}),
        Column(csv={"missing_since": as_utc("missing_since"), "fetched_at": as_utc("fetched_at")}),
    )
    none_yet = ("No plans", "Either this account has none, or the first refresh has not read them yet.")

    def page(self, wanted: PlanFilter, cursor: str | None = None) -> Slice[PlanRow]:
        return Slice(mirror.plans(wanted.sort), None, None)

    def rows(self, wanted: PlanFilter) -> QuerySet[Plan]:
        return mirror.in_order(wanted.sort)

    def is_muted(self, row: PlanRow) -> bool:
        return row.missing_since is not None

    def more(self, request: HttpRequest, wanted: PlanFilter, page: Slice[PlanRow]) -> dict[str, Any]:
        return {
            "freshness": freshness.of_account(),
            "count": len(page.rows),
            "about": "Customers whose plan has not ended",
        }


class PlanPage(DetailPage):
    """One plan and who is, was and will be on it."""

    name = "plan"
    of = Plans
    template = "plans/detail"

    def find(self, thing_id: UUID) -> Plan | None:
        return mirror.plan(thing_id)

    def facts(self, thing: Plan) -> list[tuple[str, Any]]:
        return list(thing.custom_fields.items())

    def more(self, request: HttpRequest, thing: Plan) -> dict[str, Any]:
        problem = ""
        try:
            page = mirror.plan_customers(thing.pk, request.GET.get("cursor") or None)
        except CursorRefused as refusal:
            page, problem = mirror.plan_customers(thing.pk), str(refusal)
        return {"page": page, "problem": problem, "freshness": freshness.of_account()}
