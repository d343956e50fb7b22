"""Names and schedules for functions that live elsewhere. Arguments are ids; every task may run twice."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from billing.changes import apply, preflight, survey, sweeping
from billing.mirror import refresh
from billing.mirror.connection import open_gateway
from billing.users import User

logger = logging.getLogger(__name__)


@shared_task
def sweep_changes() -> None:
    """Carry on whatever is due."""
    with open_gateway() as gateway:
        sweeping.sweep(gateway)


@shared_task
def apply_change(change_id: int) -> None:
    """Carry out one approved request."""
    with open_gateway() as gateway:
        apply.apply_change(change_id, gateway)


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
def refresh_mirror(asked_by: int | None = None) -> None:
    """Refresh the whole mirror, by the schedule or because a person asked."""
    with open_gateway() as gateway:
        refresh.refresh_account(gateway, requested_by=_person(asked_by))


@shared_task
def refresh_customer(customer_id: str, asked_by: int | None = None) -> None:
    """Refresh one customer."""
    with open_gateway() as gateway:
        refresh.refresh_customer(gateway, customer_id, requested_by=_person(asked_by))


def _person(user_id: int | None) -> User | None:
    return User.objects.filter(pk=user_id).first() if user_id else None


def nudge(task, *args: str | int) -> None:
    """Wake a worker after the current transaction commits. A lost nudge costs the wait for a sweep."""

    def publish() -> None:
        try:
            task.apply_async(args=args, retry=False)
        except OperationalError:
            logger.warning("the broker did not take %s%r; the sweep will", task.name, args)

    transaction.on_commit(publish, robust=True)
