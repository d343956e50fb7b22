"""What moved in the docket while it is open. Rows keep their place: new ones join at the end."""

from __future__ import annotations

import re

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from billing.changes.models import ChangeRequest
from billing.lists.paging import FilterRefused
from billing.pages.access import needs
from billing.pages.requests import rows
from billing.pages.requests.inbox import VIEWS, live_query, rows_waiting
from billing.pages.requests.lines import Line, lines
from billing.pages.standing import standing
from billing.pages.web import render_page
from billing.roles import Can

MOST_ROWS = 200
"""Rows that one open page may hold: what came while it was open joins those it began with."""
MARK = re.compile(r"[0-9]{1,18}\.[a-z_]{1,20}\.[0-9]{1,2}\.[0-9]{2,20}")


@needs(Can.BROWSE)
@require_safe
def moved(request: HttpRequest) -> HttpResponse:
    """The lines that read differently now, and the new ones; 204 where there are none of either."""
    view, marks = _asked(request)
    ids = [int(mark.partition(".")[0]) for mark in marks]
    shown = list(ChangeRequest.objects.filter(pk__in=ids).select_related("maker"))
    shown.sort(key=lambda row: ids.index(row.pk))
    new: list[ChangeRequest] = []
    gone: set[int] = set()
    if view == "waiting":
        try:
            waiting = rows_waiting(request)
        except FilterRefused as refusal:
            raise BadRequest(str(refusal)) from refusal
        gone = set(ids).difference(waiting.filter(pk__in=ids).values_list("pk", flat=True))
        if request.GET.get("open"):
            new = list(waiting.exclude(pk__in=ids)[: max(0, MOST_ROWS - len(ids))])
    drawn = lines([*shown, *new], gone, for_decision_by=request.user if view == "waiting" else None)
    changed = [line for line in drawn[: len(shown)] if line.mark not in marks]
    count = standing(request).waiting
    if not changed and not new and request.GET.get("count") == str(count):
        return HttpResponse(status=204)
    return render_page(
        request,
        "changes/_moved",
        view=view,
        changed=[rows.drawn(line, view=view, swap=True) for line in changed],
        new=[rows.drawn(line, view=view) for line in drawn[len(shown) :]],
        live_query=live_query(request, view, drawn, is_whole=bool(request.GET.get("open")), count=count),
        said=_said(drawn[len(shown) :], changed),
    )


def _asked(request: HttpRequest) -> tuple[str, list[str]]:
    view = request.GET.get("view", "")
    marks = [mark for mark in request.GET.get("rows", "").split(",") if mark]
    if view not in VIEWS or len(marks) > MOST_ROWS or not all(map(MARK.fullmatch, marks)):
        raise BadRequest("This address names no open list of requests.")
    return view, marks


def _said(new: list[Line], changed: list[Line]) -> str:
    """What is told to somebody who doesn't see the list."""
    parts = [f"{line.change.reference}: {line.change.get_status_display()}." for line in changed]
    if new:
        parts.append(f"{len(new)} more at the end of the list.")
    return " ".join(parts)
