"""One look at everything Metronome lists, page by page; each page is stored before the next is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from django.db import transaction

from billing.metronome.client import Gateway
from billing.metronome.outcomes import ReadFailed, storable
from billing.metronome.records import (
    CustomerPlanRecord,
    CustomerRecord,
    CustomFieldKeyRecord,
    Page,
    PlanRecord,
)
from billing.mirror import absence
from billing.mirror.models import RefreshRun
from billing.mirror.runs import Journal
from billing.mirror.storing import Cleaner, store_customers, store_keys, store_plans, store_subscriptions

T = TypeVar("T")
Watch = Callable[[RefreshRun], None]
Fetch = Callable[[str | None], Page[T]]
Keep = Callable[[Sequence[T], datetime], int]

PAUSES = (1.0, 5.0)
"""Seconds before a read that failed for the moment is tried again; then the refresh breaks off."""

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
        self._watch = watch
        self._pauses = pauses
        self._now = self.run.heartbeat_at

    def read_everything(self) -> absence.Suspects:
        """Mirror the account; returns what is confirmed absent, for the caller to mark.

        Raises ReadFailed, Halt, TooManyAbsent or RunLost; whole pages stay, and nothing is marked.
        """
        # Active ones first: there is no way back from archived, so nobody falls between the two passes.
        for archived, phase in ((False, "active customers"), (True, "archived customers")):
            self._pages(phase, partial(self._customers_page, archived), self._keep_customers)
        plans: list[PlanRecord] = []
        self._pages("plans", self.gateway.plans_page, partial(self._keep_plans, plans))
        for plan in plans:
            fetch = partial(self.gateway.plan_customers_page, plan.id)
            self._pages("customers of plans", fetch, self._keep_subscriptions, of=plan.name)
        self._read_keys()
        return self._confirm(absence.suspects(self.seen, self.run.started_at))

    def _pages(self, phase: str, fetch: Fetch[T], keep: Keep[T], *, of: str = "") -> None:
        """Read and keep every page of a list."""
        cursors: set[str] = set()
        cursor: str | None = None
        while True:
            self._at(phase, of=of, page=len(cursors) + 1, cursor=cursor)
            page, asked_at = self._ask(partial(fetch, cursor))
            self._store(page.items, asked_at, keep)
            cursor = page.next_cursor
            if cursor is None:
                return
            if cursor in cursors:
                raise ReadFailed("Metronome’s list goes round in a circle: a cursor came twice.")
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
            self._now = self.journal.progress()
        if self._watch:
            self._watch(self.run)

    # --- what is kept of each list

    def _customers_page(self, archived: bool, cursor: str | None) -> Page[CustomerRecord]:
        return self.gateway.customers_page(archived=archived, cursor=cursor)

    def _keep_customers(self, records: Sequence[CustomerRecord], asked_at: datetime) -> int:
        self.seen.customers.update(record.id for record in records)
        return store_customers(records, asked_at, clean=self.clean)

    def _keep_plans(self, plans: list[PlanRecord], records: Sequence[PlanRecord], asked_at: datetime) -> int:
        plans += records
        self.seen.plans.update(record.id for record in records)
        return store_plans(records, asked_at, clean=self.clean)

    def _keep_subscriptions(
        self, pairs: Sequence[tuple[CustomerRecord, CustomerPlanRecord]], asked_at: datetime
    ) -> int:
        """Subscriptions, and customers made since the customer list was read; others stay as it gave them."""
        new = [customer for customer, _plan in pairs if customer.id not in self.seen.customers]
        written = self._keep_customers(new, asked_at)
        self.seen.subscriptions.update(plan.id for _customer, plan in pairs)
        return written + store_subscriptions([plan for _customer, plan in pairs], asked_at, clean=self.clean)

    def _read_keys(self) -> None:
        self._at("custom field keys")
        keys, asked_at = self._ask(partial(self.gateway.custom_field_keys, ENTITIES))
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
            self._pages("plans, once more", self.gateway.plans_page, partial(self._keep_plans, []))
        gone = {pk for pk in suspects.customers if str(pk) not in self.seen.customers}
        for customer_id in sorted(set(suspects.subscriptions.values()) - gone):
            self._ask_for_subscriptions(str(customer_id))
        if suspects.keys:
            self._read_keys()
        return absence.Suspects(
            customers=sorted(gone),
            plans=[pk for pk in suspects.plans if str(pk) not in self.seen.plans],
            subscriptions={
                pk: customer_id
                for pk, customer_id in suspects.subscriptions.items()
                if str(pk) not in self.seen.subscriptions
            },
            keys={pk: key for pk, key in suspects.keys.items() if key not in self.seen.keys},
        )

    def _ask_for_customers(self, ids: list[str]) -> None:
        for archived in (False, True):
            if ids:
                found, asked_at = self._ask(partial(self.gateway.customers_by_id, ids, archived=archived))
                self._store(found, asked_at, self._keep_customers)
                ids = [pk for pk in ids if pk not in self.seen.customers]

    def _ask_for_subscriptions(self, customer_id: str) -> None:
        found, asked_at = self._ask(partial(self.gateway.customer_plans, customer_id))
        self._store(found, asked_at, self._keep_own_subscriptions)

    def _keep_own_subscriptions(self, records: Sequence[CustomerPlanRecord], asked_at: datetime) -> int:
        self.seen.subscriptions.update(record.id for record in records)
        return store_subscriptions(records, asked_at, clean=self.clean)


def _may_pass(failure: ReadFailed) -> bool:
    """Whether asking again in a moment can help: no answer, too many requests, or trouble on their side."""
    return failure.status is None or failure.status == 429 or failure.status >= 500
