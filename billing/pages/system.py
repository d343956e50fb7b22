"""How the machine is: its processes, the mirror's runs, the request budget, what waits, and the freeze."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from billing import VERSION, clock, tasks
from billing.changes.models import ChangeRequest, Upshot
from billing.changes.refusals import BadInput
from billing.changes.statuses import MARKS, TONES, Status
from billing.changes.typed import checked_reason
from billing.control import alive, anew, freezing
from billing.control.models import Installation
from billing.lists.prepared import NO_MOMENT, Question, Records, snapshot
from billing.mirror import ages
from billing.mirror.connection import budget_snapshot
from billing.mirror.models import RefreshRun
from billing.mirror.rounds import rounds
from billing.mirror.runs import DEAD_AFTER
from billing.notify import queries as notices
from billing.pages import freshness
from billing.pages.access import needs
from billing.pages.web import actor_of, go_to, is_partial, render_page
from billing.roles import Can

UNSETTLED = (
    Status.SUBMITTED,
    Status.APPROVED,
    Status.APPLYING,
    Status.UNKNOWN,
    Status.PARTLY_APPLIED,
    Status.BLOCKED,
)
SHOWN_RUNS = 15
DAY = timedelta(days=1)
COMPARED_FOR = timedelta(days=30)
SHOWN_UPSHOTS = 10


@dataclass(frozen=True, slots=True)
class Queue:
    """How many requests stand in one status, and since when the oldest does."""

    status: Status
    number: int
    oldest: datetime | None

    @property
    def tone(self) -> str:
        return TONES[self.status] if self.number else "plain"

    @property
    def mark(self) -> str:
        return MARKS[self.status]


@dataclass(frozen=True, slots=True)
class Upshots:
    """How many applied requests were compared with Metronome, how many differ, and the newest of those."""

    compared: int
    differing: int
    newest: list[Upshot]


@dataclass(frozen=True, slots=True)
class Signs:
    """What the page shows out of Redis, where most polls find something new; None while it is away."""

    budget: dict[str, Any] | None
    processes: list[alive.Sign] | None


@needs(Can.BROWSE)
@require_safe
def system(request: HttpRequest) -> HttpResponse:
    """The whole page; every few seconds what moved of it, and 204 where nothing did since it was `seen`."""
    signs = Signs(budget_snapshot(), alive.signs())
    rows_mark, signs_mark = _marks(signs)
    seen = request.GET.get("seen", "") if is_partial(request) else ""
    if seen == f"{rows_mark}.{signs_mark}":
        return HttpResponse(status=204)
    shown = {
        "mark": f"{rows_mark}.{signs_mark}",
        "budget": signs.budget,
        "processes": signs.processes,
    }
    if seen.startswith(f"{rows_mark}."):
        return render_page(request, "system/_signs", **shown)
    account = ages.freshness()
    settled = _settled_lately()
    return render_page(
        request,
        "system/page",
        part="_live",
        **shown,
        freshness=freshness.of_account(account),
        runs=_runs(account.last_run),
        odd=_odd(account),
        rounds=rounds(),
        dead_before=clock.now() - DEAD_AFTER,
        queues=_queues(),
        settled=settled,
        settled_total=sum(settled.values()),
        installation=next(iter(_installation().asked()), None),
        upshots=_upshots(),
        anew_waiting=anew.waiting(),
        post=notices.post() if settings.MAIL_FROM else None,
        version=VERSION,
        patience={
            "deadline": settings.WRITE_DEADLINE_SECONDS,
            "settle": settings.SETTLE_SECONDS,
            "lease": settings.LEASE_SECONDS,
        },
    )


def _marks(signs: Signs) -> tuple[str, str]:
    """What differs whenever something on the page would: of what the rows say, and of what Redis says.

    Ages go on by themselves; whatever else the clock alone moves is drawn anew with each minute.
    """
    processes = [(sign.seen_at, sign.is_alive) for sign in signs.processes or ()]
    told = (f"{snapshot()} {clock.now():%H:%M}", f"{signs.budget} {signs.processes and processes}")
    return tuple(sha256(each.encode()).hexdigest()[:16] for each in told)


@needs(Can.FREEZE)
@require_http_methods(["GET", "POST"])
def freeze(request: HttpRequest) -> HttpResponse:
    """The page that stops or resumes all applying. `turn` says which way; a reason goes on record."""
    wants_freeze = request.resolver_match.url_name == "system-freeze"
    context = {"wants_freeze": wants_freeze, "reason": "", "error": ""}
    if request.method == "POST":
        try:
            reason = checked_reason(request.POST.get("reason", ""))
        except BadInput as refusal:
            context |= {"reason": request.POST.get("reason", ""), "error": refusal.message}
            return render_page(request, "system/freeze", status=422, **context)
        turn = freezing.freeze if wants_freeze else freezing.unfreeze
        if turn(actor_of(request), reason):
            messages.success(request, "All changes are frozen." if wants_freeze else "Applying goes on.")
        else:
            messages.warning(request, "It was so already; somebody else was first.")
        return go_to(request, "billing:system")
    return render_page(request, "system/freeze", **context)


@needs(Can.BEGIN_ANEW)
@require_http_methods(["GET", "POST"])
def begin_anew(request: HttpRequest) -> HttpResponse:
    """The page on which one person asks for the mirror to be read anew, and another agrees."""
    row = anew.waiting()
    context = {"waiting": row, "mine": row is not None and row.by_id == request.user.pk, "reason": ""}
    if request.method == "GET":
        return render_page(request, "system/anew", **context)
    wants_to_agree = request.POST.get("word") == "agree"
    try:
        reason = checked_reason(request.POST.get("reason", ""))
        (anew.agree if wants_to_agree else anew.ask)(actor_of(request), reason)
    except (BadInput, anew.Refused) as refusal:
        context |= {"reason": request.POST.get("reason", ""), "error": refusal.message}
        status = 422 if isinstance(refusal, BadInput) else 409
        return render_page(request, "system/anew", status=status, **context)
    if wants_to_agree:
        tasks.nudge(tasks.refresh_mirror, request.user.pk)
        messages.success(request, "Both of you agree; the next refresh reads everything anew.")
    else:
        messages.success(request, "It is asked for; somebody else has to agree within a day.")
    return go_to(request, "billing:system")


def _odd(account: ages.Freshness) -> list[dict[str, str]]:
    """The records that the newest refresh of the account that has ended, or got so far, could not read."""
    return account.last_run.odd if account.last_run else []


def _queues() -> list[Queue]:
    found = {status: (number, oldest) for status, number, oldest in _unsettled().rows()}
    return [Queue(status, *found.get(status, (0, None))) for status in UNSETTLED]


@cache
def _unsettled() -> Question:
    rows = ChangeRequest.objects.filter(status__in=UNSETTLED).order_by().values_list("status")
    return Question(rows.annotate(number=Count("*"), oldest=Min("submitted_at")))


def _runs(whole: RefreshRun | None) -> list[RefreshRun]:
    """The newest refreshes, the last one of the whole account on top: those of one customer are many."""
    newest = list(ages.runs(SHOWN_RUNS))
    if whole is None:
        return newest
    first = next((run for run in newest if run.pk == whole.pk), whole)
    return [first, *(run for run in newest if run.pk != whole.pk)][:SHOWN_RUNS]


def _upshots() -> Upshots:
    """What requests came to in the last 30 days."""
    lately = Upshot.objects.filter(looked_at__gte=clock.now() - COMPARED_FOR)
    number = lately.aggregate(compared=Count("pk"), differing=Count("pk", filter=Q(missed__gt=0)))
    newest = lately.filter(missed__gt=0).select_related("change").order_by("-looked_at")[:SHOWN_UPSHOTS]
    return Upshots(**number, newest=list(newest) if number["differing"] else [])


def _settled_lately() -> dict[str, int]:
    """How the requests that were settled in the last 24 hours ended, by label."""
    rows = _settled().rows(since=clock.now() - DAY)
    return {str(Status(status).label): number for status, number in rows}


@cache
def _settled() -> Question:
    rows = ChangeRequest.objects.filter(settled_at__gte=NO_MOMENT).order_by("status").values_list("status")
    return Question(rows.annotate(number=Count("*")), since=NO_MOMENT)


@cache
def _installation() -> Records:
    return Records(Installation.objects.order_by("pk")[:1])
