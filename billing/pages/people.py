"""One person: what they may do and hold, and what administrators ask for or end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from billing import tasks
from billing.changes import queries
from billing.changes.asking import submitting
from billing.changes.asking.basis import Basis
from billing.changes.asking.kinds import KINDS
from billing.changes.fillable import left_empty
from billing.changes.models import ChangeRequest, Hold
from billing.changes.people import PERSON
from billing.changes.refusals import ActionRefused, BadInput, NotAllowed
from billing.changes.statuses import OPEN
from billing.changes.typed import ReasonField
from billing.pages.access import needs
from billing.pages.nouns.person import standing
from billing.pages.web import actor_of, form_of, go_to, render_page
from billing.people import access, factors, reset
from billing.people.access import AccessRefused
from billing.people.reset import LinkRefused
from billing.people.tokens import AccessToken
from billing.roles import Can
from billing.users import Access, User

ASKED = {
    Access.ACTIVE: ("person.set_role", "person.deactivate"),
    Access.ENDED: ("person.reactivate", "person.deactivate"),
    Access.LEFT: ("person.reactivate",),
}
"""What can be asked for of a person, as they stand."""


class EndForm(forms.Form):
    """Why somebody's access ends."""

    reason = ReasonField(
        label="Reason",
        help_text="Kept for ever in the audit record.",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why. The reason is kept in the audit record."},
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="end-%s")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that can be asked for: its kind, its form without the person, and its button."""

    name: str
    label: str
    send_label: str
    form: forms.Form

    @property
    def fields(self) -> list[forms.BoundField]:
        return [field for field in self.form if field.name != "person"]


@needs(Can.SEE_PEOPLE)
@require_safe
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    """Their role, access, requests and tokens."""
    return _drawn(request, _found(person_id))


@needs(Can.CHANGE_PEOPLE)
@form_of("billing:person")
def ask(request: HttpRequest, person_id: int) -> HttpResponse:
    """Ask for another role or access of theirs; somebody else agrees. 422 redraws it with what was typed."""
    whom, name = _found(person_id), request.POST.get("kind", "")
    if name not in ASKED[whom.access]:
        return _drawn(request, whom, status=422, problem="That can’t be asked for of them as they stand.")
    form = _form(name, whom, {**request.POST.dict(), "person": whom.pk})
    if not form.is_valid():
        return _drawn(request, whom, status=422, refused=(name, form))
    entered = dict(form.cleaned_data)
    reason = entered.pop("reason")
    try:
        proposal = KINDS[name].build(entered, Basis())
        made = submitting.submit(proposal, actor=actor_of(request), reason=reason)
    except NotAllowed as refusal:
        raise PermissionDenied(refusal.message) from refusal
    except ActionRefused as refusal:
        field = refusal.field if isinstance(refusal, BadInput) and refusal.field in form.fields else None
        form.add_error(field, refusal.message)
        return _drawn(request, whom, status=refusal.status, refused=(name, form))
    tasks.nudge(tasks.check_change, made.pk, expires=tasks.CHECK_EXPIRES)
    messages.success(request, f"{made.reference} is sent for approval.")
    return go_to(request, "billing:change", made.reference)


@needs(Can.CHANGE_PEOPLE)
@form_of("billing:person")
def end_access(request: HttpRequest, person_id: int) -> HttpResponse:
    """Close sign-in, end the sessions and revoke the tokens, at once."""
    whom, form = _found(person_id), EndForm(request.POST)
    if not form.is_valid():
        return _drawn(request, whom, status=422, ending=form)
    try:
        access.end(whom.pk, by=request.user, actor=actor_of(request), reason=form.cleaned_data["reason"])
    except AccessRefused as refusal:
        form.add_error(None, str(refusal))
        return _drawn(request, whom, status=409, ending=form)
    messages.success(request, f"{whom.name} may not come in any more.")
    return go_to(request, "billing:person", whom.pk)


@needs(Can.CHANGE_PEOPLE)
@form_of("billing:person")
def reset_link(request: HttpRequest, person_id: int) -> HttpResponse:
    """Make a link that sets a new password once, and show it this once, to be handed over."""
    whom = _found(person_id)
    try:
        link = reset.one_time_link(whom, actor_of(request))
    except LinkRefused as refusal:
        return _drawn(request, whom, status=409, problem=str(refusal))
    return _drawn(request, whom, status=201, link=link)


def _found(person_id: int) -> User:
    found = User.objects.filter(pk=person_id).first() if person_id < 2**31 else None
    if found is None:
        raise Http404("There is no such person.")
    return found


def _form(name: str, whom: User, data: Any = None) -> forms.Form:
    form = KINDS[name].form(Basis(), data)
    form.auto_id = f"{name.partition('.')[2]}-%s"
    if "role" in form.fields:
        field = form.fields["role"]
        field.choices = [(value, label) for value, label in field.choices if value != whom.role]
    return form


def _drawn(
    request: HttpRequest,
    whom: User,
    *,
    status: int = 200,
    refused: tuple[str, forms.Form] | None = None,
    ending: EndForm | None = None,
    problem: str = "",
    link: str = "",
) -> HttpResponse:
    held = Hold.objects.filter(thing=f"{PERSON}:{whom.pk}", is_open=True).select_related("change")
    changes = request.user.may(Can.CHANGE_PEOPLE) and request.user.pk != whom.pk
    asked = ASKED[whom.access] if changes and not held else ()
    return render_page(
        request,
        "people/person",
        status=status,
        person=whom,
        standing=standing(whom),
        problem=problem,
        link=link,
        link_hours=reset.HANDED_LASTS.total_seconds() // 3600,
        has_factor=factors.has_factor(whom),
        about=[hold.change for hold in held],
        own=ChangeRequest.objects.filter(maker=whom, status__in=sorted(OPEN)).order_by("submitted_at", "pk"),
        waiting=queries.waiting_for(whom)[: queries.WAITING_CAP],
        tokens=AccessToken.objects.filter(owner=whom, revoked_at=None).order_by("expires_at"),
        empty=left_empty(whom) if changes and whom.is_active else [],
        acts=[
            Act(
                name,
                KINDS[name].label,
                KINDS[name].send_label,
                refused[1] if refused and refused[0] == name else _form(name, whom),
            )
            for name in asked
        ],
        ending=(ending or EndForm()) if changes and whom.is_active else None,
        sent=refused[1] if refused else ending,
    )
