"""A list declared: page, part under htmx, file, filters and sorting are made of one class.

A noun's face stands in `pages/nouns/<noun>.py`. Rows are drawn in one pass in Python: as templates they took
longer than everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from django.core.exceptions import BadRequest
from django.db.models import Expression, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.audit.taking import Taking, take
from billing.lists.paging import CursorRefused, FilterRefused, Slice
from billing.pages.access import View, needs, taken_out_as
from billing.pages.chips import address_without, chips, filters_only
from billing.pages.downloads import csv_response
from billing.pages.inputs import Asked, Input, asked
from billing.pages.markup import escaped
from billing.pages.templatetags.countersign import icon
from billing.pages.web import actor_of, render_page
from billing.roles import Can

LOOKS = {"": "", "num": ' class="num"', "nowrap": ' class="nowrap"', "slack": ' class="slack"'}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list.

    cell: a row's value, drawn if it is safe and escaped if not; without it the column is in the file alone.
    csv: heading → field or expression, one or several; without any it is on the page alone.
    sort: the filter's word for the order by it; falls: it is sorted from the largest or newest first.
    look: `num` is aligned right, `nowrap` never broken, `slack` has what width is left and is cut at its end.
    """

    label: str = ""
    cell: Callable[[Any], Any] | None = None
    csv: Mapping[str, str | Expression] = field(default_factory=dict)
    sort: str = ""
    falls: bool = False
    look: str = ""

    @property
    def is_figure(self) -> bool:
        return self.look == "num"

    @property
    def form(self) -> str:
        """Its cell, with a place for the value."""
        return f'<td{LOOKS[self.look]} data-label="{self.label}"><span>{{}}</span></td>'


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading; where the list can be sorted by it, the address that does."""

    label: str
    url: str
    order: str
    is_figure: bool

    @property
    def mark(self) -> SafeString:
        """The sign of the order that the list is in."""
        return icon({"ascending": "up", "descending": "down"}[self.order]) if self.order else mark_safe("")


class ListPage:
    """A list of one noun. `name` is where it is: `/plans/` and `/plans.csv`.

    address: where its page is instead. room: what several lists that stand beside one another are called
    together; tabs: their names and titles.
    filter: a dataclass with `from_get(query)`, which raises FilterRefused, and `as_json()`, what is set;
    its `sort`, where it has one, is the word of a column, `-` in front for descending.
    inputs: the fields of the filter's form; carried: what else of the address the form sends on.
    place: the part of the navigation that leads to it, empty for none; icon: its symbol there.
    none_yet, none_left: heading and sentence where there is nothing at all, and nothing by these filters.
    """

    name: ClassVar[str] = ""
    address: ClassVar[str] = ""
    title: ClassVar[str]
    room: ClassVar[str] = ""
    tabs: ClassVar[tuple[tuple[str, str], ...]] = ()
    noun: ClassVar[tuple[str, str]]
    may: ClassVar[tuple[Can, ...]] = (Can.BROWSE,)
    icon: ClassVar[str] = ""
    place: ClassVar[str] = ""
    filter: ClassVar[type[Any]]
    columns: ClassVar[tuple[Column, ...]] = ()
    inputs: ClassVar[tuple[Input, ...]] = ()
    carried: ClassVar[tuple[str, ...]] = ("sort",)
    none_yet: ClassVar[tuple[str, str]] = ("", "")
    none_left: ClassVar[tuple[str, str]] = ("", "")
    template: ClassVar[str] = "lists/page"
    file: ClassVar[str] = ""
    paging: ClassVar[tuple[str, str]] = ("Previous 50", "Next 50")

    def wanted(self, query: Mapping[str, str]) -> Any:
        """The filter of an address. Raises FilterRefused."""
        return self.filter.from_get(query)

    def page(self, wanted: Any, cursor: str | None = None) -> Slice[Any]:
        """One page of rows. Raises CursorRefused."""
        raise NotImplementedError

    def rows(self, wanted: Any) -> QuerySet[Any]:
        """All rows in order, for the file."""
        raise NotImplementedError

    def take(self, wanted: Any, actor: Actor) -> Taking:
        """The file of all rows, recorded as `take` says."""
        columns = {name: value for column in self.columns for name, value in column.csv.items()}
        return take(Event.LIST_EXPORTED, actor, self.title, wanted.as_json(), self.rows(wanted), columns)

    def drawn(self, request: HttpRequest, rows: list[Any]) -> Iterable[SafeString]:
        """The rows of the table, in one piece, so that no template goes through them."""
        form, cells = self._row
        drawn = [
            form.format(" data-muted" if self.is_muted(row) else "", *[escaped(cell(row)) for cell in cells])
            for row in rows
        ]
        return [SafeString("".join(drawn))]

    def drawn_page(self, request: HttpRequest, wanted: Any, page: Slice[Any]) -> Iterable[SafeString]:
        """The same for one page, where how a row is drawn hangs on what is before or after it."""
        return self.drawn(request, page.rows)

    def is_partial(self) -> bool:
        """Whether some of its things were never read so far; page and file say so."""
        return False

    def is_muted(self, row: Any) -> bool:
        """Whether a row is of something that is over or gone."""
        return False

    def more(self, request: HttpRequest, wanted: Any, page: Slice[Any]) -> dict[str, Any]:
        """What its own templates show beside that."""
        return {}

    def said(
        self, request: HttpRequest, wanted: Any, fields: list[Asked], more: dict[str, Any]
    ) -> dict[str, tuple[str, str]]:
        """What the chips say of the filter in use: name in the address → (label, what to show)."""
        return {each.field.name: (each.field.label, each.words) for each in fields if each.value}

    @property
    def heading(self) -> str:
        """What its page and the navigation call it."""
        return self.room or self.title

    @classmethod
    def path(cls) -> str:
        """Where its page is, below the root."""
        return cls.address or f"{cls.name}/"

    @property
    def part(self) -> str:
        """The template of what htmx swaps, beside that of the page."""
        return f"{self.template.rpartition('/')[0]}/_results.html"

    @cached_property
    def _row(self) -> tuple[str, list[Callable[[Any], Any]]]:
        """A row with a place for what mutes it and for each cell, and what the cells show.

        Its first cell names it; on a phone each of the others has its label beside it.
        """
        first, *others = [column for column in self.columns if column.cell]
        form = f'<tr{{}}><th scope="row">{{}}</th>{"".join(column.form for column in others)}</tr>'
        return form, [column.cell for column in (first, *others)]


def page_of(face: ListPage) -> View:
    """The view of a list's page, and of its part under htmx."""

    @needs(*face.may)
    @require_safe
    def page(request: HttpRequest) -> HttpResponse:
        problem, status, refused = "", 200, None
        try:
            wanted = face.wanted(request.GET)
        except FilterRefused as refusal:
            wanted, problem, status, refused = face.filter(), str(refusal), 400, refusal
        try:
            found = face.page(wanted, request.GET.get("cursor") or None)
        except CursorRefused as refusal:
            found, problem = face.page(wanted), str(refusal)
        more = face.more(request, wanted, found)
        fields = asked(face.inputs, request.GET)
        said = face.said(request, wanted, fields, more)
        return render_page(
            request,
            face.template,
            part="_results",
            status=status,
            face=face,
            wanted=wanted,
            problem=problem,
            refused=refused,
            page=found,
            rows=face.drawn_page(request, wanted, found),
            headings=headings(face, request, wanted),
            fields=fields,
            kept=[(name, request.GET.get(name, "")) for name in face.carried],
            chips=chips(request, said),
            clear_url=address_without(request, *said, *(each.name for each in face.inputs)),
            filters=filters_only(request),
            list_url=request.path,
            file_url=f"billing:{face.name}-csv",
            **more,
        )

    return page


def file_of(face: ListPage) -> View:
    """The view of the same list as a file: the same filters, every row, in the list's own order."""

    @taken_out_as(face.name)
    @needs(*face.may)
    @require_safe
    def file(request: HttpRequest) -> StreamingHttpResponse:
        try:
            wanted = face.wanted(request.GET)
        except FilterRefused as refusal:
            raise BadRequest(str(refusal)) from refusal
        return csv_response(
            request,
            lambda: face.take(wanted, actor_of(request)),
            face.name,
            wanted.as_json(),
            is_partial=face.is_partial(),
        )

    return file


def addresses(faces: Iterable[ListPage]) -> list[URLPattern]:
    """The addresses of some lists and of their files."""
    return [
        pattern
        for face in faces
        for pattern in (
            path(face.path(), page_of(face), name=face.name),
            path(face.file or f"{face.name}.csv", file_of(face), name=f"{face.name}-csv"),
        )
    ]


def headings(face: ListPage, request: HttpRequest, wanted: Any) -> list[Heading]:
    """The headings of the table; a click on one sorts by it, a second the other way."""
    sort = getattr(wanted, "sort", "")
    found = []
    for column in face.columns:
        if column.cell is None:
            continue
        url = order = ""
        if column.sort:
            order = {column.sort: "ascending", f"-{column.sort}": "descending"}.get(sort, "")
            query = request.GET.copy()
            query.pop("cursor", None)
            falls = order == "ascending" or (column.falls and not order)
            query["sort"] = f"-{column.sort}" if falls else column.sort
            url = f"?{query.urlencode()}"
        found.append(Heading(column.label, url, order, column.is_figure))
    return found
