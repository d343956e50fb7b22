"""What a person was told: newest first, unread marked, read by a press and never by merely looking."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from billing.lists.paging import CursorRefused
from billing.notify import queries, telling
from billing.pages.access import needs
from billing.pages.web import form_of, go_to, render_page
from billing.roles import Can

NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
SHOWN = 50


@needs(Can.BROWSE)
@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """The person's own notices; nobody sees another's."""
    problem = ""
    try:
        page = queries.page(request.user, request.GET.get("cursor") or None, SHOWN)
    except CursorRefused as refusal:
        page, problem = queries.page(request.user, None, SHOWN), str(refusal)
    return render_page(
        request,
        "notices/page",
        page=page,
        problem=problem,
        unread=[notice.pk for notice in page.rows if notice.read_at is None],
        before=min(notice.pk for notice in page.rows) if page.older else None,
        mailed_to=request.user.email if settings.MAIL_FROM else "",
        undelivered=queries.undelivered(request.user),
    )


@needs(Can.BROWSE)
@form_of("billing:notices")
def read(request: HttpRequest) -> HttpResponse:
    """Mark as read what the page showed, and where it led on to older ones, those too.

    Not simply all: what came meanwhile was seen by nobody.
    """
    seen, before = request.POST.getlist("seen"), request.POST.getlist("before")[:1]
    if len(seen) > SHOWN or not all(NUMBER.fullmatch(number) for number in (*seen, *before)):
        raise BadRequest("This form says which notices it showed by their numbers.")
    telling.read(request.user, [int(number) for number in seen], before=int(before[0]) if before else None)
    return go_to(request, "billing:notices")
