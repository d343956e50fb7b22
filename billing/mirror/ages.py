"""How old the picture is: of the account, and of one row. Nothing here writes or asks Metronome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.db.models import QuerySet

from billing import clock
from billing.lists.prepared import Records
from billing.mirror.models import Mirrored, RefreshRun
from billing.mirror.runs import DEAD_AFTER

FRESH_FOR, AGEING_FOR = timedelta(minutes=12), timedelta(minutes=15)
"""An account refreshed on time, every ten minutes, is fresh; past 15 minutes a page says stale, in amber."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the picture of the whole account is.

    as_of: the start of the last complete refresh, which saw everything that is not missing; None before one.
    state: `fresh` under 12 minutes, `ageing` under 15, `stale` older, `empty` before the first.
    last_run: the newest refresh of the account, however it went. running: the one under way.
    odd_ids: the records that the last complete refresh could not read; they are as old as they were.
    """

    as_of: datetime | None
    state: str
    last_run: RefreshRun | None
    running: RefreshRun | None
    odd_ids: frozenset[str] = frozenset()


def freshness() -> Freshness:
    """How old the mirror is, in one query while the newest refresh has gone well, else in two."""
    last_run = next(iter(_last_run().asked()), None)
    now = clock.now()
    if last_run is None or last_run.status == RefreshRun.Status.SUCCEEDED:
        complete = last_run
    else:
        complete = _account_runs().filter(status=RefreshRun.Status.SUCCEEDED).first()
    as_of, odd = (complete.started_at, complete.odd) if complete else (None, [])
    is_running = (
        last_run is not None
        and last_run.status == RefreshRun.Status.RUNNING
        and last_run.heartbeat_at > now - DEAD_AFTER
    )
    state = state_of(now - as_of) if as_of else "empty"
    odd_ids = frozenset(each["id"] for each in odd)
    return Freshness(as_of, state, last_run, last_run if is_running else None, odd_ids)


def _account_runs() -> QuerySet[RefreshRun]:
    return RefreshRun.objects.filter(scope=RefreshRun.Scope.ACCOUNT).order_by("-started_at", "-pk")


@cache
def _last_run() -> Records:
    return Records(_account_runs()[:1])


def state_of(behind: timedelta) -> str:
    """`fresh`, `ageing` or `stale`: the words for how far something is behind."""
    if behind < FRESH_FOR:
        return "fresh"
    return "ageing" if behind < AGEING_FOR else "stale"


def as_of(row: Mirrored, account: Freshness) -> datetime:
    """When this row was last seen so: a refresh of the account leaves unchanged rows alone."""
    if row.missing_since or account.as_of is None or str(row.pk) in account.odd_ids:
        return row.fetched_at
    return max(row.fetched_at, account.as_of)


@cache
def _runs(limit: int) -> Records:
    return Records(RefreshRun.objects.select_related("requested_by").order_by("-started_at", "-pk")[:limit])


def runs(limit: int = 20) -> list[RefreshRun]:
    """The newest refreshes, account and single customers alike."""
    return _runs(limit).asked()
