"""How old what a page shows is, in the words of every page that shows mirrored data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from billing import clock
from billing.changes.asking import survey
from billing.mirror import ages
from billing.mirror.models import RefreshRun

WORDS = {
    "fresh": ("Fresh", "good", "mark-fresh"),
    "ageing": ("Ageing", "info", "mark-expired"),
    "stale": ("Stale", "warn", "mark-stale"),
    "empty": ("Not mirrored yet", "plain", "mark-none"),
}


JUST_READ = timedelta(minutes=1)
STEPS = {
    "account": (
        (timedelta(0), *WORDS["fresh"]),
        (ages.FRESH_FOR, *WORDS["ageing"]),
        (ages.AGEING_FOR, *WORDS["stale"]),
    ),
    "survey": (
        (timedelta(0), "Read just now", "good", "mark-fresh"),
        (JUST_READ, "Read before", "info", "mark-expired"),
        (survey.GOOD_FOR, "Too old to send", "warn", "mark-stale"),
    ),
    "check": (
        (timedelta(0), "Checked with Metronome", "good", "mark-fresh"),
        (ages.AGEING_FOR, "Checked long ago", "warn", "mark-stale"),
    ),
}
"""From which age on which words, tone and mark hold."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One age, ready to be drawn. `trouble` is what the last refresh broke with, while it still matters."""

    as_of: datetime | None
    state: str
    running: RefreshRun | None = None
    trouble: str = ""

    @property
    def word(self) -> str:
        return WORDS[self.state][0]

    @property
    def tone(self) -> str:
        return WORDS[self.state][1]

    @property
    def mark(self) -> str:
        return WORDS[self.state][2]


def of_account(account: ages.Freshness | None = None) -> Shown:
    """The age of the picture of the whole account."""
    account = account or ages.freshness()
    return Shown(account.as_of, account.state, account.running, _trouble(account.last_run))


def of_instant(as_of: datetime, account: ages.Freshness) -> Shown:
    """The age of one customer's facts, which may have been read since the last whole refresh."""
    state = ages.state_of(clock.now() - as_of)
    return Shown(as_of, state, account.running, _trouble(account.last_run) if state == "stale" else "")


def _trouble(last_run: RefreshRun | None) -> str:
    failed = last_run is not None and last_run.status == RefreshRun.Status.FAILED
    return last_run.error if failed else ""
