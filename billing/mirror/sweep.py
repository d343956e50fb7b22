"""One look at everything Metronome lists: pages are fetched by one thread and stored by another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from billing.metronome.account import Gateway
from billing.metronome.listing import Listing, UnreadPage
from billing.metronome.outcomes import GatewayError, ReadFailed
from billing.metronome.records import Page
from billing.mirror import absence
from billing.mirror.ahead import ahead
from billing.mirror.cleaning import Cleaner
from billing.mirror.comparing import differing, has_digest
from billing.mirror.copying import copied
from billing.mirror.models import RefreshRun, Seen
from billing.mirror.resource import Resource, Whole, as_they_come
from billing.mirror.resources import RESOURCES, mirrored
from billing.mirror.runs import Journal
from billing.mirror.storing import Row, note, rows_of, store

Watch = Callable[[RefreshRun], None]

PAUSES = (1.0, 5.0)
"""Seconds before a read that failed for the moment is tried again; then the refresh breaks off."""

RESTARTS = 5
"""So often a list is read again from its start: its cursor expired, or a page stayed unreadable."""

MOST_PAGES, MOST_EMPTY_PAGES = 200_000, 3
"""Bounds of one list: pages in all, and empty ones in a row that still name a next one."""

ROWS_AT_ONCE, SECONDS_AT_MOST = 1_000, 1.0
"""So many rows are stored together, or what came within so many seconds."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page and where it stood in its list; asked_at: not later than its request, by the database's clock.

    Instead of a page there may be what went wrong with it.
    """

    number: int
    cursor: str | None
    asked_at: datetime
    page: UnreadPage[Any] | None
    failure: GatewayError | None = None
    ready: Ready | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A page's records made into rows beside the storing of others: for a list of which most is new."""

    read: Page[Any]
    rows: dict[str, Row]
    replaced: int


class Sweep:
    """Reads an account for one run. `clean` holds what had to be replaced, and what could not be read."""

    def __init__(
        self, gateway: Gateway, journal: Journal, *, watch: Watch | None, pauses: Sequence[float]
    ) -> None:
        self.gateway = gateway
        self.journal = journal
        self.run = journal.run
        self.clean = Cleaner()
        self.nouns = [noun for noun in mirrored() if not noun.is_queued]
        self._watch = watch
        self._pauses = pauses
        self._now = self.run.heartbeat_at
        self._is_mostly_new = False

    def read_everything(self) -> absence.Absent:
        """Mirror the account; returns what is confirmed absent, for the caller to mark.

        Raises ReadFailed, Halt, TooManyAbsent or RunLost; whole pages stay, and nothing is marked.
        """
        absence.forget_seen()
        for noun in self.nouns:
            for read in noun.reads:
                if isinstance(read, Whole):
                    self._pages(noun, read)
                elif read.in_sweep:
                    self._at(read.phase)
                    for owner, words in self._things(RESOURCES[read.owner]):
                        self._pages(noun, Whole(read.phase, read.listing(owner)), of=words)
        absent = self._confirm(absence.suspects(self.run, self.nouns))
        self.clean.odd.weigh(self.run.rows_read)
        absence.forget_seen()
        return absent

    def _things(self, noun: Resource) -> list[tuple[str, str]]:
        """Whose lists are read, id and name: what this run saw of the noun, and where one came without an id,
        what is mirrored of it, too."""
        ids = set(Seen.objects.filter(run=self.run.pk, noun=noun.name).values_list("key", flat=True))
        if noun.label in self.clean.odd.nameless:
            known = noun.model.objects.filter(missing_since__isnull=True)
            ids |= {str(pk) for pk in known.values_list("pk", flat=True)}
        names = {str(each.pk): str(each) for each in noun.model.objects.filter(pk__in=ids)}
        return [(pk, names.get(pk, "")) for pk in sorted(ids)]

    def _pages(self, noun: Resource, read: Whole, *, of: str = "") -> None:
        """Read and keep every page of a list; again from its start where its middle can't be had any more."""
        read_before = self.run.rows_read
        for attempt in range(RESTARTS + 1):
            try:
                self._list(noun, read, of=of)
            except LostMiddle as lost:
                if attempt == RESTARTS:
                    raise lost.failure from lost
                self.run.rows_read = read_before
            else:
                return

    def _list(self, noun: Resource, read: Whole, *, of: str) -> None:
        self._at(read.phase, of=of)
        self._now = self.journal.progress()
        self._is_mostly_new = not noun.model.objects.exists()
        makes_ready = noun if has_digest(noun) and read.fill is as_they_come else None
        with ahead(self._fetched(read.listing, makes_ready)) as pages:
            some: list[Fetched] = []
            store_at = 0.0
            while not pages.is_over:
                found = pages.next(store_at - time.monotonic() if some else SECONDS_AT_MOST)
                if found is not None and found.failure is None:
                    store_at = store_at if some else time.monotonic() + SECONDS_AT_MOST
                    some.append(found)
                is_enough = sum(each.page.rows for each in some) >= ROWS_AT_ONCE
                if some and (is_enough or pages.is_over or found is None or found.failure):
                    self._at(read.phase, of=of, page=some[-1])
                    self._keep(noun, read, some)
                    some = []
                elif found is None:
                    self._now = self.journal.progress()  # so that a slow answer is not taken for a dead run
                if found is not None and found.failure is not None:
                    self._at(read.phase, of=of, page=found)
                    if found.number > 1 and _is_of_the_page(found.failure):
                        raise LostMiddle(found.failure)
                    raise found.failure

    def _fetched(self, listing: Listing[Any], makes_ready: Resource | None) -> Iterator[Fetched]:
        """Every page of a list, or those before the one that failed. Runs beside: touches no database."""
        cursors: set[str] = set()
        cursor: str | None = None
        empty = 0
        while True:
            number, asked_at = len(cursors) + 1, self._now
            try:
                page = self._ask(listing, cursor)
                onward = page.next_cursor
                empty = 0 if page.rows else empty + 1
                ready = _ready(makes_ready, page) if makes_ready and self._is_mostly_new else None
                yield Fetched(number, cursor, asked_at, page, ready=ready)
                if onward is None:
                    return
                if onward in cursors:
                    raise ReadFailed("Metronome’s list goes round in a circle: a cursor came twice.")
                if empty > MOST_EMPTY_PAGES or number >= MOST_PAGES:
                    raise ReadFailed(f"Metronome’s list doesn’t end: page {number:,} names another.")
            except GatewayError as failure:
                yield Fetched(number, cursor, asked_at, None, failure)
                return
            cursors.add(onward)
            cursor = onward

    def _ask(self, listing: Listing[Any], cursor: str | None) -> UnreadPage[Any]:
        """One page; asked for again after a pause while the failure may pass."""
        pauses = iter(self._pauses)
        while True:
            try:
                return self.gateway.unread(listing, cursor)
            except ReadFailed as failure:
                pause = next(pauses, None)
                if pause is None or not _may_pass(failure):
                    raise
            time.sleep(pause)

    def _at(self, phase: str, *, of: str = "", page: Fetched | None = None) -> None:
        """Note where the run is; it is saved with what is stored next."""
        number, cursor = (page.number, page.cursor) if page else (1, None)
        parts = (of, f"page {number}", f"cursor {cursor}" if cursor else "")
        self.run.phase = phase
        position = ", ".join(part for part in parts if part)
        self.run.position = "".join(letter if letter.isprintable() else "\ufffd" for letter in position)

    def _keep(self, noun: Resource, read: Whole, some: Sequence[Fetched]) -> None:
        """Keep some pages' rows and the run's progress in one transaction."""
        asked_at, pages = some[0].asked_at, [each.page for each in some]
        with transaction.atomic():
            changed: list[Page[Any]]
            rows: dict[str, Row] | None = None
            if all(each.ready for each in some):
                changed = [each.ready.read for each in some]
                rows = {key: row for each in some for key, row in each.ready.rows.items()}
                self.clean.replaced += sum(each.ready.replaced for each in some)
            elif has_digest(noun):
                differ = differing(noun, pages, asked_at, held=read.held, run=self.run.pk)
                changed = [page.read(places) for page, places in zip(pages, differ, strict=True) if places]
                self.run.rows_read += sum(page.rows for page in pages) - sum(map(len, differ))
            else:
                changed = [page.read() for page in pages]
            odd = [row for page in changed for row in page.odd]
            named = self.clean.odd.add_rows(noun.label, odd, by_uuid=noun.key == ("id",))
            note(noun, self.run.pk, [row.id for row in named])
            found = read.fill([row for page in changed for row in page.items], asked_at)
            written = 0
            if rows is not None and copied(noun, rows.values(), asked_at, run=self.run.pk):
                written = len(rows)
            elif found:
                written = store(noun, found, asked_at, clean=self.clean, run=self.run.pk, rows=rows)
            self._is_mostly_new = written * 2 > sum(page.rows for page in pages)
            self.run.rows_written += written
            self.run.rows_read += len(found)
            self.run.odd = self.clean.odd.as_json()
            self._now = self.journal.progress()
        if self._watch:
            self._watch(self.run)

    def _confirm(self, suspects: absence.Absent) -> absence.Absent:
        """Ask for each suspect in another way than the list that left it out; returns those still absent.

        None of a noun of which a record came without an id: it may be any of them.
        """
        self.run.suspects = sum(map(len, suspects.values()))
        self.run.phase, self.run.position = "absences", ""
        absent: absence.Absent = {}
        for noun, ids in suspects.items():
            if ids:
                gone = {each.name: keys for each, keys in absent.items()}
                for read in noun.again(ids, gone):
                    self._pages(noun, read)
                still = set(absence.unseen(self.run, noun))
                ids = [pk for pk in ids if pk in still]
            absent[noun] = [] if noun.label in self.clean.odd.nameless else ids
        return absent


def _ready(noun: Resource, page: UnreadPage[Any]) -> Ready:
    read, clean = page.read(), Cleaner()
    return Ready(read, rows_of(noun, read.items, clean), clean.replaced)


class LostMiddle(Exception):
    """The middle of a list can't be had any more, but perhaps the list from its start."""

    def __init__(self, failure: GatewayError) -> None:
        super().__init__(failure.message)
        self.failure = failure


def _may_pass(failure: ReadFailed) -> bool:
    """Whether asking again in a moment can help: no answer, too many requests, an answer in pieces, or
    trouble on their side."""
    status = failure.status
    return status is None or status == 429 or status >= 500 or 200 <= status < 300


def _is_of_the_page(failure: GatewayError) -> bool:
    """Whether the list may be had from its start: its cursor was refused, or its page can't be read."""
    if not isinstance(failure, ReadFailed):
        return False
    return failure.status is not None and failure.status != 429 and failure.status < 500
