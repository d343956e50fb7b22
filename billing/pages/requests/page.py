"""The page of one request: everything it is, what moves while it is open, and a check that is asked for."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing import tasks
from billing.changes.applying import preflight
from billing.changes.glance import ANY_REFERENCE, glance
from billing.changes.models import ChangeRequest, Decision
from billing.lists.paging import is_storable
from billing.lists.prepared import Records
from billing.lists.references import reference_meant
from billing.pages.access import needs
from billing.pages.requests import facts
from billing.pages.web import form_of, go_to, is_partial, render_page
from billing.roles import Can


@needs(Can.BROWSE)
@require_safe
def change(request: HttpRequest, reference: str) -> HttpResponse:
    """One request, read from its sealed text. Opening it asks for a fresh check with Metronome."""
    row = found(reference)
    _ask_for_check(row)
    return drawn(request, row)


@needs(Can.BROWSE)
@require_safe
def live(request: HttpRequest, reference: str) -> HttpResponse:
    """What moves while a page is open, and a check a minute. 204 while nothing differs from its mark."""
    seen = request.GET.get("seen")
    stands = glance(reference)
    if stands and stands.is_open and seen == stands.mark() and not preflight.is_due(stands):
        return HttpResponse(status=204)
    row = found(reference)
    _ask_for_check(row)
    if seen == glance(reference).mark(awaits=facts.awaits(row)):
        return HttpResponse(status=204)
    moved_on = request.GET.get("status") != row.status  # a form somebody types in is left alone otherwise
    page = facts.read(row, request.user)
    return render_page(request, "changes/_live", redraw_decision=moved_on, page=page, change=row)


@needs(Can.REFRESH)
@form_of("billing:change")
def check(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask for a check with Metronome now; the open page shows what came of it."""
    row = found(reference)
    asked = _ask_for_check(row, preflight.AT_ONCE)
    if is_partial(request) and not asked and preflight.is_answered(row):
        return render(request, "changes/_check_now.html", {"change": row, "just_checked": True})
    if is_partial(request):
        return render_page(request, "changes/page", part="_checking")
    messages.success(request, "Metronome is being asked. Load this page again to see what came of it.")
    return go_to(request, "billing:change", reference)


@needs(Can.BROWSE)
@require_safe
def meant(request: HttpRequest, number: str) -> HttpResponse:
    """An address with a request's number as people write it, `cr-98`: on to the request."""
    return go_to(request, "billing:change", found(reference_meant(number) or number).reference)


def found(reference: str) -> ChangeRequest:
    """The request of this reference; else a 404."""
    rows = _requests().asked(reference=reference) if is_storable(reference) else []
    if not rows:
        raise Http404(f"There is no request {reference}.")
    return rows[0]


@cache
def _requests() -> Records:
    meant = ChangeRequest.objects.filter(reference=ANY_REFERENCE)
    return Records(meant.select_related("maker", "replaces"), reference=ANY_REFERENCE)


def drawn(
    request: HttpRequest, row: ChangeRequest, *, status: int = 200, refused: forms.Form | None = None
) -> HttpResponse:
    """The page, with a form that was refused and what was typed into it."""
    page = facts.read(row, request.user, refused)
    return render_page(
        request,
        "changes/page",
        status=status,
        page=page,
        change=row,
        done=_just_decided(request),
    )


def _just_decided(request: HttpRequest) -> Decision | None:
    """This person's decision on the request that they come from, where the address names one."""
    reference = request.GET.get("after", "")
    if not is_storable(reference):
        return None
    own = Decision.objects.filter(change__reference=reference, checker=request.user)
    return own.select_related("change").last() if reference else None


def _ask_for_check(row: ChangeRequest, quiet_for: timedelta = preflight.FRESH_FOR) -> bool:
    """Whether one is asked for; not where somebody has just asked."""
    is_due = preflight.ask(row, quiet_for)
    if is_due:
        tasks.nudge(tasks.check_change, row.pk, expires=tasks.CHECK_EXPIRES)
    return is_due
