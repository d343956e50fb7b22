"""Asking a worker to read Metronome again, for the whole account or one customer, and watching it do so."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from billing import tasks
from billing.mirror import refresh as mirror_refresh
from billing.mirror.models import RefreshRun
from billing.mirror.resources.customer import queries as mirror
from billing.pages.access import needs, require
from billing.pages.web import actor_of, go_to, is_partial, render_page, way_back
from billing.roles import Can

PATIENCE_SECONDS = 30
LARGEST_ID_DIGITS = len(str(2**63 - 1))


@needs(Can.BROWSE)
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """POST asks for a refresh of everything; GET says how far it is."""
    return _ask(request, None) if request.method == "POST" else _progress(request, None)


@needs(Can.BROWSE)
@require_http_methods(["GET", "POST"])
def customer(request: HttpRequest, customer_id: UUID) -> HttpResponse:
    """The same for one customer, which takes a second instead of minutes."""
    if not mirror.knows(customer_id):
        raise Http404(f"The mirror knows no customer {customer_id}")
    return _ask(request, customer_id) if request.method == "POST" else _progress(request, customer_id)


def _ask(request: HttpRequest, customer_id: UUID | None) -> HttpResponse:
    require(request, Can.REFRESH)
    newest = _runs(customer_id).first()
    with transaction.atomic():
        mirror_refresh.ask_refresh(actor_of(request), customer_id)
        if customer_id is None:
            tasks.nudge(tasks.refresh_mirror, request.user.pk)
        else:
            tasks.nudge(tasks.refresh_customer, str(customer_id), request.user.pk)
    if is_partial(request):
        return _draw(request, customer_id, None, newest.pk if newest else 0)
    messages.success(request, "Refresh asked for. Load this page again to see what it brought.")
    home = reverse("billing:customer", args=[customer_id]) if customer_id else reverse("billing:system")
    return go_to(request, way_back(request, home))


def _progress(request: HttpRequest, customer_id: UUID | None) -> HttpResponse:
    """How far the first refresh after run `after` is; a finished one reloads the page that watches."""
    after = _number(request.GET.get("after", ""))
    run = _runs(customer_id).filter(pk__gt=after).order_by("pk").first()
    if run is not None and run.status == RefreshRun.Status.SUCCEEDED and is_partial(request):
        return HttpResponseClientRefresh()
    return _draw(request, customer_id, run, after)


def _draw(request: HttpRequest, customer_id: UUID | None, run: RefreshRun | None, after: int) -> HttpResponse:
    if customer_id:
        address = reverse("billing:customer-refresh", args=[customer_id])
        home = reverse("billing:customer", args=[customer_id])
    else:
        address, home = reverse("billing:system-refresh"), reverse("billing:system")
    asked_at = _number(request.GET.get("asked", "")) or int(timezone.now().timestamp())
    return render_page(
        request,
        "refreshing/page",
        part="_progress",
        run=run,
        progress_url=f"{address}?after={after}&asked={asked_at}",
        is_waiting_long=run is None and timezone.now().timestamp() - asked_at > PATIENCE_SECONDS,
        home_url=home,
    )


def _runs(customer_id: UUID | None):
    scope = RefreshRun.Scope.CUSTOMER if customer_id else RefreshRun.Scope.ACCOUNT
    return RefreshRun.objects.filter(scope=scope, customer_id=customer_id).order_by("-pk")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < LARGEST_ID_DIGITS else 0
