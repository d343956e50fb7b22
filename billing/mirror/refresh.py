"""Bringing the mirror up to date: the whole account, or one customer. Only this writes mirror rows.

Each refresh leaves a row that says how it went. What Metronome answers badly ends the run with a sentence and
raises nothing: stale rows are no emergency, and the next run is never far.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from billing.audit import log
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.control import anew
from billing.metronome.account import Gateway
from billing.metronome.objects.customer import customer_at_its_address
from billing.metronome.outcomes import GatewayError
from billing.mirror import runs
from billing.mirror.absence import TooManyAbsent, mark_missing
from billing.mirror.cleaning import Cleaner
from billing.mirror.connection import ensure_account
from billing.mirror.hanging import keep_list, unread_since
from billing.mirror.models import RefreshRun
from billing.mirror.oddities import TooManyOdd
from billing.mirror.resource import For, Resource, Whole
from billing.mirror.resources import RESOURCES, mirrored
from billing.mirror.resources.customer.queries import name_of
from billing.mirror.resources.tally import ACTIVE, ARCHIVED, recount, tally
from billing.mirror.storing import store
from billing.mirror.sweep import PAUSES, Sweep, Watch
from billing.users import User

CUSTOMER = RESOURCES["customer"]
KEPT = "What was read before is kept; nothing was marked missing."


def refresh_account(
    gateway: Gateway,
    *,
    requested_by: User | None = None,
    asked_as: str = "",
    watch: Watch | None = None,
    pauses: Sequence[float] = PAUSES,
) -> RefreshRun:
    """Mirror the whole account; returns the run, succeeded or failed.

    While another process is at it, returns its run, which is still `running`, and does nothing.
    asked_as: how it was asked for, where no signed-in person did. watch: called with the run after each page.
    pauses: seconds before a read is tried again.
    """
    with runs.account_lock() as is_mine:
        if not is_mine:
            return runs.under_way()
        runs.bury_dead()
        journal = runs.Journal(
            gateway,
            RefreshRun.Scope.ACCOUNT,
            requested_by=requested_by,
            asked_as=asked_as,
            expected=_mirrored_rows(),
        )
        with _ending_in_a_sentence(journal):
            _begin_anew(gateway)
            ensure_account(gateway)
            sweep = Sweep(gateway, journal, watch=watch, pauses=pauses)
            absent = sweep.read_everything()
            with transaction.atomic():
                journal.run.marked_missing = mark_missing(absent, journal.run)
                recount()
                journal.end(remark=sweep.clean.remark())
        return journal.run


def refresh_customer(
    gateway: Gateway,
    customer_id: str | UUID,
    *,
    requested_by: User | None = None,
    asked_as: str = "",
    read: tuple[Any, datetime] | None = None,
) -> RefreshRun:
    """Mirror one customer and its lists; returns the run, succeeded or failed.

    read: the customer as somebody has just read it, with the database's clock before that read.
    One that Metronome doesn't know by id, nor in its two lists, is marked missing.
    """
    wanted = UUID(str(customer_id))
    journal = runs.Journal(
        gateway, RefreshRun.Scope.CUSTOMER, customer_id=wanted, requested_by=requested_by, asked_as=asked_as
    )
    with _ending_in_a_sentence(journal):
        ensure_account(gateway)
        journal.run.phase = f"the {CUSTOMER.label}"
        asked_at = journal.progress()
        if read is not None:
            record, asked_at = read
        else:
            record = customer_at_its_address(gateway, str(wanted)) or _listed(gateway, wanted, asked_at)
        if record is None:
            _mark_missing(journal, wanted, asked_at)
        else:
            _keep(gateway, journal, record, asked_at)
    return journal.run


def store_customer(record: Any, fetched_at: datetime) -> None:
    """Mirror a customer that somebody has just read. fetched_at: the database's clock before that read."""
    store(CUSTOMER, [record], fetched_at, clean=Cleaner(), touch=True)


def ask_refresh(actor: Actor, customer_id: UUID | None = None) -> None:
    """Record that somebody wants the account, or one customer, read again. The caller wakes the worker."""
    subject = log.Subject(kind="mirror", id="account", text="Whole account")
    if customer_id is not None:
        name = name_of(customer_id)
        subject = log.Subject(
            kind="customer", id=str(customer_id), text=name, customer_id=customer_id, customer_name=name
        )
    with transaction.atomic():
        log.record(Event.MIRROR_REFRESH_REQUESTED, actor=actor, subject=subject)


@contextmanager
def _ending_in_a_sentence(journal: runs.Journal) -> Iterator[None]:
    """End the run as failed, saying where and why, when the body breaks; only the unforeseen goes on up."""
    try:
        yield
    except (GatewayError, TooManyAbsent, TooManyOdd) as problem:
        journal.end(error=f"{_where(journal.run)}: {problem.message} {KEPT}")
    except runs.RunLost:
        journal.run.refresh_from_db()
    except BaseException as problem:
        if not connection.in_atomic_block and not connection.is_usable():
            connection.close()
        journal.end(error=f"{_where(journal.run)}: {type(problem).__name__}. {KEPT}")
        raise


def _begin_anew(gateway: Gateway) -> None:
    """Where two people said so, set everything mirrored aside; not before Metronome has answered."""
    if not anew.is_agreed():
        return
    gateway.page(next(read for read in CUSTOMER.reads if isinstance(read, Whole)).listing)
    with transaction.atomic():
        rows = [noun.model.objects.filter(missing_since__isnull=True) for noun in mirrored()]
        anew.carried_out(sum(each.update(missing_since=Now()) for each in rows))


def _where(run: RefreshRun) -> str:
    place = f" ({run.position})" if run.position else ""
    return f"It broke off at {run.phase or 'the account check'}{place}"


def _mirrored_rows() -> int | None:
    """How many rows a refresh will about read; None before the first."""
    numbers, others = tally(), [noun for noun in mirrored() if not noun.is_queued and noun is not CUSTOMER]
    counts = [noun.model.objects.filter(missing_since__isnull=True).count() for noun in others]
    return numbers[ACTIVE] + numbers[ARCHIVED] + sum(counts) or None


def _listed(gateway: Gateway, wanted: UUID, asked_at: datetime) -> Any:
    """The customer as a list has it, if one has: a 404 alone is only a suspicion."""
    for read in CUSTOMER.again([wanted], {}):
        for record in gateway.every(read.listing):
            if UUID(record.id) == wanted:
                return read.fill([record], asked_at)[0]
    return None


def _own_lists() -> list[tuple[Resource, For]]:
    """What a customer is read with."""
    return [
        (noun, read)
        for noun in mirrored()
        for read in noun.reads
        if not noun.is_queued and isinstance(read, For) and read.owner == CUSTOMER.name
    ]


def _keep(gateway: Gateway, journal: runs.Journal, record: Any, asked_at: datetime) -> None:
    run, clean = journal.run, Cleaner()
    run.rows_read = 1
    run.rows_written = store(CUSTOMER, [record], asked_at, clean=clean, touch=True)
    for noun, read in _own_lists():
        run.phase = read.phase
        kept = keep_list(gateway, noun, read, record.id, journal.progress(), clean)
        run.rows_read += kept.read
        run.rows_written += kept.written
        run.marked_missing += kept.missing
        run.odd = clean.odd.as_json()
    journal.end(remark=clean.remark())


def _mark_missing(journal: runs.Journal, wanted: UUID, asked_at: datetime) -> None:
    """The customer is gone, and what hangs on it."""
    if not CUSTOMER.model.objects.filter(pk=wanted).exists():
        journal.end(error="Metronome knows no customer with this id, and neither does the mirror.")
        return
    with transaction.atomic():
        unread = unread_since(asked_at)
        gone = CUSTOMER.model.objects.filter(pk=wanted, **unread).update(missing_since=Now())
        for noun, read in _own_lists() if gone else ():
            own = noun.model.objects.filter(**{f"{read.owner}_id": wanted}, **unread)
            gone += own.update(missing_since=Now())
        journal.run.marked_missing = gone
        journal.end()
