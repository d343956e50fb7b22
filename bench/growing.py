"""The data of a large account, grown in the database in some minutes.

A million customers come with 1.5 million aliases, a million contracts, a million audit events and 100,000
requests. Requests are copies of one real one, so that their sealed text reads as it should; the triggers of
the tables are off while rows are grown, since no history of two years passes them in one transaction.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from django.db import connection, transaction

from billing.audit.actors import person
from billing.changes.asking import submitting
from billing.changes.asking.basis import Basis
from billing.changes.asking.kinds import KINDS
from billing.changes.models import ChangeRequest, PolicyVersion
from billing.control.anchor import anchor
from billing.mirror.resources.customer import queries as mirror
from billing.users import User

PEOPLE = {"finance": 20, "manager": 10, "auditor": 2, "administrator": 3}
PLANS, RUNS, SHARE_WITH_REQUESTS, EVENTS_A_REQUEST = 50, 50_000, 10, 10
FIRST_CUSTOMER = UUID("00000001-0000-4000-8000-000000000001")


def grow(size: int) -> dict[str, User]:
    """Fill an empty, migrated database; one person of each role, by role, to sign in as."""
    install_policy()
    anchor("simulator", "http://127.0.0.1:1")
    people = _people()
    ids = {role: f"ARRAY{[user.pk for user in users]}" for role, users in people.items()}
    numbers = {
        "size": size,
        "plans": PLANS,
        "runs": min(RUNS, size),
        "first": FIRST_CUSTOMER,
        "share": SHARE_WITH_REQUESTS,
        "requests": size // SHARE_WITH_REQUESTS,
        "each": EVENTS_A_REQUEST,
        "managers": PEOPLE["manager"],
    }
    _run("mirror", numbers)
    _run("contracts", numbers)
    template = _one_request(people["finance"][0])
    with transaction.atomic(), _without_our_triggers():
        _run("requests", {**numbers, "template": template.pk, **ids})
        _run("events", {**numbers, **ids})
        connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return {role: users[0] for role, users in people.items()}


def install_policy() -> None:
    """The policy that an installation starts with, where migrations did not leave it."""
    if not PolicyVersion.objects.exists():
        rules = importlib.import_module("billing.migrations.0004_default_policy").RULES
        PolicyVersion.objects.create(version=1, rules=rules)


def grown_people() -> dict[str, User]:
    """The people to sign in as, of a database that was grown before."""
    return {role: User.objects.get(username=f"{role}-1") for role in PEOPLE}


def _people() -> dict[str, list[User]]:
    return {
        role: [
            User.objects.create_user(username=f"{role}-{n}", password=None, name=f"{role} {n}", role=role)
            for n in range(1, number + 1)
        ]
        for role, number in PEOPLE.items()
    }


def _one_request(maker: User) -> ChangeRequest:
    snapshot = mirror.snapshot(FIRST_CUSTOMER)
    proposal = KINDS["customer.rename"].build(
        {"name": "Halcyon Logistics GmbH"}, Basis.of("customer", snapshot)
    )
    return submitting.submit(proposal, actor=person(maker), reason="As agreed with the customer.")


def _run(script: str, numbers: dict[str, object]) -> None:
    """A script beside this module, with its numbers written in."""
    text = (Path(__file__).parent / f"{script}.sql").read_text(encoding="utf-8")
    for name, value in numbers.items():
        text = text.replace(f"%({name})s", f"'{value}'" if isinstance(value, UUID) else str(value))
    with connection.cursor() as cursor:
        cursor.execute(text)


@contextlib.contextmanager
def _without_our_triggers() -> Iterator[None]:
    """Our own triggers off, and then on again as they were; the foreign keys stay."""
    turns = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger "
            "WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgrelid::regclass::text LIKE 'billing_%'"
        )
        ours = cursor.fetchall()
        for table, name, _turn in ours:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        yield
        for table, name, turn in ours:
            cursor.execute(f"ALTER TABLE {table} {turns[turn]} TRIGGER {name}")
