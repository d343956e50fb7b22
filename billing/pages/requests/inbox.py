"""The docket of requests: what waits for somebody, what they proposed, and everything, also as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from billing.changes import queries
from billing.changes.asking.kinds import KINDS
from billing.changes.export import requests_csv
from billing.changes.models import ChangeRequest
from billing.changes.statuses import Status
from billing.lists.paging import CursorRefused, FilterRefused, Shape
from billing.lists.prepared import Question
from billing.lists.references import is_reference, reference_meant
from billing.pages.access import needs, taken_out_as
from billing.pages.chips import address_without, chips
from billing.pages.downloads import csv_response
from billing.pages.requests import rows
from billing.pages.requests.filters import RequestFilter
from billing.pages.requests.forms import BatchForm
from billing.pages.requests.lines import Line, lines
from billing.pages.requests.story import Moment
from billing.pages.standing import standing
from billing.pages.web import actor_of, go_to, render_page
from billing.roles import Can
from billing.users import User

VIEWS = {"waiting": "Waiting for you", "mine": "Yours", "all": "All requests"}
LISTS = {"waiting": queries.waiting_for, "mine": queries.made_by, "all": queries.all_requests}
ORDERS = {"waiting": "submitted_at", "mine": "-submitted_at", "all": "-submitted_at"}
PARAMETERS = ("q", "kind", "person", "customer", "status", "since", "until")
PAGE = 50


@dataclass(frozen=True, slots=True)
class Docket:
    """One list of requests, narrowed: which view, by what, and whose."""

    view: str
    wanted: RequestFilter
    person: User

    @property
    def rows(self) -> QuerySet[ChangeRequest]:
        """Its requests in order. Raises FilterRefused."""
        return self.wanted.narrow(LISTS[self.view](self.person))

    @property
    def listed(self) -> QuerySet[ChangeRequest] | Shape:
        """The same, put together once where nothing narrows it. Raises FilterRefused."""
        if self.wanted != RequestFilter():
            return self.rows
        return queries.whole(LISTS[self.view], self.person)


@needs(Can.BROWSE)
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """The docket: what waits for this person, what they proposed, and everything.

    A request's number, searched for, opens the request, in whichever view it stands.
    """
    text = request.GET.get("q", "")
    if is_reference(text) and ChangeRequest.objects.filter(reference=reference_meant(text)).exists():
        return go_to(request, "billing:change", reference_meant(text))
    return drawn(request)


def drawn(
    request: HttpRequest,
    *,
    status: int = 200,
    batch: BatchForm | None = None,
    ticked: Sequence[str] = (),
    came_first: Sequence[Moment] = (),
) -> HttpResponse:
    """The docket, with a decision on what was ticked that was not carried out, and what came before it."""
    count = standing(request).waiting
    view, problem = _view(request, count), ""
    try:
        docket = _docket(request, view)
        listed = docket.listed
    except FilterRefused as refusal:
        docket, problem, status = Docket(view, RequestFilter(), request.user), str(refusal), 400
        listed = docket.listed
    order = ORDERS[view]
    try:
        page = queries.page(listed, request.GET.get("cursor") or None, PAGE, order=order)
    except CursorRefused as refusal:
        page, problem = queries.page(listed, None, PAGE, order=order), str(refusal)
    people = _people().rows()
    is_whole = page.older is None and page.newer is None
    docket_lines = lines(page.rows, for_decision_by=request.user if view == "waiting" else None)
    return render_page(
        request,
        "changes/inbox",
        part="_docket",
        status=status,
        view=view,
        views=VIEWS,
        wanted=docket.wanted,
        statuses=Status.choices,
        kinds=[(name, kind.label) for name, kind in sorted(KINDS.items())],
        people=people,
        chips=chips(request, _shown(request, dict(people))),
        clear_url=address_without(request, *PARAMETERS),
        csv_query=_query_of(request, view),
        page=page,
        problem=problem,
        lines=docket_lines,
        rows=[rows.drawn(line, view=view, ticked=ticked) for line in docket_lines],
        live_query=live_query(request, view, docket_lines, is_whole=is_whole, count=count),
        batch=batch or BatchForm(),
        ticked=ticked,
        came_first=came_first,
    )


@taken_out_as("requests")
@needs(Can.BROWSE)
@require_safe
def inbox_csv(request: HttpRequest) -> HttpResponseBase:
    """The same list as a file, whole."""
    view = _named_view(request) or "waiting"
    try:
        docket = _docket(request, view)
        listed = docket.rows
    except FilterRefused as refusal:
        raise BadRequest(str(refusal)) from refusal
    filters = {"view": view, "status": docket.wanted.status, **docket.wanted.as_json()}
    return csv_response(
        request, lambda: requests_csv(listed, actor_of(request), filters), "requests", filters
    )


def live_query(request: HttpRequest, view: str, drawn: list[Line], *, is_whole: bool, count: int) -> str:
    """What a page tells when it asks what moved: its filter, and each line as it stands on it.

    is_whole: the list ends on this page, so new ones may join it.
    """
    query = request.GET.copy()
    for name in ("cursor", "rows", "open", "count"):
        query.pop(name, None)
    query["view"] = view
    query["rows"] = ",".join(line.mark for line in drawn)
    query["count"] = str(count)
    if is_whole:
        query["open"] = "1"
    return query.urlencode()


def rows_waiting(request: HttpRequest) -> QuerySet[ChangeRequest]:
    """What waits for this person, by the filter in the address. Raises FilterRefused."""
    return _docket(request, "waiting").rows


def _docket(request: HttpRequest, view: str) -> Docket:
    wanted = RequestFilter.from_get(request.GET)
    if wanted.status and view != "all":
        raise BadRequest("Only the list of all requests can be narrowed to a status; ask for view=all.")
    return Docket(view, wanted, request.user)


@cache
def _people() -> Question:
    return Question(User.objects.order_by("name", "username").values_list("username", "name"))


def _named_view(request: HttpRequest) -> str:
    """The view in the address, empty where it names none; BadRequest for one that isn't there."""
    view = request.GET.get("view", "")
    if view and view not in VIEWS:
        raise BadRequest(f"There is no such list of requests; ask for {', '.join(VIEWS)}.")
    return view


def _view(request: HttpRequest, count: int) -> str:
    """The view that the address names, else the first that holds something."""
    if view := _named_view(request):
        return view
    if count:
        return "waiting"
    return "mine" if queries.made_by(request.user).exists() else "all"


def _query_of(request: HttpRequest, view: str) -> str:
    query = request.GET.copy()
    query.pop("cursor", None)
    query["view"] = view
    return f"?{query.urlencode()}"


def _shown(request: HttpRequest, people: dict[str, str]) -> dict[str, tuple[str, str]]:
    given, labels = request.GET, dict(Status.choices)
    kind, person, status = (given.get(name, "") for name in ("kind", "person", "status"))
    return {
        "q": ("Search", given.get("q", "")),
        "kind": ("Kind", KINDS[kind].label if kind in KINDS else kind),
        "person": ("Person", people.get(person, person)),
        "customer": ("Customer", given.get("customer", "")),
        "status": ("Status", str(labels.get(status, status))),
        "since": ("From", given.get("since", "")),
        "until": ("Through", given.get("until", "")),
    }
