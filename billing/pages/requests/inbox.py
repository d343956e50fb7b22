"""The docket of requests: what waits for somebody, what they proposed, and everything, also as a file."""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from billing.changes import queries
from billing.changes.export import requests_csv
from billing.changes.models import ChangeRequest
from billing.changes.statuses import Status
from billing.lists.paging import CursorRefused
from billing.pages.access import needs
from billing.pages.downloads import csv_response
from billing.pages.web import actor_of, render_page
from billing.roles import Can

VIEWS = {"waiting": "Waiting for you", "mine": "Yours", "all": "All requests"}


@needs(Can.BROWSE)
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """The docket: what waits for this person, what they proposed, and everything."""
    view, status, rows = _listed(request)
    problem = ""
    try:
        page = queries.page(rows, request.GET.get("cursor") or None)
    except CursorRefused as refusal:
        page, problem = queries.page(rows, None), str(refusal)
    given = queries.approvals([change.pk for change in page.rows])
    waits = queries.waited_for(page.rows)
    return render_page(
        request,
        "changes/inbox",
        part="_docket",
        view=view,
        views=VIEWS,
        chosen_status=status,
        statuses=Status.choices,
        page=page,
        problem=problem,
        lines=[(change, given.get(change.pk), waits.get(change.pk)) for change in page.rows],
    )


@needs(Can.BROWSE)
@require_safe
def inbox_csv(request: HttpRequest) -> HttpResponseBase:
    """The same list as a file, whole."""
    view, status, rows = _listed(request)
    filters = {"view": view, "status": status}
    return csv_response(request, lambda: requests_csv(rows, actor_of(request), filters), "requests", filters)


def _listed(request: HttpRequest) -> tuple[str, str, QuerySet[ChangeRequest]]:
    """The view and status that the address asks for, and the requests they let through; else BadRequest."""
    view = request.GET.get("view", "waiting")
    if view not in VIEWS:
        raise BadRequest(f"There is no such list of requests; ask for {', '.join(VIEWS)}.")
    status = request.GET.get("status", "")
    if status and status not in Status.values:
        raise BadRequest(f"There is no such status; ask for one of {', '.join(Status.values)}.")
    if status and view != "all":
        raise BadRequest("Only the list of all requests can be narrowed to a status; ask for view=all.")
    if view == "waiting":
        return view, status, queries.waiting_for(request.user)
    if view == "mine":
        return view, status, queries.made_by(request.user)
    return view, status, queries.all_requests(status)
