"""Taking a request, one worker at a time: compare-and-swap, a token, and a lease on the database's clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import IntegrityError, transaction
from django.db.models import (
    BigIntegerField,
    Exists,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
)

from billing.audit import log
from billing.audit.actors import system
from billing.audit.events import Event
from billing.changes.applying.lapsed import lapsed_approvals
from billing.changes.calls import earlier_silence, locked_call, results_of
from billing.changes.holds import busy_elsewhere, occupy
from billing.changes.models import Attempt, Call, CallStatus, ChangeRequest
from billing.changes.moves import DatabaseNow, about, claimed, database_now, locked
from billing.changes.sealed import SealedRequest
from billing.changes.statuses import Status
from billing.control.freezing import is_frozen
from billing.lists.conditions import IsAnyOf
from billing.lists.prepared import NO_MOMENT, Question, Records, no_key
from billing.metronome.calls import CallKey, Sending

WORKER = system("changes worker")
RENEW_EVERY_SECONDS = 5.0
LONG_BYTES, MOST_LONG = 20_000, 2
"""Requests whose sealed text is longer add a hundred aliases or more; so many of them go on at a time."""
LENGTH = Func("sealed", function="octet_length", output_field=IntegerField())


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry on one request until the lease ends. Only the holder of `token` has it."""

    change_id: int
    token: UUID


class ClaimRefused(Exception):
    """The database lets nobody take this approved request; its cause is what the database said."""

    def __init__(self, change_id: int) -> None:
        super().__init__(f"the claim on request {change_id} was refused by the database")
        self.change_id = change_id


def claim_change(change_id: int) -> Claim | None:
    """Take an approved request whose time has come: approved → applying. None when it is not to be had.

    Not while frozen or cooling off, and not while another request is busy with what it writes to.
    Raises ClaimRefused; nothing is written then.
    """
    with transaction.atomic():
        if is_frozen():
            return None
        now = database_now()
        change = _lockable(due(now).filter(pk=change_id)).first()
        return _taken(change, now) if change is not None else None


def claim_next(passed: Collection[int]) -> Claim | None:
    """Take the oldest due request that nobody is busy with and that is not among `passed`; None for none.

    At most MOST_LONG of those with much to ask for are under way at once: the others' threads stay free.
    """
    passed = set(passed)
    while True:
        with transaction.atomic():
            if is_frozen():
                return None
            now = database_now()
            is_crowded = len(_long_under_way().rows()) >= MOST_LONG
            found = _oldest(short_only=is_crowded).asked(now=now, passed=sorted(passed))
            if not found:
                return None
            if claim := _taken(found[0], now):
                return claim
            passed.add(found[0].pk)


@cache
def _long_under_way() -> Question:
    applying = ChangeRequest.objects.filter(status=Status.APPLYING).alias(length=LENGTH)
    return Question(applying.filter(length__gt=LONG_BYTES).values_list("pk").order_by()[:MOST_LONG])


@cache
def _oldest(*, short_only: bool) -> Records:
    """Planned anew each time: how many wait, and how many of them are due, changes by the minute."""
    passed = [no_key("passed")]
    is_passed = IsAnyOf("pk", Value(passed, ArrayField(BigIntegerField())))
    rows = due(NO_MOMENT).alias(length=LENGTH).exclude(is_passed)
    if short_only:
        rows = rows.filter(length__lte=LONG_BYTES)
    oldest = _lockable(rows).order_by("submitted_at", "pk")[:1]
    return Records(oldest, planned_anew=True, now=NO_MOMENT, passed=passed)


def due(now: datetime) -> QuerySet[ChangeRequest]:
    """Approved requests whose time has come, while nobody is busy with what they write to."""
    was_sent = Call.objects.filter(change_id=OuterRef("pk"), first_sent_at__isnull=False)
    return ChangeRequest.objects.filter(
        Q(not_before__isnull=True) | Q(not_before__lte=now),
        Q(next_try_at__isnull=True) | Q(next_try_at__lte=now),
        Q(expires_at__gt=now) | Exists(was_sent),
        ~Exists(busy_elsewhere()),
        status=Status.APPROVED,
    )


def _lockable(rows: QuerySet[ChangeRequest]) -> QuerySet[ChangeRequest]:
    return rows.select_for_update(of=("self",), no_key=True, skip_locked=True)


def _taken(change: ChangeRequest, now: datetime) -> Claim | None:
    token, until = uuid4(), now + timedelta(seconds=settings.LEASE_SECONDS)
    try:
        if not occupy(change):
            return None
        claimed(change, token=token, until=until)
    except IntegrityError as refusal:
        raise ClaimRefused(change.pk) from refusal
    return Claim(change.pk, token)


def claim_doubt(change_id: int) -> Claim | None:
    """Take a request with a call in doubt for one look: its status stays, its token keeps others away."""
    return _take_doubt(lambda rows: rows.filter(pk=change_id))


def claim_next_doubt(passed: Collection[int]) -> Claim | None:
    """The same for the oldest that is due and not among `passed`; None when there is none."""
    return _take_doubt(lambda rows: rows.exclude(pk__in=passed).order_by("submitted_at", "pk"))


def _take_doubt(narrow: Callable[[QuerySet[ChangeRequest]], QuerySet[ChangeRequest]]) -> Claim | None:
    with transaction.atomic():
        now = database_now()
        in_doubt = Call.objects.filter(change=OuterRef("pk"), status=CallStatus.UNKNOWN)
        rows = ChangeRequest.objects.filter(
            Q(next_try_at__isnull=True) | Q(next_try_at__lte=now),
            Q(lease_until__isnull=True) | Q(lease_until__lt=now),
            Exists(in_doubt),
            status__in=(Status.UNKNOWN, Status.BLOCKED),
        )
        change = _lockable(narrow(rows)).first()
        if change is None:
            return None
        change.claim_token = uuid4()
        change.lease_until = now + timedelta(seconds=settings.LEASE_SECONDS)
        change.save(update_fields=["claim_token", "lease_until"])
        return Claim(change.pk, change.claim_token)


class ClaimLost(Exception):
    """The lease ran out, or somebody else has the request: whoever meets this stops and sends nothing."""


def renew(claim: Claim) -> None:
    """Hold the request for another whole lease. Raises ClaimLost unless it is still ours and unexpired."""
    held = ChangeRequest.objects.filter(
        pk=claim.change_id,
        claim_token=claim.token,
        status__in=(Status.APPLYING, Status.UNKNOWN, Status.BLOCKED),
        lease_until__gt=DatabaseNow(),
    ).update(lease_until=DatabaseNow() + timedelta(seconds=settings.LEASE_SECONDS))
    if not held:
        raise ClaimLost


def keeper(claim: Claim, *, even_if_lost: bool = False) -> Callable[[], None]:
    """A function that renews the claim when some of the lease has gone by: as long as there is progress.

    It raises ClaimLost, or goes on even_if_lost: what was sent is read back and filed as evidence anyhow.
    """
    pause = min(RENEW_EVERY_SECONDS, settings.LEASE_SECONDS / 8)
    renewed = time.monotonic()

    def keep() -> None:
        nonlocal renewed
        if time.monotonic() - renewed >= pause:
            with suppress(*([ClaimLost] if even_if_lost else [])):
                renew(claim)
            renewed = time.monotonic()

    return keep


def journal(claim: Claim, request: SealedRequest, waiting: Call) -> tuple[Attempt, Sending] | None:
    """Write down that a byte is about to leave, and renew the lease: the right to send. None: send nothing.

    The lease must still be ours, nothing may be frozen, and the approvals must count; otherwise no row is
    written. A whole lease outlives the deadline with a margin: settings are refused where it would not. The
    whole is one transaction, committed before the first byte. Raises ClaimLost.
    """
    with transaction.atomic():
        change = locked(claim.change_id)
        now = database_now()
        if change.claim_token != claim.token or change.lease_until <= now:
            raise ClaimLost
        if change.status != Status.APPLYING or is_frozen(locked=True):
            return None
        if lapsed_approvals(change):  # since they were looked at, while a turn at Metronome was waited for
            return None
        call = locked_call(waiting.pk)
        if call.status != CallStatus.WAITING:
            return None
        was_sent = call.first_sent_at is not None
        number = call.attempts.count() + 1 if was_sent else 1
        change.lease_until = now + timedelta(seconds=settings.LEASE_SECONDS)
        change.save(update_fields=["lease_until"])
        call.status = CallStatus.SENT
        call.first_sent_at = call.first_sent_at or now
        call.save(update_fields=["status", "first_sent_at"])
        sealed_call = request.call(call.position)
        http = sealed_call.resolved(results_of(change) if call.position > 1 else {})
        attempt = Attempt.objects.create(
            call=call,
            number=number,
            generation=call.generation,
            reference=f"{change.reference}/{call.position}.{number}",
            claim_token=claim.token,
            sent_at=now,
            request=None if http == sealed_call.http else asdict(http),
        )
        log.record(
            Event.CALL_SENT,
            actor=WORKER,
            subject=about(change),
            new={
                "call": call.position,
                "operation": call.operation,
                "attempt": attempt.reference,
                "key": f"{call.key}-{call.generation}",
            },
        )
        sending = Sending(
            http,
            CallKey(uuid=call.key, generation=call.generation),
            attempt.reference,
            is_resend=was_sent and earlier_silence(call, before=attempt),
            ids_are_fresh=http != sealed_call.http,
        )
    return attempt, sending
