"""`manage.py seed_demo`: people, a filled mirror and sixty days of history, against a simulator here only."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from billing.changes.models import ChangeRequest
from billing.control.anchor import AnchorMismatch, anchor
from billing.control.models import Environment
from billing.management.demo.history import DAYS, History
from billing.management.demo.people import add_people
from billing.mirror.connection import open_gateway
from billing.mirror.models import RefreshRun
from billing.mirror.refresh import refresh_account
from billing.mirror.resources.customer.models import Customer

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Command(BaseCommand):
    """Does only what is missing, so a second run changes nothing."""

    help = "Fill an empty installation with demo people, the simulator's customers and sixty days of history."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--people-only",
            action="store_true",
            help="add the demo people and nothing else; in a sandbox too",
        )

    def handle(self, *args: Any, people_only: bool = False, **options: Any) -> None:
        metronome = settings.METRONOME
        is_sandbox_for_people = people_only and metronome.environment == Environment.SANDBOX
        if metronome.environment != Environment.SIMULATOR and not is_sandbox_for_people:
            raise CommandError(
                f"METRONOME_ENVIRONMENT is {metronome.environment}; demo data is for a simulator only."
            )
        is_here = urlsplit(metronome.base_url).hostname in LOOPBACK
        if metronome.base_url and not is_here and not is_sandbox_for_people:
            raise CommandError(
                f"{metronome.base_url} is not on this machine; demo data is for a simulator here."
            )
        if not people_only and not _owns_the_record():
            raise CommandError(
                "The record stamps its own time for the application's role, so its past can be told "
                "only by the role that migrates: set DATABASE_URL to the owner's for this command."
            )
        try:
            anchor(metronome.environment, metronome.base_url)
            people = add_people(0 if is_sandbox_for_people else DAYS + 1)
            if people_only:
                self.stdout.write("The demo people are there.")
                return
            with open_gateway() as gateway:
                if not Customer.objects.exists():
                    run = refresh_account(gateway)
                    if run.status != RefreshRun.Status.SUCCEEDED:
                        raise CommandError(f"The mirror could not be filled: {run.error}")
                    self.stdout.write(f"{Customer.objects.count():,} customers are mirrored.")
                if ChangeRequest.objects.exists():
                    self.stdout.write("The history is there already; nothing was changed.")
                    return
                self.stdout.write(f"{History(people, gateway).tell()} requests tell of the last sixty days.")
        except (ImproperlyConfigured, AnchorMismatch) as problem:
            raise CommandError(str(problem)) from problem


def _owns_the_record() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class"
            " WHERE oid = 'billing_auditevent'::regclass"
        )
        return cursor.fetchone()[0]
