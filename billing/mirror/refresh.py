"""Bringing the mirror up to date: the whole account, or one customer. Only this writes mirror rows.

Each refresh leaves a row that says how it went. What Metronome answers badly ends the run with a sentence and
raises nothing: stale rows are no emergency, and the next run is never far.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from billing.audit import log
from billing.audit.actors import Actor
from billing.audit.events import Event
from billing.control import anew
from billing.metronome.client import Gateway
from billing.metronome.outcomes import GatewayError
from billing.metronome.records import CustomerRecord, OddRow
from billing.mirror import runs
from billing.mirror.absence import TooManyAbsent, mark_missing
from billing.mirror.connection import ensure_account
from billing.mirror.models import Customer, CustomerPlan, CustomFieldKey, Plan, RefreshRun
from billing.mirror.oddities import TooManyOdd
from billing.mirror.queries import name_of
from billing.mirror.storing import Cleaner, store_customers, store_subscriptions
from billing.mirror.sweep import PAUSES, Sweep, Watch, dated
from billing.mirror.tally import ACTIVE, ARCHIVED, recount, tally
from billing.users import User

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
                journal.run.marked_missing = mark_missing(absent, journal.run.started_at)
                recount()
                journal.end(remark=sweep.clean.remark())
        return journal.run


def refresh_customer(
    gateway: Gateway,
    customer_id: str | UUID,
    *,
    requested_by: User | None = None,
    asked_as: str = "",
    read: tuple[CustomerRecord, datetime] | None = None,
) -> RefreshRun:
    """Mirror one customer and its subscriptions; returns the run, succeeded or failed.

    read: the customer as somebody has just read it, with the database's clock before that read.
    One that Metronome doesn't know by id, nor in its two lists, is marked missing.
    """
    wanted = UUID(str(customer_id))
    journal = runs.Journal(
        gateway, RefreshRun.Scope.CUSTOMER, customer_id=wanted, requested_by=requested_by, asked_as=asked_as
    )
    with _ending_in_a_sentence(journal):
        ensure_account(gateway)
        journal.run.phase = "the customer"
        asked_at = journal.progress()
        if read is not None:
            record, asked_at = read
        else:
            record = gateway.customer_at_its_address(str(wanted)) or _listed(gateway, wanted, asked_at)
        if record is None:
            _mark_customer_missing(journal, wanted, asked_at)
        else:
            _keep_customer(gateway, journal, record, asked_at)
    return journal.run


def store_customer(record: CustomerRecord, fetched_at: datetime) -> None:
    """Mirror a customer that somebody has just read. fetched_at: the database's clock before that read."""
    store_customers([record], fetched_at, clean=Cleaner(), touch=True)


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
    gateway.customers_page(archived=False)
    with transaction.atomic():
        models = (Customer, Plan, CustomerPlan, CustomFieldKey)
        rows = (model.objects.filter(missing_since__isnull=True) for model in models)
        anew.carried_out(sum(each.update(missing_since=Now()) for each in rows))


def _where(run: RefreshRun) -> str:
    place = f" ({run.position})" if run.position else ""
    return f"It broke off at {run.phase or 'the account check'}{place}"


def _mirrored_rows() -> int | None:
    """How many rows a refresh will about read; None before the first."""
    numbers, models = tally(), (Plan, CustomerPlan, CustomFieldKey)
    others = sum(model.objects.filter(missing_since__isnull=True).count() for model in models)
    return numbers[ACTIVE] + numbers[ARCHIVED] + others or None


def _listed(gateway: Gateway, wanted: UUID, asked_at: datetime) -> CustomerRecord | None:
    """The customer by the two lists: a 404 alone is only a suspicion."""
    for archived in (False, True):
        for record in gateway.customers_by_id([str(wanted)], archived=archived):
            if UUID(record.id) == wanted:
                return dated([record], asked_at)[0] if archived else record
    return None


def _keep_customer(
    gateway: Gateway, journal: runs.Journal, record: CustomerRecord, asked_at: datetime
) -> None:
    run, clean = journal.run, Cleaner()
    run.rows_read = 1
    run.rows_written = store_customers([record], asked_at, clean=clean, touch=True)
    run.phase = "the customer’s plans"
    asked_at = journal.progress()
    odd: list[OddRow] = []
    subscriptions = gateway.customer_plans(record.id, odd)
    seen = {subscription.id for subscription in subscriptions}
    seen |= {row.id for row in clean.odd.add_rows("subscription", odd)}
    with transaction.atomic():
        run.rows_read += len(subscriptions)
        run.rows_written += store_subscriptions(subscriptions, asked_at, clean=clean)
        run.odd = clean.odd.as_json()
        unseen = CustomerPlan.objects.filter(customer_id=record.id, **_unread_since(asked_at)).exclude(
            pk__in=seen
        )
        if "subscription" not in clean.odd.nameless:
            run.marked_missing = unseen.update(missing_since=Now())
        journal.end(remark=clean.remark())


def _mark_customer_missing(journal: runs.Journal, wanted: UUID, asked_at: datetime) -> None:
    if not Customer.objects.filter(pk=wanted).exists():
        journal.end(error="Metronome knows no customer with this id, and neither does the mirror.")
        return
    with transaction.atomic():
        gone = Customer.objects.filter(pk=wanted, **_unread_since(asked_at)).update(missing_since=Now())
        plans = CustomerPlan.objects.filter(customer_id=wanted, **_unread_since(asked_at)) if gone else None
        journal.run.marked_missing = gone + (plans.update(missing_since=Now()) if plans is not None else 0)
        journal.end()


def _unread_since(moment: datetime) -> dict[str, object]:
    """The condition for rows that nobody has read since, and that are not missing already."""
    return {"missing_since__isnull": True, "fetched_at__lt": moment}
