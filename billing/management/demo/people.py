"""The people of the demo. Their password is printed by `make demo`; nothing real is behind it."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from billing.audit.actors import system
from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes.moves import database_now
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
    "admin2": ("Joren Maes", Role.ADMINISTRATOR),
}


@transaction.atomic
def add_people(days_ago: int = 0) -> dict[str, User]:
    """Add those who are missing, on record as so many days ago; whoever is there stays as they are."""
    people = {}
    for username, (name, role) in PEOPLE.items():
        person = User.objects.filter(username=username).first()
        if person is None:
            person = User.objects.create_user(username=username, password=PASSWORD, name=name, role=role)
            AuditEvent.objects.create(
                occurred_at=database_now() - timedelta(days=days_ago),
                event_type=Event.PERSON_ADDED,
                actor_text=system("seed_demo").text,
                subject_type="person",
                subject_id=str(person.pk),
                subject_text=name,
                new={"username": username, "role": role.value},
            )
        people[username] = person
    return people
