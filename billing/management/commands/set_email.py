"""`manage.py set_email`: where a person's notices are mailed to. Never what they sign in with."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from billing.audit import log
from billing.audit.actors import system
from billing.audit.events import Event
from billing.users import User

NOTHING = "Nothing was changed."


class Command(BaseCommand):
    """An address that changes goes on record, with the one before."""

    help = "Give a person another mail address for notices, or none at all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="what the person signs in with")
        parser.add_argument("address", help="where notices are mailed to; '' for no mail")

    def handle(self, *args: Any, username: str, address: str, **options: Any) -> None:
        address = address.strip()
        with transaction.atomic():
            person = User.objects.select_for_update(no_key=True).filter(username=username).first()
            if person is None:
                raise CommandError(f"{NOTHING} Nobody signs in as {username}.")
            before, person.email = person.email, address
            try:
                person.clean_fields(exclude=["password", "left_at"])
            except ValidationError as problem:
                raise CommandError(f"{NOTHING} {' '.join(problem.messages)}") from problem
            if before == address:
                raise CommandError(f"{NOTHING} It was so already.")
            person.save(update_fields=["email"])
            log.record(
                Event.PERSON_EMAIL_CHANGED,
                actor=system("manage.py set_email"),
                subject=log.Subject(kind="person", id=str(person.pk), text=person.name),
                old={"email": before},
                new={"email": address},
            )
        told = f"mailed to {address}" if address else "not mailed any more"
        self.stdout.write(f"{person.name}'s notices are {told}.")
