"""`manage.py begin_anew`: ask that the mirror be read anew, or agree to it, as the page under System does."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import tasks
from billing.audit.actors import person
from billing.changes.refusals import BadInput
from billing.changes.typed import checked_reason
from billing.control import anew
from billing.management.passwords import from_file, from_terminal
from billing.roles import Can
from billing.users import User

NOTHING = "Nothing was changed."


class Command(BaseCommand):
    """Two people run it, each with their own password; the second agrees to what the first asked for."""

    help = "Set everything mirrored aside and read it anew: one person asks, another agrees."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="who says so; asks for the password")
        parser.add_argument("--reason", required=True, help="kept in the audit record")
        parser.add_argument("--password-file", metavar="FILE", help="the password is the first line of FILE")

    def handle(
        self, *args: Any, username: str, reason: str, password_file: str | None, **options: Any
    ) -> None:
        password = from_file(password_file, NOTHING) if password_file else from_terminal(NOTHING)
        who = User.objects.filter(username=username, is_active=True).first()
        if who is None or not who.check_password(password):
            raise CommandError(f"{NOTHING} This name and password belong to nobody.")
        if not who.may(Can.FREEZE) and not who.may(Can.DECIDE):
            raise CommandError(f"{NOTHING} Your role may not say so.")
        actor = person(who, user_agent="manage.py begin_anew")
        try:
            wants_to_agree = anew.waiting() is not None
            (anew.agree if wants_to_agree else anew.ask)(actor, checked_reason(reason))
        except (BadInput, anew.Refused) as refusal:
            raise CommandError(f"{NOTHING} {refusal.message}") from refusal
        if not wants_to_agree:
            self.stdout.write("It is asked for. Another person has to agree within a day.")
            return
        tasks.nudge(tasks.refresh_mirror, who.pk)
        self.stdout.write("Both agree. The next refresh reads everything anew.")
