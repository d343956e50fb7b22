"""`manage.py refresh_mirror`: read Metronome now, and show how far it is."""

from __future__ import annotations

import argparse
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.audit.actors import system
from billing.control.anchor import AnchorMismatch
from billing.management.who import machine_user
from billing.mirror import refresh
from billing.mirror.connection import open_gateway
from billing.mirror.models import RefreshRun

BAR = 30
PAGES_A_LINE = 10


class Command(BaseCommand):
    """Ends with 1 and a sentence when the refresh broke off; what was read before stays."""

    help = "Bring the mirror up to date with Metronome: the whole account, or one customer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--customer", type=_uuid, metavar="ID", help="only this customer")

    def handle(self, *args: Any, customer: UUID | None, **options: Any) -> None:
        self._calls = 0
        by_command = f"by command ({machine_user()})"
        try:
            with open_gateway() as gateway:
                refresh.ask_refresh(system(by_command), customer)
                if customer:
                    run = refresh.refresh_customer(gateway, customer, asked_as=by_command)
                else:
                    run = refresh.refresh_account(gateway, asked_as=by_command, watch=self._show)
        except (ImproperlyConfigured, AnchorMismatch) as problem:
            raise CommandError(str(problem)) from problem
        if self._calls and self.stdout.isatty():
            self.stdout.write("")
        if run.status == RefreshRun.Status.RUNNING:
            raise CommandError("Another process is refreshing the mirror right now; nothing was done here.")
        if run.status == RefreshRun.Status.FAILED:
            raise CommandError(run.error)
        self.stdout.write(
            f"The mirror is up to date: {run.rows_read:,} rows read, {run.rows_written:,} written, "
            f"{run.marked_missing:,} marked missing, with {run.requests_spent:,} requests."
        )
        if run.error:
            self.stdout.write(run.error)

    def _show(self, run: RefreshRun) -> None:
        """A bar that redraws itself at a terminal; elsewhere a line now and then."""
        self._calls += 1
        if self.stdout.isatty():
            self.stdout.write(f"\r\x1b[K{_line(run)}", ending="")
            self.stdout.flush()
        elif self._calls % PAGES_A_LINE == 1:
            self.stdout.write(_line(run))


def _line(run: RefreshRun) -> str:
    facts = (
        f"{run.phase}: {run.rows_read:,} read, {run.rows_written:,} written, {run.requests_spent:,} requests"
    )
    if not run.rows_expected:
        return facts
    done = min(BAR, run.rows_read * BAR // run.rows_expected)
    return f"[{'#' * done}{'.' * (BAR - done)}] {facts}"


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"{text!r} is not a customer’s id") from problem
