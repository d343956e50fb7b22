"""`manage.py add_person`: give somebody an account. There is no other way to get one."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from billing.audit import log
from billing.audit.actors import system
from billing.audit.events import Event
from billing.roles import Role
from billing.users import User


class Command(BaseCommand):
    """The password never travels on the command line, where every process on the machine could read it."""

    help = "Add a person who can sign in. Asks for the password twice, or reads it from a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="what the person signs in with")
        parser.add_argument("--name", required=True, help="what others read")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--password-file", metavar="FILE", help="the password is the first line of FILE")

    def handle(
        self, *args: Any, username: str, name: str, role: str, password_file: str | None, **options: Any
    ) -> None:
        person = User(username=User.normalize_username(username).strip(), name=name.strip(), role=role)
        if not person.name.isprintable():  # control characters and half characters are not
            raise CommandError("Nobody was added. name: This holds a character that nobody can read.")
        _check(person.full_clean, exclude=["password"])
        password = _from_file(password_file) if password_file else _from_terminal()
        _check(validate_password, password, person)
        person.set_password(password)
        with transaction.atomic():
            person.save(force_insert=True)
            log.record(
                Event.PERSON_ADDED,
                actor=system("manage.py add_person"),
                subject=log.Subject(kind="person", id=str(person.pk), text=person.name),
                new={"username": person.username, "name": person.name, "role": person.role},
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


def _from_file(path: str) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise CommandError(f"Nobody was added. The password file can’t be read: {problem}") from problem
    if not lines or not lines[0]:
        raise CommandError("Nobody was added. The password file’s first line is empty.")
    return lines[0]


def _from_terminal() -> str:
    if not sys.stdin.isatty():
        raise CommandError("Nobody was added. There is no terminal to ask at: use --password-file FILE.")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Again: "):
        raise CommandError("Nobody was added. The two passwords differ.")
    return password
