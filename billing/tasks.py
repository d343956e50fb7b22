"""Names and schedules for functions that live elsewhere. Arguments are ids; every task may run twice."""

from __future__ import annotations

import logging

from celery import Task, shared_task
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from billing.changes import telling
from billing.changes.alone import alone
from billing.changes.applying import comparing, preflight, reflecting, sweeping
from billing.changes.asking import survey
from billing.mirror import fanout, refresh
from billing.mirror.connection import open_gateway
from billing.notify import mailing
from billing.people import reset
from billing.users import User

logger = logging.getLogger(__name__)


DRAINS, DRAIN_EXPIRES = 8, 15.0
"""Threads of a process that a sweep wakes at most. A call that nobody hears before the next sweep is worth
nothing."""
CHECK_EXPIRES = 60.0
"""Seconds after which nobody waits for a check or a survey any more: the page asks again."""

LISTS_EXPIRE = 60.0
"""Seconds after which a call for another turn of reading is worth nothing: the next one is due."""


@shared_task
def sweep_changes() -> None:
    """Tidy up, and wake as many threads as there is work for. Applies nothing itself."""
    sweeping.tidy()
    for _each in range(sweeping.number_due(DRAINS * settings.WORKER_CHANGES_PROCESSES)):
        apply_approved.apply_async(expires=DRAIN_EXPIRES)


@shared_task
def tell_people() -> None:
    """Mail links to a new password, remind people, and mail what they were told; one worker at a time."""
    with alone("telling people") as is_ours:
        if is_ours:
            reset.mail_links()
            telling.remind()
            mailing.gather()
            mailing.deliver()


@shared_task
def apply_approved() -> None:
    """Carry out approved requests, one after another, for a turn; and call for another when some are left."""
    with open_gateway() as gateway:
        goes_on = sweeping.apply_for_a_turn(gateway)
    if goes_on:
        nudge(apply_approved, expires=DRAIN_EXPIRES)


@shared_task
def look_into_doubts() -> None:
    """Look up what became of calls without an answer, and read and compare what a dead worker could not."""
    with open_gateway() as gateway:
        goes_on = sweeping.look_for_a_turn(gateway)
        reflecting.reflect_forgotten(gateway)
        comparing.compare_forgotten(gateway)
    if goes_on:
        nudge(look_into_doubts, expires=DRAIN_EXPIRES)


@shared_task
def check_change(change_id: int) -> None:
    """Check one open request with Metronome."""
    with open_gateway() as gateway:
        preflight.check_change(change_id, gateway)


@shared_task
def answer_survey(survey_uuid: str) -> None:
    """Read what archiving a customer would end and void."""
    with open_gateway() as gateway:
        survey.answer(survey_uuid, gateway)


@shared_task
def show_life() -> None:
    """Do nothing, so that a worker whose threads are free shows it (see alive)."""


@shared_task
def refresh_mirror(asked_by: int | None = None) -> None:
    """Refresh the whole mirror, by the schedule or because a person asked."""
    with open_gateway() as gateway:
        refresh.refresh_account(gateway, requested_by=_person(asked_by))
    nudge(refresh_lists, expires=LISTS_EXPIRE)


@shared_task
def refresh_customer(customer_id: str, asked_by: int | None = None) -> None:
    """Refresh one customer."""
    with open_gateway() as gateway:
        refresh.refresh_customer(gateway, customer_id, requested_by=_person(asked_by))
        if fanout.is_mirrored(customer_id):
            fanout.read_lists_of(gateway, customer_id)


@shared_task
def refresh_lists() -> None:
    """Read lists that only a customer has, for a turn; and call for another when some are left.

    One turn at a time, since each calls for the next: else every call of the schedule would begin a round
    of turns of its own, until no thread was left for anything else.
    """
    with alone("lists of customers") as is_ours:
        if not is_ours:
            return
        with open_gateway() as gateway:
            goes_on = fanout.read_for_a_turn(gateway)
    if goes_on:
        nudge(refresh_lists, expires=LISTS_EXPIRE)


def _person(user_id: int | None) -> User | None:
    return User.objects.filter(pk=user_id).first() if user_id else None


def nudge(task: Task, *args: str | int, expires: float | None = None) -> None:
    """Wake a worker after the current transaction commits. A lost nudge costs the wait for a sweep.

    expires: seconds after which nobody needs it any more.
    """

    def publish() -> None:
        try:
            task.apply_async(args=args, retry=False, expires=expires)
        except OperationalError:
            logger.warning("the broker did not take %s%r; the sweep will", task.name, args)

    transaction.on_commit(publish, robust=True)
