"""`manage.py add_person`: give somebody an account. There is no other way to get one."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from billing.audit import log
from billing.audit.actors import system
from billing.audit.events import Event
from billing.management.passwords import from_file, from_terminal
from billing.roles import Role
from billing.users import User


class Command(BaseCommand):
    """The password never travels on the command line, where every process on the machine could read it."""

    help = "Add a person who can sign in. Asks for the password twice, or reads it from a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="what the person signs in with")
        parser.add_argument("--name", required=True, help="what others read")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--email", default="", help="where notices are mailed to; none without it")
        parser.add_argument("--password-file", metavar="FILE", help="the password is the first line of FILE")

    def handle(
        self,
        *args: Any,
        username: str,
        name: str,
        role: str,
        email: str,
        password_file: str | None,
        **options: Any,
    ) -> None:
        username = User.normalize_username(username).strip()
        person = User(username=username, name=name.strip(), role=role, email=email.strip())
        if not person.name.isprintable():  # control characters and half characters are not
            raise CommandError("Nobody was added. name: This holds a character that nobody can read.")
        _check(person.full_clean, exclude=["password", "left_at"])
        nothing = "Nobody was added."
        password = from_file(password_file, nothing) if password_file else from_terminal(nothing, twice=True)
        _check(validate_password, password, person)
        person.set_password(password)
        with transaction.atomic():
            person.save(force_insert=True)
            log.record(
                Event.PERSON_ADDED,
                actor=system("manage.py add_person"),
                subject=log.Subject(kind="person", id=str(person.pk), text=person.name),
                new={
                    "username": person.username,
                    "name": person.name,
                    "role": person.role,
                    **({"email": person.email} if person.email else {}),
                },
            )
        self.stdout.write(f"{person.name} can sign in as {person.username} ({person.get_role_display()}).")


def _check(validate: Any, *args: Any, **more: Any) -> None:
    try:
        validate(*args, **more)
    except ValidationError as problem:
        if hasattr(problem, "message_dict"):
            words = [f"{name}: {' '.join(said)}" for name, said in problem.message_dict.items()]
        else:
            words = problem.messages
        raise CommandError("Nobody was added. " + " ".join(words)) from problem
