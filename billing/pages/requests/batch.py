"""One decision on what is ticked in the docket."""

from __future__ import annotations

import re

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from billing import tasks
from billing.changes.agreeing import batches
from billing.changes.models import ChangeRequest, Verdict
from billing.changes.refusals import ActionRefused, BadInput, NotAllowed
from billing.changes.statuses import Status
from billing.pages.access import needs
from billing.pages.door.step_up import proof_asked
from billing.pages.requests import story
from billing.pages.requests.forms import BatchForm
from billing.pages.requests.inbox import drawn
from billing.pages.web import actor_of, form_of, go_to
from billing.roles import Can

JUDGED = re.compile(r"(CR-[0-9]{6,12}):([0-9a-f]{64})")


@needs(Can.DECIDE)
@form_of("billing:changes")
def decide_ticked(request: HttpRequest) -> HttpResponse:
    """Record one verdict on each request that is ticked, by the digest beside it; all of them or none."""
    form, ticked = BatchForm(request.POST), request.POST.getlist("decided")
    judged = [JUDGED.fullmatch(each) for each in ticked]
    if not all(judged):
        form.add_error(None, "What was ticked can’t be read. Load the page again, then decide.")
    if not form.is_valid():
        return drawn(request, status=422, batch=form, ticked=ticked)
    references, verdict = [each[1] for each in judged if each], Verdict(form.cleaned_data["verdict"])
    graver = ChangeRequest.objects.filter(reference__in=references, irreversible=True)
    if verdict == Verdict.APPROVE and graver.exists() and (asked := proof_asked(request)):
        return asked
    try:
        decided = batches.decide_together(
            [(each[1], each[2]) for each in judged if each],
            actor=actor_of(request),
            verdict=verdict,
            reason=form.cleaned_data["reason"],
        )
    except NotAllowed as refusal:
        raise PermissionDenied(refusal.message) from refusal
    except ActionRefused as refusal:
        _say(form, refusal)
        first = story.before(refusal.reference) if refusal.reference else []
        return drawn(request, status=refusal.status, batch=form, ticked=ticked, came_first=first)
    if any(change.status == Status.APPROVED for change in decided):
        tasks.nudge(tasks.apply_approved)
    messages.success(request, _told(decided))
    return go_to(request, "billing:changes")


def _say(form: forms.Form, refusal: ActionRefused) -> None:
    field = refusal.field if isinstance(refusal, BadInput) else ""
    form.add_error(field if field in form.fields else None, refusal.message)


def _told(decided: list[ChangeRequest]) -> str:
    """What came of a batch, in one sentence."""
    number = f"{len(decided)} request{'' if len(decided) == 1 else 's'}"
    if all(change.status == Status.REJECTED for change in decided):
        return f"{number} rejected. Nothing was sent."
    waiting = sum(change.status == Status.SUBMITTED for change in decided)
    more = f" For {waiting} of them somebody else has to agree as well." if waiting else ""
    return f"{number} approved; what has all its approvals is queued.{more}"
