"""The plans, one plan with its customers, and the list as CSV."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from billing.lists.paging import CursorRefused
from billing.mirror import export
from billing.mirror import plans as mirror
from billing.pages import freshness
from billing.pages.access import needs
from billing.pages.downloads import csv_response
from billing.pages.web import actor_of, render_page
from billing.roles import Can


@needs(Can.BROWSE)
@require_safe
def plans(request: HttpRequest) -> HttpResponse:
    """Every plan, with how many customers are on it."""
    return render_page(request, "plans/list", plans=mirror.plans(), freshness=freshness.of_account())


@needs(Can.BROWSE)
@require_safe
def plans_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The same list as a file."""
    return csv_response(request, lambda: export.plans_csv(actor_of(request)), "plans", {})


@needs(Can.BROWSE)
@require_safe
def plan(request: HttpRequest, plan_id: UUID) -> HttpResponse:
    """One plan and who is, was and will be on it."""
    found = mirror.plan(plan_id)
    if found is None:
        raise Http404(f"The mirror knows no plan {plan_id}")
    problem = ""
    try:
        page = mirror.plan_customers(plan_id, request.GET.get("cursor") or None)
    except CursorRefused as refusal:
        page, problem = mirror.plan_customers(plan_id), str(refusal)
    return render_page(
        request,
        "plans/detail",
        plan=found,
        page=page,
        problem=problem,
        freshness=freshness.of_account(),
    )
