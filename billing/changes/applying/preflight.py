"""The live check of an open request: moved means stale, before anybody spends time on it."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from billing import clock
from billing.audit.actors import system
from billing.audit.events import Event
from billing.changes import sealed
from billing.changes.alone import alone
from billing.changes.applying.just_read import JustRead
from billing.changes.applying.memory import refuse_an_older_database
from billing.changes.applying.reflecting import reflect
from billing.changes.applying.watching import differences
from billing.changes.calls import may_have_arrived
from billing.changes.glance import Glance
from billing.changes.models import ChangeRequest
from billing.changes.moves import database_now, locked, move
from billing.changes.statuses import Status
from billing.metronome.account import Gateway
from billing.metronome.outcomes import GatewayError
from billing.mirror.connection import ensure_account

FRESH_FOR = timedelta(seconds=60)
AT_ONCE = timedelta(seconds=5)
"""How long a person who presses *Check now* waits at most for the next check, whoever pressed it before."""
CHECKED = (Status.SUBMITTED, Status.APPROVED)


MOST_OF_A_CHECK = 20
"""Requests that the guards of a check may cost: anybody who opens a request's page asks for one."""


def ask(change: ChangeRequest, quiet_for: timedelta = FRESH_FOR) -> bool:
    """Note that somebody wants to know; True when the worker should be nudged, once in `quiet_for` at most.

    An open page asks with every poll, so what the row says already costs no query.
    """
    if not is_due(change, quiet_for):
        return False
    now = database_now()
    quiet = Q(check_asked_at__isnull=True) | Q(check_asked_at__lt=now - quiet_for)
    rows = ChangeRequest.objects.filter(quiet, pk=change.pk, status__in=CHECKED)
    if not rows.update(check_asked_at=now):
        return False
    change.check_asked_at = now
    return True


def is_due(change: ChangeRequest | Glance, quiet_for: timedelta = FRESH_FOR) -> bool:
    """Whether a check may be asked for: it is still compared, and nobody asked within `quiet_for`."""
    if change.status not in CHECKED:
        return False
    return change.check_asked_at is None or clock.now() - change.check_asked_at >= quiet_for


def check_change(change_id: int, gateway: Gateway) -> None:
    """Compare a request's watched fields with Metronome. An unreadable Metronome changes no status.

    One check of a request goes on at a time, and none for somebody whom an earlier one has answered by now.
    """
    with alone(f"check of request {change_id}") as is_ours:
        change = ChangeRequest.objects.filter(pk=change_id, status__in=CHECKED).first() if is_ours else None
        if change is None or has_begun(change) or is_answered(change):
            return
        _check(change, gateway)


def has_begun(change: ChangeRequest) -> bool:
    """Whether a call of it may have taken effect: from then on only the worker may say what moved."""
    return any(may_have_arrived(call) for call in change.calls.prefetch_related("attempts"))


def is_answered(change: ChangeRequest) -> bool:
    """Whether a check has come back since somebody last asked for one."""
    return bool(change.checked_at and change.check_asked_at and change.check_asked_at <= change.checked_at)


def _check(change: ChangeRequest, gateway: Gateway) -> None:
    change_id = change.pk
    request = sealed.read(change.sealed)
    now, error, moved = database_now(), "", []
    just_read = JustRead()
    try:
        refuse_an_older_database(gateway.config.installation)
        ensure_account(gateway)
        with gateway.noting(just_read.note):
            moved = differences(gateway, request, request.call(1), {}, most_guard_requests=MOST_OF_A_CHECK)
    except GatewayError as failure:
        error = failure.message
    with transaction.atomic():
        change = locked(change_id)
        if Status(change.status) not in CHECKED or has_begun(change):
            return
        if error:
            change.check_error = error
            change.save(update_fields=["check_error"])
            return
        change.check_error = ""
        change.checked_at = now
        change.save(update_fields=["check_error", "checked_at"])
        if moved:
            move(
                change,
                Status.STALE,
                actor=system("changes worker"),
                event=Event.CHANGE_STALED,
                explanation=" ".join(difference.sentence for difference in moved),
            )
    if moved:
        reflect(change_id, gateway, just_read)
