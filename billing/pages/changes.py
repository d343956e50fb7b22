"""The inbox and the request page: read everything a request is, then decide, withdraw or resolve it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from billing import clock, tasks
from billing.audit.models import AuditEvent
from billing.changes import queries, sealed
from billing.changes.agreeing import deciding, resolving
from billing.changes.applying import preflight
from billing.changes.export import requests_csv
from billing.changes.models import ChangeRequest, Resolution, Verdict
from billing.changes.refusals import ActionRefused, BadInput, NotAllowed
from billing.changes.sealed import SealedRequest
from billing.changes.statuses import Status
from billing.lists.paging import CursorRefused
from billing.mirror import queries as mirror
from billing.pages.access import needs
from billing.pages.change_facts import comparisons, evidence, timeline
from billing.pages.downloads import csv_response
from billing.pages.web import actor_of, go_to, is_partial, render_page
from billing.roles import Can

WORKER = "Changes worker"
LINK_COMES_WITHIN = timedelta(minutes=15)
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
    return csv_response(request, lambda: requests_csv(rows, actor_of(request), filters), "requests")


@needs(Can.BROWSE)
@require_safe
def change(request: HttpRequest, reference: str) -> HttpResponse:
    """One request, read from its sealed text. Opening it asks for a fresh check with Metronome."""
    row = _found(reference)
    _ask_for_check(row)
    return _page(request, row)


@needs(Can.BROWSE)
@require_safe
def live(request: HttpRequest, reference: str) -> HttpResponse:
    """What moves while a page is open, and a check a minute. 204 while nothing differs from its mark."""
    row = _found(reference)
    _ask_for_check(row)
    if request.GET.get("seen") == _mark(row, _awaits_mirror(row)):
        return HttpResponse(status=204)
    moved_on = request.GET.get("status") != row.status  # a form somebody types in is left alone otherwise
    return render_page(request, "changes/_live", redraw_decision=moved_on, **_facts(request, row))


@needs(Can.REFRESH)
@require_POST
def check(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask for a check with Metronome now; the open page shows what came of it."""
    row = _found(reference)
    _ask_for_check(row, preflight.AT_ONCE)
    if is_partial(request):
        return render_page(request, "changes/page", part="_checking")
    messages.success(request, "Metronome is being asked. Load this page again to see what came of it.")
    return go_to(request, "billing:change", reference)


@needs(Can.DECIDE)
@require_POST
def decide(request: HttpRequest, reference: str) -> HttpResponse:
    """Record a verdict on exactly what was on the page. 422 redraws the form with what was typed."""
    row = _found(reference)
    verdict = request.POST.get("verdict", "")
    if verdict not in Verdict.values:
        return _page(request, row, status=422, problem="Choose to approve or to reject.")
    try:
        decided = deciding.decide(
            row.pk,
            actor=actor_of(request),
            verdict=Verdict(verdict),
            reason=request.POST.get("reason", ""),
            digest=request.POST.get("digest", ""),
            typed=request.POST.get("typed", ""),
        )
    except ActionRefused as refusal:
        return _refused(request, row, refusal)
    if decided.status == Status.APPROVED:
        tasks.nudge(tasks.apply_approved)
        messages.success(request, f"{reference} is approved and queued.")
    elif decided.status == Status.REJECTED:
        messages.success(request, f"{reference} is rejected. Nothing was sent.")
    else:
        messages.success(
            request, f"Your approval of {reference} is recorded; somebody else has to agree as well."
        )
    return go_to(request, "billing:change", reference)


@needs(Can.PROPOSE)
@require_POST
def withdraw(request: HttpRequest, reference: str) -> HttpResponse:
    """The maker takes it back."""
    row = _found(reference)
    try:
        deciding.withdraw(row.pk, actor=actor_of(request), reason=request.POST.get("reason", ""))
    except ActionRefused as refusal:
        return _refused(request, row, refusal, form="withdraw-")
    messages.success(request, f"{reference} is withdrawn. Nothing was sent.")
    return go_to(request, "billing:change", reference)


@needs(Can.RESOLVE)
@require_POST
def resolve(request: HttpRequest, reference: str) -> HttpResponse:
    """A person's word on what the worker could not settle."""
    row = _found(reference)
    verdict = request.POST.get("verdict", "")
    if verdict not in Resolution.Verdict.values:
        return _page(request, row, status=422, problem="Choose what became of it.")
    try:
        resolved = resolving.resolve(
            row.pk,
            actor=actor_of(request),
            verdict=Resolution.Verdict(verdict),
            reason=request.POST.get("reason", ""),
        )
    except ActionRefused as refusal:
        return _refused(request, row, refusal, form="resolve-")
    _carry_on(request, row)
    messages.success(request, "Your word is on record.")
    if verdict == Resolution.Verdict.UNDO and resolved.status == Status.CLOSED:
        messages.info(request, "Nothing is undone yet: finance proposes the former values from this page.")
    return go_to(request, "billing:change", reference)


@needs(Can.DECIDE, Can.RESOLVE)
@require_POST
def second(request: HttpRequest, reference: str) -> HttpResponse:
    """A second person agrees to a waiting word."""
    row = _found(reference)
    try:
        resolving.second(row.pk, actor=actor_of(request), reason=request.POST.get("reason", ""))
    except ActionRefused as refusal:
        return _refused(request, row, refusal, form="second-")
    _carry_on(request, row)
    messages.success(request, "Both of you agree; it is carried out.")
    return go_to(request, "billing:change", reference)


def _ask_for_check(row: ChangeRequest, quiet_for: timedelta = preflight.FRESH_FOR) -> None:
    if preflight.ask(row, quiet_for):
        tasks.nudge(tasks.check_change, row.pk, expires=tasks.CHECK_EXPIRES)


def _carry_on(request: HttpRequest, row: ChangeRequest) -> None:
    """Let a worker do what was said, and read the customer again: whoever goes on sees it as it is."""
    tasks.nudge(tasks.look_into_doubts)
    tasks.nudge(tasks.apply_approved)
    if row.customer_id:
        tasks.nudge(tasks.refresh_customer, str(row.customer_id), request.user.pk)


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


def _found(reference: str) -> ChangeRequest:
    return get_object_or_404(ChangeRequest.objects.select_related("maker", "replaces"), reference=reference)


def _refused(
    request: HttpRequest, row: ChangeRequest, refusal: ActionRefused, form: str = ""
) -> HttpResponse:
    """The page again, with what was wrong; `form` is how the ids of the form's fields begin."""
    if isinstance(refusal, NotAllowed):
        raise PermissionDenied(refusal.message)
    row.refresh_from_db()
    field = f"{form}{refusal.field}" if isinstance(refusal, BadInput) and refusal.field else ""
    return _page(request, row, status=refusal.status, problem=refusal.message, field=field)


def _mark(row: ChangeRequest, awaits_mirror: bool) -> str:
    """Changes whenever the live part would read differently."""
    latest = (
        AuditEvent.objects.filter(reference=row.reference)
        .order_by("-pk")
        .values_list("pk", flat=True)
        .first()
    )
    checked = ".".join(f"{at.timestamp():.3f}" if at else "" for at in (row.checked_at, row.check_asked_at))
    holder = queries.waited_for([row]).get(row.pk)
    waits_for = holder.reference if holder else ""
    told = f"{len(row.explanation)}.{len(row.check_error)}"
    return f"{row.status}.{latest}.{checked}.{told}.{waits_for}.{awaits_mirror:d}"


def _awaits_mirror(row: ChangeRequest) -> bool:
    """Whether it has just made a customer that the mirror doesn't show yet: the link is still to come."""
    just = row.status == Status.APPLIED and row.settled_at > clock.now() - LINK_COMES_WITHIN
    return just and bool(row.about_customer) and _mirrored(row) is None


@dataclass(frozen=True, slots=True)
class Signature:
    """One line of the signatures: signed, open, or yours to sign."""

    state: str
    tone: str
    who: str
    title: str
    detail: str
    at: Any = None


def _signatures(row: ChangeRequest, request_text: SealedRequest, waits_for_me: bool) -> list[Signature]:
    lines = [
        Signature(
            "signed", "good", row.maker.name, "Proposed", row.maker.get_role_display(), row.submitted_at
        )
    ]
    decisions = list(row.decisions.select_related("checker", "step"))
    for decision in decisions:
        approved = decision.verdict == Verdict.APPROVE
        role = decision.checker.get_role_display()
        if approved and row.status == Status.SUBMITTED and (gone := decision.why_it_does_not_count()):
            lines.append(Signature("open", "warn", decision.checker.name, "No longer counts", gone))
            continue
        lines.append(
            Signature(
                "signed",
                "good" if approved else "bad",
                decision.checker.name,
                "Approved" if approved else "Rejected",
                role,
                decision.decided_at,
            )
        )
    if row.status == Status.SUBMITTED:
        for step, missing in deciding.open_steps(row):
            for number in range(missing):
                mine = waits_for_me and number == 0
                lines.append(
                    Signature(
                        "yours" if mine else "open",
                        "info" if mine else "plain",
                        "Waiting for you"
                        if mine
                        else f"Another {step.role}"
                        if decisions
                        else f"A {step.role}",
                        "Approval",
                        f"any {step.role} but the maker",
                    )
                )
    if row.status == Status.APPLIED:
        by_word = row.resolutions.filter(verdict=Resolution.Verdict.TOOK_EFFECT).exists()
        how = "by a person’s word" if by_word else "as Metronome shows it"
        return [*lines, Signature("signed", "good", WORKER, "Carried out", how, row.settled_at)]
    if row.is_settled:
        label = row.get_status_display().lower()
        return [*lines, Signature("open", "plain", WORKER, "Does nothing more", label, row.settled_at)]
    return [*lines, Signature("open", "plain", WORKER, "Carries it out", "exactly the calls below")]


def _facts(request: HttpRequest, row: ChangeRequest) -> dict[str, Any]:
    text = sealed.read(row.sealed)
    user = request.user
    try:
        deciding.waiting_step(row, user)
        why_not_decide = ""
    except ActionRefused as refusal:
        why_not_decide = refusal.message
    waiting = row.resolutions.filter(carried_out_at__isnull=True).select_related("by").first()
    fields, sets = comparisons(text)
    awaits_mirror = _awaits_mirror(row)
    calls = list(row.calls.prefetch_related("attempts", "lookups"))
    return {
        "change": row,
        "waits_for": queries.waited_for([row]).get(row.pk),
        "text": text,
        "mark": _mark(row, awaits_mirror),
        "moves": row.is_open or awaits_mirror,
        "live_url": reverse("billing:change-live", args=[row.reference]),
        "signatures": _signatures(row, text, not why_not_decide),
        "fields": fields,
        "sets": sets,
        "calls": list(zip(text.calls, calls, strict=True)),
        "customer_id": _mirrored(row),
        "was_sent": any(call.first_sent_at for call in calls),
        "evidence": [(number, call, evidence(call)) for number, call in enumerate(calls, 1)],
        "can_decide": not why_not_decide,
        "why_not_decide": why_not_decide if user.may(Can.DECIDE) else "",
        "can_withdraw": row.maker_id == user.pk
        and row.status in (Status.SUBMITTED, Status.APPROVED)
        and not any(call.first_sent_at for call in calls),
        "options": [(option, resolving.MEANINGS[option]) for option in resolving.options(row)],
        "why_not_resolve": resolving.why_not(row, user),
        "waiting_resolution": waiting,
        "why_not_second": resolving.why_not_second(row, waiting, user)
        if waiting and waiting.needs_second
        else "",
        "timeline": timeline(row, text),
        "digest_parts": [row.digest[start : start + 8] for start in range(0, 64, 8)],
        "undoable": row.status == Status.CLOSED
        and row.kind == "customer.archive"
        and bool(text.removed_aliases),
        "can_propose_again": row.can_be_proposed_again and user.may(Can.PROPOSE),
    }


def _mirrored(row: ChangeRequest) -> Any:
    """The customer whose page can be opened: the request's, or the one it made, once it is mirrored."""
    customer_id = row.about_customer
    return customer_id if customer_id and mirror.knows(customer_id) else None


def _page(
    request: HttpRequest, row: ChangeRequest, *, status: int = 200, problem: str = "", field: str = ""
) -> HttpResponse:
    return render_page(
        request,
        "changes/page",
        status=status,
        problem=problem,
        problem_field=field,
        chosen=request.POST.get("verdict", ""),
        typed=request.POST.get("typed", ""),
        reason=request.POST.get("reason", ""),
        **_facts(request, row),
    )
