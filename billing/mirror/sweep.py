"""One look at everything Metronome lists, page by page; each page is stored before the next is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from billing.metronome.client import Gateway
from billing.metronome.outcomes import ReadFailed, storable
from billing.metronome.records import (
    CustomerPlanRecord,
    CustomerRecord,
    CustomFieldKeyRecord,
    OddRow,
    Page,
    PlanRecord,
)
from billing.mirror import absence
from billing.mirror.models import Customer, Plan, RefreshRun
from billing.mirror.runs import Journal
from billing.mirror.storing import Cleaner, store_customers, store_keys, store_plans, store_subscriptions

T = TypeVar("T")
Some = TypeVar("Some", list, dict)
Watch = Callable[[RefreshRun], None]
Fetch = Callable[[str | None], Page[T]]
Keep = Callable[[Sequence[T], datetime], int]
SetApart = Callable[[Sequence[OddRow]], None]

PAUSES = (1.0, 5.0)
"""Seconds before a read that failed for the moment is tried again; then the refresh breaks off."""

RESTARTS = 5
"""So often a list is read again from its start: its cursor expired, or a page stayed unreadable."""

MOST_PAGES, MOST_EMPTY_PAGES = 200_000, 3
"""Bounds of one list: pages in all, and empty ones in a row that still name a next one."""

IDS_A_REQUEST = 100
ENTITIES = ("customer",)
"""Whose custom field keys are mirrored: the entities whose fields Countersign shows or sets."""


class Sweep:
    """Reads an account for one run. `seen` holds what was there, `clean` what had to be replaced."""

    def __init__(
        self, gateway: Gateway, journal: Journal, *, watch: Watch | None, pauses: Sequence[float]
    ) -> None:
        self.gateway = gateway
        self.journal = journal
        self.run = journal.run
        self.seen = absence.Seen()
        self.clean = Cleaner()
        self._plan_names: dict[str, str] = {}
        self._page_number = 1
        self._watch = watch
        self._pauses = pauses
        self._now = self.run.heartbeat_at

    def read_everything(self) -> absence.Suspects:
        """Mirror the account; returns what is confirmed absent, for the caller to mark.

        Raises ReadFailed, Halt, TooManyAbsent or RunLost; whole pages stay, and nothing is marked.
        """
        # Active ones first: there is no way back from archived, so nobody falls between the two passes.
        for archived, phase, keep in (
            (False, "active customers", self._keep_customers),
            (True, "archived customers", self._keep_archived),
        ):
            self._pages(phase, partial(self._customers_page, archived), keep, self._odd_customers)
        self._pages("plans", self.gateway.plans_page, self._keep_plans, self._odd_plans)
        for plan_id, name in sorted(self._plans().items()):
            fetch = partial(self.gateway.plan_customers_page, plan_id)
            self._pages(
                "customers of plans", fetch, self._keep_subscriptions, self._odd_subscriptions, of=name
            )
        self._read_keys()
        absent = self._confirm(absence.suspects(self.seen, self.run.started_at))
        self.clean.odd.weigh(self.run.rows_read)
        return absent

    def _pages(self, phase: str, fetch: Fetch[T], keep: Keep[T], odd: SetApart, *, of: str = "") -> None:
        """Read and keep every page of a list; again from its start where its middle can't be had any more."""
        read_before = self.run.rows_read
        for attempt in range(RESTARTS + 1):
            try:
                self._list(phase, fetch, keep, odd, of=of)
            except ReadFailed as failure:
                if self._page_number == 1 or attempt == RESTARTS or not _is_of_the_page(failure):
                    raise
                self.run.rows_read = read_before
            else:
                return

    def _list(self, phase: str, fetch: Fetch[T], keep: Keep[T], odd: SetApart, *, of: str) -> None:
        cursors: set[str] = set()
        cursor: str | None = None
        empty = 0
        while True:
            self._page_number = len(cursors) + 1
            self._at(phase, of=of, page=self._page_number, cursor=cursor)
            page, asked_at = self._ask(partial(fetch, cursor))
            odd(page.odd)
            self._store(page.items, asked_at, keep)
            cursor = page.next_cursor
            if cursor is None:
                return
            empty = 0 if page.items or page.odd else empty + 1
            if cursor in cursors:
                raise ReadFailed("Metronome’s list goes round in a circle: a cursor came twice.")
            if empty > MOST_EMPTY_PAGES or self._page_number >= MOST_PAGES:
                raise ReadFailed(f"Metronome’s list doesn’t end: page {self._page_number:,} names another.")
            cursors.add(cursor)

    def _at(self, phase: str, *, of: str = "", page: int = 0, cursor: str | None = None) -> None:
        """Note where the run is; saved at once where a list begins, else with the page before it."""
        parts = (of, f"page {page}" if page else "", f"cursor {cursor}" if cursor else "")
        self.run.phase = phase
        position = ", ".join(part for part in parts if part)
        self.run.position = "".join(letter if letter.isprintable() else "\ufffd" for letter in position)
        if page <= 1:
            self._now = self.journal.progress()

    def _ask(self, fetch: Callable[[], T]) -> tuple[T, datetime]:
        """Metronome's answer and when it was asked; asks again after a pause while the failure may pass."""
        pauses = iter(self._pauses)
        while True:
            asked_at = self._now
            try:
                return fetch(), asked_at
            except ReadFailed as failure:
                pause = next(pauses, None)
                if pause is None or not _may_pass(failure):
                    raise
            time.sleep(pause)
            self._now = self.journal.progress()

    def _store(self, items: Sequence[T], asked_at: datetime, keep: Keep[T]) -> None:
        """Keep one answer's items and the run's progress in one transaction."""
        with transaction.atomic():
            self.run.rows_written += keep(items, asked_at)
            self.run.rows_read += len(items)
            self.run.odd = self.clean.odd.as_json()
            self._now = self.journal.progress()
        if self._watch:
            self._watch(self.run)

    # --- what is kept of each list

    def _customers_page(self, archived: bool, cursor: str | None) -> Page[CustomerRecord]:
        return self.gateway.customers_page(archived=archived, cursor=cursor)

    def _keep_customers(self, records: Sequence[CustomerRecord], asked_at: datetime) -> int:
        self.seen.customers.update(record.id for record in records)
        return store_customers(records, asked_at, clean=self.clean)

    def _keep_archived(self, records: Sequence[CustomerRecord], asked_at: datetime) -> int:
        return self._keep_customers(dated(records, asked_at), asked_at)

    def _odd_customers(self, rows: Sequence[OddRow]) -> None:
        self.seen.customers.update(row.id for row in self.clean.odd.add_rows("customer", rows))

    def _keep_plans(self, records: Sequence[PlanRecord], asked_at: datetime) -> int:
        self._plan_names |= {record.id: record.name for record in records}
        self.seen.plans.update(record.id for record in records)
        return store_plans(records, asked_at, clean=self.clean)

    def _odd_plans(self, rows: Sequence[OddRow]) -> None:
        named = self.clean.odd.add_rows("plan", rows)
        self._plan_names |= {row.id: "" for row in named}
        self.seen.plans.update(row.id for row in named)

    def _plans(self) -> dict[str, str]:
        """The plans whose customers are read, id → name: the listed ones, and where one came without an
        id, the mirrored ones too."""
        if "plan" not in self.clean.odd.nameless:
            return self._plan_names
        mirrored = Plan.objects.filter(missing_since__isnull=True).values_list("pk", "name")
        return {str(pk): name for pk, name in mirrored} | self._plan_names

    def _keep_subscriptions(
        self, pairs: Sequence[tuple[CustomerRecord | None, CustomerPlanRecord]], asked_at: datetime
    ) -> int:
        """Subscriptions, and customers made since the customer list was read; others stay as it gave them."""
        new = [each for each, _plan in pairs if each and each.id not in self.seen.customers]
        written = self._keep_customers(new, asked_at)
        self.seen.subscriptions.update(plan.id for _customer, plan in pairs)
        return written + store_subscriptions([plan for _customer, plan in pairs], asked_at, clean=self.clean)

    def _odd_subscriptions(self, rows: Sequence[OddRow]) -> None:
        named = self.clean.odd.add_rows("subscription", rows)
        self.seen.subscriptions.update(row.id for row in named)

    def _read_keys(self) -> None:
        self._at("custom field keys")
        odd: list[OddRow] = []
        keys, asked_at = self._ask(partial(self.gateway.custom_field_keys, ENTITIES, odd))
        for row in self.clean.odd.add_rows("custom field key", odd):
            self.seen.keys.add((storable(row.source["entity"]), storable(row.source["key"])))
        self._store(keys, asked_at, self._keep_keys)

    def _keep_keys(self, records: Sequence[CustomFieldKeyRecord], asked_at: datetime) -> int:
        self.seen.keys.update((storable(record.entity), storable(record.key)) for record in records)
        return store_keys(records, asked_at, clean=self.clean)

    # --- what was not seen

    def _confirm(self, suspects: absence.Suspects) -> absence.Suspects:
        """Ask for each suspect in another way than the list that left it out; returns those still absent."""
        self.run.suspects = len(suspects)
        self._at("absences")
        ids = [str(pk) for pk in suspects.customers]
        for start in range(0, len(ids), IDS_A_REQUEST):
            self._ask_for_customers(ids[start : start + IDS_A_REQUEST])
        if suspects.plans:
            self._pages("plans, once more", self.gateway.plans_page, self._keep_plans, self._odd_plans)
        gone = {pk for pk in suspects.customers if str(pk) not in self.seen.customers}
        for customer_id in sorted(set(suspects.subscriptions.values()) - gone):
            self._ask_for_subscriptions(str(customer_id))
        if suspects.keys:
            self._read_keys()
        return absence.Suspects(
            customers=self._sure("customer", sorted(gone)),
            plans=self._sure("plan", [pk for pk in suspects.plans if str(pk) not in self.seen.plans]),
            subscriptions=self._sure(
                "subscription",
                {
                    pk: customer_id
                    for pk, customer_id in suspects.subscriptions.items()
                    if str(pk) not in self.seen.subscriptions
                },
            ),
            keys=self._sure(
                "custom field key",
                {pk: key for pk, key in suspects.keys.items() if key not in self.seen.keys},
            ),
        )

    def _sure(self, kind: str, absent: Some) -> Some:
        """What is absent, or nothing while a record of the kind came without an id: it may be any of them."""
        return type(absent)() if kind in self.clean.odd.nameless else absent

    def _ask_for_customers(self, ids: list[str]) -> None:
        for archived in (False, True):
            if ids:
                odd: list[OddRow] = []
                fetch = partial(self.gateway.customers_by_id, ids, archived=archived, odd=odd)
                found, asked_at = self._ask(fetch)
                self._odd_customers(odd)
                self._store(found, asked_at, self._keep_archived if archived else self._keep_customers)
                ids = [pk for pk in ids if pk not in self.seen.customers]

    def _ask_for_subscriptions(self, customer_id: str) -> None:
        odd: list[OddRow] = []
        found, asked_at = self._ask(partial(self.gateway.customer_plans, customer_id, odd))
        self._odd_subscriptions(odd)
        self._store(found, asked_at, self._keep_own_subscriptions)

    def _keep_own_subscriptions(self, records: Sequence[CustomerPlanRecord], asked_at: datetime) -> int:
        self.seen.subscriptions.update(record.id for record in records)
        return store_subscriptions(records, asked_at, clean=self.clean)


def dated(records: Sequence[CustomerRecord], asked_at: datetime) -> list[CustomerRecord]:
    """Customers of the archived list, each with a time: where it gives none, the one held, or now."""
    undated = [record.id for record in records if record.archived_at is None]
    held = dict(Customer.objects.filter(pk__in=undated).values_list("pk", "archived_at")) if undated else {}
    return [
        record if record.archived_at else replace(record, archived_at=held.get(UUID(record.id)) or asked_at)
        for record in records
    ]


def _may_pass(failure: ReadFailed) -> bool:
    """Whether asking again in a moment can help: no answer, too many requests, an answer in pieces, or
    trouble on their side."""
    status = failure.status
    return status is None or status == 429 or status >= 500 or 200 <= status < 300


def _is_of_the_page(failure: ReadFailed) -> bool:
    """Whether the list may be had from its start: its cursor was refused, or its page can't be read."""
    return failure.status is not None and failure.status != 429 and failure.status < 500
