"""What a request came to: once it is applied, what was shown of it is compared with what Metronome shows.

Claims are what its calls name; effects are what Metronome makes of them by itself, said with *about*. What
can't be read is not looked at yet, and what differs at once may be on its way: either is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from billing.audit import log
from billing.audit.events import Event
from billing.changes import sealed
from billing.changes.applying.claiming import WORKER
from billing.changes.applying.just_read import JustRead
from billing.changes.asking.proposal import Effect
from billing.changes.calls import results_of
from billing.changes.models import Attempt, ChangeRequest, Upshot
from billing.changes.moves import about, as_it_is, database_now, locked
from billing.changes.nouns import noun_of
from billing.changes.sealed import Results, SealedRequest, id_of
from billing.changes.statuses import Status
from billing.lists.prepared import NOBODY, Question
from billing.metronome.account import Gateway
from billing.metronome.outcomes import GatewayError
from billing.mirror.connection import ensure_account
from billing.mirror.resource import Field, State

UNTIL = timedelta(days=1)
"""How long after it was applied what was shown of a request is compared at the latest."""
SOON = timedelta(seconds=30)
"""How long whoever applied it may take to do so."""
PAUSE = timedelta(minutes=1)
MOST_AT_ONCE = 10
MOST_TOLD = 20


def compare(change_id: int, gateway: Gateway, just_read: JustRead | None = None) -> None:
    """Compare an applied request, once, and file what it came to. A failure leaves it for the sweep.

    What the work itself has read since its last sending is not read again.
    """
    change = as_it_is(change_id)
    if change.status != Status.APPLIED or _is_compared(change):
        return
    request, results = sealed.read(change.sealed), results_of(change)
    try:
        misses = list(_misses(change, request, results, gateway, just_read))
    except GatewayError:
        ChangeRequest.objects.filter(pk=change_id).update(next_try_at=database_now() + PAUSE)
        return
    _file(change_id, number_of(request), misses)


def compare_forgotten(gateway: Gateway) -> int:
    """Compare what a worker that died has applied, or a person's word, or could not be read; how many."""
    due = list(_due()[:MOST_AT_ONCE])
    for change_id in due:
        compare(change_id, gateway)
    return len(due)


def number_of(request: SealedRequest) -> int:
    """How much of a request is compared: each field that its calls name, and each effect."""
    return len(_claims(request)) + len(request.effects)


def _due() -> QuerySet[ChangeRequest, int]:
    now = database_now()
    applied = ChangeRequest.objects.filter(
        Q(next_try_at__isnull=True) | Q(next_try_at__lte=now),
        status=Status.APPLIED,
        settled_at__gt=now - UNTIL,
        settled_at__lt=now - SOON,
        upshot__isnull=True,
    )
    return applied.order_by("settled_at").values_list("pk", flat=True)


def _claims(request: SealedRequest) -> list[tuple[str, Field]]:
    """Thing and field, for all that the calls leave otherwise than it was."""
    return [
        (of, field)
        for of, state in request.after.items()
        for field in noun_of(of).fields
        if field.name in state and state[field.name] != request.before.get(of, {}).get(field.name)
    ]


def _misses(
    change: ChangeRequest,
    request: SealedRequest,
    results: Results,
    gateway: Gateway,
    just_read: JustRead | None,
) -> Iterator[str]:
    claims, effects = _claims(request), [Effect(**each) for each in request.effects]
    wanted: dict[str, set[str]] = {}
    for of, name in [*((of, field.name) for of, field in claims), *((e.thing, e.field) for e in effects)]:
        wanted.setdefault(of, set()).add(name)
    live = {
        of: _live(change, request, of, results, names, gateway, just_read) for of, names in wanted.items()
    }
    for of, field in claims:
        before, asked = request.before.get(of, {}).get(field.name), request.after[of][field.name]
        if (state := live[of]) is None:
            yield f"Metronome does not know this {noun_of(of).label} any more."
        elif not field.came_out(before, asked, state[field.name]):
            yield field.moved(asked, state[field.name])
    for effect in effects:
        state = live[effect.thing]
        if state is not None and (words := effect.missed(state[effect.field])):
            yield words


def _live(
    change: ChangeRequest,
    request: SealedRequest,
    of: str,
    results: Results,
    names: set[str],
    gateway: Gateway,
    just_read: JustRead | None,
) -> State | None:
    """These fields of a thing as they are now: as just read, where that was after the last sending."""
    thing_id = id_of(of, results)
    if thing_id is None:
        return None
    owner_id = id_of(request.owner_of(of), results) or ""
    known = just_read.of(thing_id) if just_read else None
    if known is not None and known[1] >= _last_sent(change):
        state = known[0].as_snapshot()
        if apart := names - state.keys():
            state |= noun_of(of).read_apart(gateway, thing_id, apart, owner_id=owner_id) or {}
        return state
    ensure_account(gateway)
    return noun_of(of).read(gateway, thing_id, names, owner_id=owner_id)


def _last_sent(change: ChangeRequest) -> datetime:
    newest = _newest_sending().rows(change=change.pk)
    return newest[0][0] if newest else change.settled_at


@cache
def _newest_sending() -> Question:
    sendings = Attempt.objects.filter(call__change_id=NOBODY).order_by("-sent_at")
    return Question(sendings.values_list("sent_at")[:1], change=NOBODY)


def _is_compared(change: ChangeRequest) -> bool:
    return bool(_upshot().rows(change=change.pk))


@cache
def _upshot() -> Question:
    return Question(Upshot.objects.filter(change_id=NOBODY).values_list("pk"), change=NOBODY)


def _file(change_id: int, compared: int, misses: list[str]) -> None:
    with transaction.atomic():
        change = locked(change_id)
        if _is_compared(change):
            return
        settles_at = change.settled_at + timedelta(seconds=settings.SETTLE_SECONDS)
        if misses and database_now() < settles_at:
            change.next_try_at = settles_at
            change.save(update_fields=["next_try_at"])
            return
        Upshot.objects.create(change=change, compared=compared, missed=len(misses), misses=misses[:MOST_TOLD])
        if misses:
            log.record(
                Event.CHANGE_DIFFERED,
                actor=WORKER,
                subject=about(change),
                new={"compared": compared, "missed": len(misses), "misses": misses[:MOST_TOLD]},
            )
