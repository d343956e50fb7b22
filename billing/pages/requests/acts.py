"""What people do about a request: decide, take back, withdraw, resolve, second, disagree.

Each action owns its transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from billing import tasks
from billing.changes.agreeing import deciding, resolving
from billing.changes.models import ChangeRequest, Verdict, Word
from billing.changes.refusals import ActionRefused, BadInput, NotAllowed
from billing.changes.statuses import Status
from billing.pages.access import RoleMissing, needs
from billing.pages.door.step_up import proof_asked
from billing.pages.requests.forms import DecideForm, ResolveForm, SecondForm, TakeBackForm, WithdrawForm
from billing.pages.requests.page import drawn, found
from billing.pages.requests.queue import around
from billing.pages.web import actor_of, form_of, go_to
from billing.roles import DECIDES, Can


@needs(*DECIDES)
@form_of("billing:change")
def decide(request: HttpRequest, reference: str) -> HttpResponse:
    """Record a verdict on exactly what was on the page, and open the next one that waits for this person.

    422 redraws the form with what was typed.
    """
    row, form = found(reference), DecideForm(request.POST)
    _asks_their_role(request, row)
    if not form.is_valid():
        return drawn(request, row, status=422, refused=form)
    is_grave = row.irreversible and form.cleaned_data["verdict"] == Verdict.APPROVE
    if is_grave and (asked := proof_asked(request)):
        return asked
    try:
        decided = deciding.decide(
            row.pk,
            actor=actor_of(request),
            verdict=Verdict(form.cleaned_data["verdict"]),
            reason=form.cleaned_data["reason"],
            digest=form.cleaned_data["digest"],
            typed=form.cleaned_data["typed"],
        )
    except ActionRefused as refusal:
        return _refused(request, row, form, refusal)
    if decided.status == Status.APPROVED:
        tasks.nudge(tasks.apply_approved)
    if following := around(row, request.user).next:
        query = urlencode({"after": reference})
        return go_to(request, f"{reverse('billing:change', args=[following.reference])}?{query}")
    if decided.status == Status.APPROVED:
        messages.success(request, f"{reference} is approved and queued.")
    elif decided.status == Status.REJECTED:
        messages.success(request, f"{reference} is rejected and will not be sent.")
    else:
        messages.success(
            request, f"Your approval of {reference} is recorded; somebody else has to agree as well."
        )
    return go_to(request, "billing:change", reference)


@needs(*DECIDES)
@form_of("billing:change")
def take_back(request: HttpRequest, reference: str) -> HttpResponse:
    """A checker takes their own approval back."""
    _asks_their_role(request, found(reference))
    said = f"Your approval of {reference} is taken back. You may decide it again."
    return _act(request, reference, TakeBackForm, deciding.take_back, said)


@needs(Can.PROPOSE, Can.CHANGE_PEOPLE)
@form_of("billing:change")
def withdraw(request: HttpRequest, reference: str) -> HttpResponse:
    """The maker takes it back."""
    said = f"{reference} is withdrawn and will not be sent."
    return _act(request, reference, WithdrawForm, deciding.withdraw, said)


@needs(Can.RESOLVE)
@form_of("billing:change")
def resolve(request: HttpRequest, reference: str) -> HttpResponse:
    """A person's word on what the worker could not settle."""
    row, form = found(reference), ResolveForm(request.POST)
    if not form.is_valid():
        return drawn(request, row, status=422, refused=form)
    verdict = Word(form.cleaned_data["verdict"])
    try:
        resolved = resolving.resolve(
            row.pk,
            actor=actor_of(request),
            verdict=verdict,
            reason=form.cleaned_data["reason"],
            made_id=form.cleaned_data["made_id"],
        )
    except ActionRefused as refusal:
        return _refused(request, row, form, refusal)
    _carry_on(request, row)
    messages.success(request, "Your word is on record.")
    if verdict == Word.UNDO and resolved.status == Status.CLOSED:
        messages.info(request, "Nothing is undone yet: finance proposes what undoes it from this page.")
    return go_to(request, "billing:change", reference)


@needs(Can.DECIDE, Can.RESOLVE)
@form_of("billing:change")
def second(request: HttpRequest, reference: str) -> HttpResponse:
    """A second person agrees to a waiting word."""
    said = "You agree, and so does whoever said it first; it is carried out."
    return _act(request, reference, SecondForm, resolving.second, said, goes_on=True)


@needs(Can.DECIDE, Can.RESOLVE)
@form_of("billing:change")
def disagree(request: HttpRequest, reference: str) -> HttpResponse:
    """A second person disagrees with a waiting word."""
    said = "You disagree, and nothing of it is done. A person has to say another word."
    return _act(request, reference, SecondForm, resolving.disagree, said)


def _asks_their_role(request: HttpRequest, row: ChangeRequest) -> None:
    """Administrators decide what asks for administrators, which is about people alone."""
    if not request.user.may(Can.DECIDE) and not row.steps.filter(role=request.user.role).exists():
        raise RoleMissing(Can.DECIDE)


def _act(
    request: HttpRequest,
    reference: str,
    form_of_it: type[forms.Form],
    act: Callable[..., object],
    said: str,
    *,
    goes_on: bool = False,
) -> HttpResponse:
    """Do what asks for a reason alone, and say so. 422 redraws the form with what was typed.

    goes_on: a worker has something to do afterwards.
    """
    row, form = found(reference), form_of_it(request.POST)
    if not form.is_valid():
        return drawn(request, row, status=422, refused=form)
    try:
        act(row.pk, actor=actor_of(request), reason=form.cleaned_data["reason"])
    except ActionRefused as refusal:
        return _refused(request, row, form, refusal)
    if goes_on:
        _carry_on(request, row)
    messages.success(request, said)
    return go_to(request, "billing:change", reference)


def _refused(
    request: HttpRequest, row: ChangeRequest, form: forms.Form, refusal: ActionRefused
) -> HttpResponse:
    """The page again, with what was wrong at its field; 403 for what this person may never do."""
    if isinstance(refusal, NotAllowed):
        raise PermissionDenied(refusal.message)
    row.refresh_from_db()
    field = refusal.field if isinstance(refusal, BadInput) else ""
    form.add_error(field if field in form.fields else None, refusal.message)
    return drawn(request, row, status=refusal.status, refused=form)


def _carry_on(request: HttpRequest, row: ChangeRequest) -> None:
    """Let a worker do what was said, and read the customer again: whoever goes on sees it as it is."""
    tasks.nudge(tasks.look_into_doubts)
    tasks.nudge(tasks.apply_approved)
    if row.customer_id:
        tasks.nudge(tasks.refresh_customer, str(row.customer_id), request.user.pk)
