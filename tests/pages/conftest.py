"""People, rows and browsers for the tests of pages. No Metronome: pages never ask it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.test import Client

from billing.audit.actors import person
from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.changes.asking import submitting
from billing.changes.asking.kinds import KINDS
from billing.changes.models import ChangeRequest, PolicyVersion
from billing.control.anchor import anchor
from billing.mirror.models import RefreshRun
from billing.mirror.resources.customer import queries as mirror
from billing.mirror.resources.customer.models import Customer, IngestAlias
from billing.mirror.resources.plan import Plan
from billing.mirror.resources.subscription import CustomerPlan
from billing.roles import Role
from billing.users import User
from tests.world import about

DEFAULT_RULES = importlib.import_module("billing.migrations.0004_default_policy").RULES
PASSWORD = "countersign-demo"
NAMES = {
    Role.FINANCE: "Priya Raman",
    Role.MANAGER: "Ingrid Solberg",
    Role.AUDITOR: "Amara Diallo",
    Role.ADMINISTRATOR: "Nadia Petrov",
}


@pytest.fixture
def people(db: None) -> dict[str, User]:
    """One person of each role, by role."""
    return add_people()


@pytest.fixture
def browser(people: dict[str, User]) -> Callable[[str], Client]:
    """Opens a browser in which the person of a role is signed in."""
    return lambda role: signed_in(people[role])


@pytest.fixture
def finance(browser: Callable[[str], Client]) -> Client:
    return browser("finance")


@pytest.fixture
def manager(browser: Callable[[str], Client]) -> Client:
    return browser("manager")


@pytest.fixture
def admin(browser: Callable[[str], Client]) -> Client:
    return browser("administrator")


@pytest.fixture
def plan(db: None) -> Plan:
    return Plan.objects.create(id=UUID(int=1), name="Scale 2026", fetched_at=now())


@pytest.fixture
def refreshed(db: None) -> RefreshRun:
    """The whole account, read four minutes ago."""
    began = now() - timedelta(minutes=4)
    return RefreshRun.objects.create(
        scope="account",
        status="succeeded",
        started_at=began,
        heartbeat_at=began,
        finished_at=began,
        rows_read=7,
    )


@pytest.fixture
def halcyon(plan: Plan, refreshed: RefreshRun) -> Customer:
    """An active customer with two aliases, on the plan."""
    return add_customer("Halcyon Freight GmbH", aliases=["halcyon-eu", "hf.telematics "], plan=plan)


@pytest.fixture
def ready(transactional_db: None) -> None:
    """An installation tied to its account, with its policy. The database seals a request only in its own
    transaction, so a test with requests can't live in one that is rolled back."""
    open_house()


@pytest.fixture
def renaming(ready: None, people: dict[str, User], halcyon: Customer) -> ChangeRequest:
    """Finance's request to rename the customer, waiting for a manager."""
    return propose_rename(halcyon, people["finance"], "Halcyon Logistics GmbH")


def add_people() -> dict[str, User]:
    """One person of each role, by role."""
    return {
        role.value: User.objects.create_user(username=role.value, password=PASSWORD, name=name, role=role)
        for role, name in NAMES.items()
    }


def signed_in(user: User | None) -> Client:
    """A browser in which this person is signed in, or nobody."""
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def open_house() -> None:
    """Tie the installation to its account and see that it has its policy."""
    if not PolicyVersion.objects.exists():
        PolicyVersion.objects.create(version=1, rules=DEFAULT_RULES)
    anchor("simulator", "http://127.0.0.1:9")


def recorded() -> list[AuditEvent]:
    """What is on record but for people signing in, in order."""
    return list(AuditEvent.objects.exclude(event_type=Event.PERSON_SIGNED_IN).order_by("pk"))


def squeezed(page: str) -> str:
    """A page with each run of blanks and line breaks as one blank, as a browser reads it."""
    return re.sub(r"\s+", " ", page)


def now() -> datetime:
    return datetime.now(UTC)


def add_customer(
    name: str, *, aliases: list[str] | None = None, plan: Plan | None = None, **facts
) -> Customer:
    """A mirrored customer, active unless `archived_at` says otherwise."""
    number = Customer.objects.count() + 1
    customer = Customer.objects.create(
        id=UUID(int=0xC0_0000 + number),
        name=name,
        external_id=f"account-{number}",
        **{"created_at": now(), "updated_at": now(), "fetched_at": now() - timedelta(minutes=4), **facts},
    )
    for alias in aliases if aliases is not None else [f"alias-{number}"]:
        IngestAlias.objects.create(customer=customer, alias=alias, fetched_at=customer.fetched_at)
    if plan is not None:
        CustomerPlan.objects.create(
            id=UUID(int=0xAB_0000 + number),
            customer=customer,
            plan=plan,
            starting_on=now() - timedelta(days=30),
            fetched_at=customer.fetched_at,
        )
    return customer


def propose_rename(customer: Customer, maker: User, name: str) -> ChangeRequest:
    """A request to rename a customer, as its form would send it."""
    snapshot = mirror.snapshot(customer.pk)
    proposal = KINDS["customer.rename"].build({"name": name}, about(snapshot))
    return submitting.submit(proposal, actor=person(maker), reason="As agreed with the customer.")
