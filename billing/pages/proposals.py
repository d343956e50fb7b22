"""Writing a change request: one view for every kind's form, live advice, and the survey before archiving."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import tasks
from billing.changes import queries, sealed
from billing.changes.asking import policy, submitting, survey
from billing.changes.asking.basis import Basis
from billing.changes.asking.kinds import KINDS, Kind
from billing.changes.asking.sealing import shown_calls
from billing.changes.asking.way_back import way_back
from billing.changes.models import ChangeRequest, Survey
from billing.changes.refusals import ActionRefused, BadInput, NotAllowed
from billing.lists.paging import is_storable
from billing.mirror import ages
from billing.mirror.resources.customer import queries as mirror
from billing.mirror.resources.customer.models import Customer
from billing.pages import freshness
from billing.pages.access import RoleMissing, needs
from billing.pages.nouns.customer import why_closed
from billing.pages.web import actor_of, go_to, render_page
from billing.roles import Can

UNDECIDED = {"reason", "typed_name", "open_business", "open_business_reason"}
"""Fields that say nothing about who has to approve."""
FROM_CUSTOMER = "This form is about one customer: open the customer’s page and choose it there."
FROM_REQUEST = (
    "Open the request: its own page offers what can be proposed after it, with all that was entered."
)


@needs(Can.PROPOSE)
@require_http_methods(["GET", "POST"])
def propose(request: HttpRequest, kind: str) -> HttpResponse:
    """The form of one kind; a valid one becomes a change request. 422 redraws it with what was typed."""
    asked = _kind(kind)
    customer = _customer(request, asked)
    if customer and (state := why_closed(customer)):
        messages.warning(request, f"This customer is {state}, so nothing can be proposed for it.")
        return go_to(request, "billing:customer", customer.pk)
    old, undone = _replaced(request, kind, customer)
    answer = _survey(request, asked, customer)
    content = answer.content if answer and survey.is_usable(answer) else None
    again = undone[1] if undone else sealed.read(old.sealed).form if old else {}
    basis = _basis(customer, survey=content, again=again)
    bound = request.POST if request.method == "POST" else None
    form = asked.form(basis, bound)
    context = {
        "kind": asked,
        "customer": customer,
        "basis": basis,
        "form": form,
        "why_not": "" if asked.needs_survey and content is None else asked.why_not(basis),
        "survey": answer,
        "old": old,
        "undoes": undone is not None,
        "busy": queries.open_for_customer(customer.pk) if customer else [],
        "freshness": freshness.of_account(ages.freshness()),
        "default_steps": _default_steps(asked),
    }
    if bound is None:
        return render_page(request, "changes/new", **context)
    if asked.needs_survey and content is None:
        form.add_error(None, f"{asked.survey_about} is read again; send it once that is there.")
    if form.is_valid():
        entered = dict(form.cleaned_data)
        reason = entered.pop("reason")
        try:
            proposal = asked.build(entered, basis)
            made = submitting.submit(proposal, actor=actor_of(request), reason=reason, replaces=old)
        except NotAllowed as refusal:
            raise RoleMissing(Can.PROPOSE) from refusal
        except BadInput as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        except ActionRefused as refusal:
            form.add_error(None, refusal.message)
        else:
            tasks.nudge(tasks.check_change, made.pk, expires=tasks.CHECK_EXPIRES)
            messages.success(request, f"{made.reference} is sent for approval.")
            return go_to(request, "billing:change", made.reference)
    return render_page(request, "changes/new", status=422, **context)


@needs(Can.PROPOSE)
@require_POST
def hints(request: HttpRequest, kind: str) -> HttpResponse:
    """Live advice on half-entered input and who will have to approve it. Blocks nothing, writes nothing."""
    asked = _kind(kind)
    customer = _customer(request, asked)
    answer = survey.latest(customer.pk) if asked.needs_survey and customer else None
    basis = _basis(customer, survey=answer.content if answer else None)
    form = asked.form(basis, request.POST)
    form.full_clean()
    entered: dict[str, Any] = dict(getattr(form, "cleaned_data", {}))
    needed, planned = None, []
    try:
        if not set(form.errors) - UNDECIDED:
            built = asked.build(entered, basis)
            needed = policy.requirement(kind, built.facts)
            planned = shown_calls(built)
    except ActionRefused:
        needed = None
    return render_page(
        request,
        "changes/_hints",
        hints=asked.hints(entered, basis),
        requirement=needed,
        calls=planned,
        default_steps=_default_steps(asked),
    )


@needs(Can.PROPOSE)
@require_safe
def survey_state(request: HttpRequest, survey_uuid: UUID) -> HttpResponse:
    """The answer of a survey, as soon as it is there; until then 204."""
    row = Survey.objects.filter(uuid=survey_uuid).first()
    if row is None:
        raise Http404("There is no such survey.")
    response = HttpResponse(status=204)
    if row.answered_at is not None:
        response["HX-Refresh"] = "true"
    return response


def _default_steps(kind: Kind) -> tuple[tuple[str, int], ...]:
    """Who has to approve at the least, before anything is entered."""
    return policy.requirement(kind.name, {"irreversible": kind.irreversible} | kind.least).steps


def _kind(name: str) -> Kind:
    if name not in KINDS or not KINDS[name].has_page:
        raise Http404("There is no such kind of request.")
    return KINDS[name]


def _basis(customer: Customer | None, **more: Any) -> Basis:
    """What the kind may build on: the customer as it is mirrored, or nothing where it makes a new one."""
    state = mirror.snapshot(customer.pk) if customer else None
    if customer and state is None:
        raise Http404("This customer is gone from Metronome, so nothing can be proposed for it.")
    return Basis.of("customer", state, **more)


def _customer(request: HttpRequest, kind: Kind) -> Customer | None:
    """The customer that it is about; none for a kind that makes a new one."""
    if not kind.needs_customer:
        return None
    try:
        customer_id = UUID(request.GET.get("customer", ""))
    except ValueError as problem:
        raise Http404("Choose a customer first.", FROM_CUSTOMER) from problem
    customer = mirror.customer(customer_id)
    if customer is None:
        raise Http404("The mirror knows no such customer.")
    return customer


def _replaced(
    request: HttpRequest, kind: str, customer: Customer | None
) -> tuple[ChangeRequest | None, tuple[str, dict[str, Any]] | None]:
    """The older request of the same customer that this one proposes again (`again`), or undoes (`undo`).

    With the way back where it undoes it: some kinds are undone by another of their own.
    """
    reference = request.GET.get("undo", "") or request.GET.get("again", "")
    if not reference:
        return None, None
    old = ChangeRequest.objects.filter(reference=reference).first() if is_storable(reference) else None
    back = way_back(old) if old and request.GET.get("undo") else None
    if old is None or not (back or old.can_be_proposed_again):
        raise Http404("That request can’t be proposed again.", FROM_REQUEST)
    of = old.about_customer if back else old.customer_id
    if str(of) != str(customer.pk if customer else None):
        raise Http404("That request is about another customer.", FROM_REQUEST)
    if kind != (back[0] if back else old.kind):
        raise Http404("That request asks for something else.", FROM_REQUEST)
    return old, back


def _survey(request: HttpRequest, kind: Kind, customer: Customer | None) -> Survey | None:
    if not kind.needs_survey or customer is None:
        return None
    row = survey.ask(customer.pk, asked_by=request.user)
    if row is not None and survey.needs_nudge(row):
        tasks.nudge(tasks.answer_survey, str(row.uuid), expires=tasks.CHECK_EXPIRES)
    return row
