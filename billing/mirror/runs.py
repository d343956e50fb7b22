"""The row that each refresh leaves: begun, kept up to date as it goes, and ended well or with a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from billing.metronome.account import Gateway
from billing.metronome.outcomes import storable
from billing.mirror.models import RefreshRun
from billing.users import User

DEAD_AFTER = timedelta(minutes=5)
"""A refresh without a heartbeat for so long is shown as dead, whatever its row says."""

ACCOUNT_LOCK = 4_701
"""The advisory lock of a refresh of the account; held by the session, so it dies with its process."""


class RunLost(RuntimeError):
    """The run's row was ended by another process, so this one no longer speaks for it."""


@contextmanager
def account_lock() -> Iterator[bool]:
    """Hold the right to refresh the whole account; yields False when another process has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ACCOUNT_LOCK])
        is_mine = cursor.fetchone()[0]
    try:
        yield is_mine
    finally:
        if is_mine:
            if not connection.is_usable():
                connection.close()  # the lock went with the session
            else:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [ACCOUNT_LOCK])


def bury_dead() -> None:
    """End what killed processes left as running. Only for the holder of the account lock.

    With the lock in hand no other refresh of the account is alive; one of a customer takes seconds.
    """
    dead = Q(scope=RefreshRun.Scope.ACCOUNT) | Q(heartbeat_at__lt=Now() - DEAD_AFTER)
    RefreshRun.objects.filter(dead, status=RefreshRun.Status.RUNNING).update(
        status=RefreshRun.Status.FAILED,
        finished_at=Now(),
        error="The process that ran it ended without a word. Nothing was marked missing.",
    )


def under_way() -> RefreshRun:
    """The refresh of the account that another process is at; unsaved while it has not written its row."""
    running = RefreshRun.objects.filter(
        scope=RefreshRun.Scope.ACCOUNT, status=RefreshRun.Status.RUNNING
    ).order_by("-started_at")
    return running.first() or RefreshRun(scope=RefreshRun.Scope.ACCOUNT)


class Journal:
    """One run's row, and what its gateway has spent since it began."""

    def __init__(
        self,
        gateway: Gateway,
        scope: str,
        *,
        customer_id: UUID | None = None,
        requested_by: User | None = None,
        asked_as: str = "",
        expected: int | None = None,
    ) -> None:
        """Begin a run; its times are the database's."""
        self._gateway = gateway
        self._spent_before = gateway.requests_spent
        self.run = RefreshRun.objects.create(
            scope=scope,
            customer_id=customer_id,
            requested_by=requested_by,
            asked_as=asked_as,
            rows_expected=expected,
        )
        self.run.refresh_from_db()

    def progress(self) -> datetime:
        """Save how far the run is; returns the database's clock, which dates the request that comes next.

        Raises RunLost when the row is no longer running.
        """
        run = self._counted()
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE billing_refreshrun
                      SET phase = %s, position = %s, requests_spent = %s, rows_read = %s, rows_written = %s,
                          suspects = %s, heartbeat_at = clock_timestamp()
                    WHERE id = %s AND status = 'running' RETURNING heartbeat_at""",
                [
                    run.phase,
                    run.position,
                    run.requests_spent,
                    run.rows_read,
                    run.rows_written,
                    run.suspects,
                    run.pk,
                ],
            )
            moved = cursor.fetchone()
        if moved is None:
            raise RunLost("Another process has ended this refresh.")
        run.heartbeat_at = moved[0]
        return run.heartbeat_at

    def end(self, *, error: str = "", remark: str = "") -> None:
        """End the run: failed when there is an error, else succeeded. One that was ended already stays so."""
        run = self._counted()
        RefreshRun.objects.filter(pk=run.pk, status=RefreshRun.Status.RUNNING).update(
            status=RefreshRun.Status.FAILED if error else RefreshRun.Status.SUCCEEDED,
            error=storable(error or remark),
            phase=run.phase if error else "",
            position=run.position if error else "",
            requests_spent=run.requests_spent,
            rows_read=run.rows_read,
            rows_written=run.rows_written,
            suspects=run.suspects,
            marked_missing=run.marked_missing,
            odd=run.odd,
            heartbeat_at=Now(),
            finished_at=Now(),
        )
        run.refresh_from_db()

    def _counted(self) -> RefreshRun:
        self.run.requests_spent = self._gateway.requests_spent - self._spent_before
        return self.run
