"""The people of the demo. Their password is printed by `make demo`; nothing real is behind it."""

from __future__ import annotations

from django.db import transaction

from billing.audit import log
from billing.audit.actors import system
from billing.audit.events import Event
from billing.roles import Role
from billing.users import User

PASSWORD = "countersign-demo"  # noqa: S105 printed on purpose
PEOPLE = {
    "finance": ("Priya Raman", Role.FINANCE),
    "finance2": ("Lena Okafor", Role.FINANCE),
    "manager": ("Ingrid Solberg", Role.MANAGER),
    "manager2": ("Tomás Ferreira", Role.MANAGER),
    "auditor": ("Amara Diallo", Role.AUDITOR),
    "admin": ("Noor Haddad", Role.ADMINISTRATOR),
}


@transaction.atomic
def add_people() -> dict[str, User]:
    """Add those who are missing; whoever is there stays as they are."""
    people = {}
    for username, (name, role) in PEOPLE.items():
        person = User.objects.filter(username=username).first()
        if person is None:
            person = User.objects.create_user(username=username, password=PASSWORD, name=name, role=role)
            log.record(
                Event.PERSON_ADDED,
                actor=system("seed_demo"),
                subject=log.Subject(kind="person", id=str(person.pk), text=name),
                new={"username": username, "role": role.value},
            )
        people[username] = person
    return people
