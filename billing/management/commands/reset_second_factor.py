"""`manage.py reset_second_factor`: for somebody who lost authenticator app, passkeys and recovery codes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.audit.actors import system
from billing.people import factors
from billing.users import User


class Command(BaseCommand):
    """Only whoever runs the installation can: by a page, one person's word would do."""

    help = "Take away a person's second factors and end their sessions, on record. Be sure who asks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="what the person signs in with")
        parser.add_argument("--reason", required=True, help="how it is known that it is them; kept on record")

    def handle(self, *args: Any, username: str, reason: str, **options: Any) -> None:
        person = User.objects.filter(username__iexact=username).first()
        if person is None:
            raise CommandError(f"Nobody signs in as {username}.")
        if not reason.strip() or not reason.isprintable():
            raise CommandError("Nothing was taken away: say in --reason how it is known that it is them.")
        by = system("manage.py reset_second_factor")
        taken = factors.take_away(person, reason.strip(), by=by)
        self.stdout.write(f"{person.name}: factors taken away: {taken}. Their sessions have ended.")
