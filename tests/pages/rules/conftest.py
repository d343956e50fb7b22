"""A committed world in which every rule of the database can be met, and the ways to meet one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from billing.audit.actors import person
from billing.changes.agreeing import deciding
from billing.changes.holds import occupy, release
from billing.changes.models import (
    Attempt,
    CallStatus,
    ChangeRequest,
    Lookup,
    Resolution,
    Survey,
    Upshot,
    Verdict,
)
from billing.changes.moves import database_now
from billing.control.models import NewBeginning
from billing.mirror.models import Reading
from billing.mirror.resources.billing_configuration import BillingConfiguration
from billing.mirror.resources.contract.resource import Contract
from billing.mirror.resources.custom_field_key import CustomFieldKey
from billing.mirror.resources.customer.models import Customer
from billing.mirror.resources.delivery_method import DeliveryMethod
from billing.notify.models import Mail, Notice
from billing.people import tokens
from billing.people.models import ResetLink
from billing.users import User
from local.testing import application_url
from tests.conftest import speaking_as
from tests.pages.conftest import PASSWORD, add_customer, add_people, now, open_house, propose_rename
from tests.world import install_policy

TWO_MANAGERS = [
    {"name": "Two people", "kinds": ["*"], "when": [], "steps": [{"role": "manager", "people": 2}]}
]
REQUESTS = ("fresh", "half", "own", "withdrawn", "doubtful", "talked", "applied", "compared")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """Requests in the states that rules are about, by name, each about a customer of its own.

    People and customers are there by role and by the name of the request that is about them. Everything that
    is asked of it is refused, so it stays as it is; Django speaks to it as the application's own role.
    """
    with django_db_blocker.unblock():
        made = _make()
        url = application_url(connection.settings_dict["NAME"])
        if url is None:
            pytest.skip("DATABASE_URL names a server of its own, whose application role we don't know")
        owner = connection.settings_dict
        login = f"{quote(owner['USER'])}:{quote(owner['PASSWORD'])}"
        as_owner = f"postgresql://{login}@{owner['HOST']}:{owner['PORT']}/{owner['NAME']}"
        with speaking_as(url):
            yield made | {"application": url, "owner": as_owner}
        call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)


@pytest.fixture(autouse=True)
def db(world: dict[str, Any]) -> None:
    """In place of a transaction that is rolled back: what fires at its end would never fire there."""


def _make() -> dict[str, Any]:
    open_house()
    install_policy(TWO_MANAGERS)
    people = add_people()
    people["manager2"] = User.objects.create_user("manager2", password=PASSWORD, name="Max", role="manager")
    ResetLink.objects.create(person=people["finance"], made_by=people["administrator"], expires_at=now())
    tokens.make(people["finance"], "Archive", ["customers"], 30, person(people["finance"]))
    customers = {name: add_customer(f"Customer {name}") for name in REQUESTS}
    made = {
        name: propose_rename(
            customers[name], people["manager" if name == "own" else "finance"], f"{name} GmbH"
        )
        for name in REQUESTS
    }
    _approve(made["half"], people["manager"])
    deciding.withdraw(made["withdrawn"].pk, actor=person(people["finance"]), reason="not wanted")
    for name in ("doubtful", "talked"):
        _approve(made[name], people["manager"])
        _approve(made[name], people["manager2"])
        _doubt(made[name])
    for name in ("applied", "compared"):
        _approve(made[name], people["manager"])
        _approve(made[name], people["manager2"])
        _doubt(made[name])
        _settle(made[name])
    Upshot.objects.create(change=made["compared"], compared=1, missed=0)
    Resolution.objects.create(
        change=made["talked"],
        verdict="try_again",
        reason="seen",
        by=people["administrator"],
        needs_second=True,
    )
    NewBeginning.objects.create(reason="wiped", by=people["administrator"])
    Survey.objects.create(customer_id=customers["fresh"].pk, asked_by=people["finance"])
    Notice.objects.filter(person=people["finance"]).update(
        mail=Mail.objects.create(person=people["finance"], address="finance@books.example")
    )
    CustomFieldKey.objects.create(entity="customer", key="region", fetched_at=now())
    _add_lists(customers["fresh"])
    return {"people": people, "customers": customers, "requests": made}


def _add_lists(customer: Customer) -> None:
    """A contract and a way of billing of the customer's, and the queue in which its lists are read."""
    Contract.objects.create(id=uuid4(), customer=customer, starting_at=now(), fetched_at=now())
    BillingConfiguration.objects.create(
        id=uuid4(),
        customer=customer,
        billing_provider="stripe",
        delivery_method="direct_to_billing_provider",
        fetched_at=now(),
    )
    DeliveryMethod.objects.create(
        id=uuid4(), billing_provider="stripe", delivery_method="direct_to_billing_provider", fetched_at=now()
    )
    Reading.objects.create(customer=customer, noun="contract", priority=1, due_at=now())


def _approve(change: ChangeRequest, checker: User) -> None:
    deciding.decide(
        change.pk, actor=person(checker), verdict=Verdict.APPROVE, reason="seen", digest=change.digest
    )


def _doubt(change: ChangeRequest) -> None:
    """Claimed, sent, no answer, and nobody can tell: as the owner restores a past, without its record."""
    row, token = ChangeRequest.objects.filter(pk=change.pk), uuid4()
    with transaction.atomic():
        row.update(status="applying", claim_token=token, lease_until=database_now() + timedelta(minutes=2))
        assert occupy(change)
    call = change.calls.get()
    call.status, call.first_sent_at = CallStatus.SENT, database_now()
    call.save()
    Attempt.objects.create(
        call=call,
        number=1,
        generation=1,
        reference=f"{change.reference}/1.1",
        claim_token=token,
        sent_at=database_now(),
    )
    row.update(status="unknown", claim_token=None, lease_until=None, needs_person=True)
    call.status = CallStatus.UNKNOWN
    call.save()
    Lookup.objects.create(
        call=call, looked_at=database_now(), verdict="cannot_tell", sentence="A third name."
    )


def _settle(change: ChangeRequest) -> None:
    """A doubt that ended well, as the owner restores it."""
    change.calls.update(status=CallStatus.APPLIED, result={})
    ChangeRequest.objects.filter(pk=change.pk).update(
        status="applied", settled_at=database_now(), needs_person=False
    )
    release(change, is_settled=True)


def everything() -> dict[str, str]:
    """A fingerprint of each table of ours, to see that a refusal has left nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'billing\\_%'")
        tables = sorted(name for (name,) in cursor.fetchall())
        found = {}
        for table in tables:
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")  # noqa: S608
            found[table] = cursor.fetchone()[0]
    return found
