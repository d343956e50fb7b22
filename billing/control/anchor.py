"""The account anchor: which Metronome this installation belongs to. Written once, then only held against.

Sandbox and production share one host and only the token tells them apart, so the environment is kept in the
database and in every sealed text, and another value stops the start.
"""

from __future__ import annotations

from functools import cache

from django.db import transaction

from billing.audit import log
from billing.audit.actors import system
from billing.audit.events import Event
from billing.control.models import Environment, Installation
from billing.lists.prepared import Records


class AnchorMismatch(RuntimeError):
    """The settings name another environment than the one this database belongs to."""


class NotAnchored(RuntimeError):
    """This database has not been tied to a Metronome environment yet."""


def anchor(environment: str, base_url: str) -> Installation:
    """Tie this database to an environment at its first start; hold it against that ever after.

    Raises AnchorMismatch with a sentence when the database belongs to another environment.
    """
    environment = Environment(environment)
    with transaction.atomic():
        row, is_new = Installation.objects.get_or_create(
            id=1, defaults={"environment": environment, "base_url": base_url}
        )
        if is_new:
            log.record(
                Event.INSTALLATION_ANCHORED,
                actor=system("set-up"),
                subject=_about(row),
                new={"environment": environment.value, "base_url": base_url},
            )
    if row.environment != environment:
        raise AnchorMismatch(
            f"METRONOME_ENVIRONMENT is {environment.value}, but this database belongs to {row.environment}. "
            f"Use the database of {environment.value}, or set METRONOME_ENVIRONMENT={row.environment}."
        )
    return row


def installation() -> Installation:
    """The anchor. Raises NotAnchored before the first start."""
    for row in _anchor().asked():
        return row
    raise NotAnchored(
        "This database is not tied to a Metronome environment yet: run manage.py refresh_mirror."
    )


@cache
def _anchor() -> Records:
    return Records(Installation.objects.filter(id=1))


def accept_token(fingerprint: str, base_url: str) -> None:
    """Note a token and an address whose account was found to be ours."""
    with transaction.atomic():
        row = Installation.objects.select_for_update().get(id=1)
        old = {"token": row.token_fingerprint, "base_url": row.base_url}
        row.token_fingerprint, row.base_url = fingerprint, base_url
        row.save(update_fields=["token_fingerprint", "base_url"])
        log.record(
            Event.INSTALLATION_ANCHORED,
            actor=system("worker"),
            subject=_about(row),
            old=old,
            new={"token": fingerprint, "base_url": base_url},
        )


def _about(row: Installation) -> log.Subject:
    return log.Subject(kind="installation", id=str(row.uuid), text=row.environment)
