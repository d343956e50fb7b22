"""Whom the record names: customers as they were called then, people, parts of the system."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection, transaction

from billing.audit import log, queries
from billing.audit.actors import system
from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.lists.text import Folded
from billing.users import User
from tests.audit.test_reading import CUSTOMER, mona, write

__all__ = ["mona"]
pytestmark = pytest.mark.django_db


def test_a_name_as_it_was_is_looked_up_in_an_index(mona: User) -> None:
    named = AuditEvent.objects.filter(customer_id__isnull=False).alias(was=Folded("customer_name"))

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = named.filter(was="halcyon").values("customer_id").explain()

    assert " audit_by_customer_name " in plan


def test_customers_are_known_by_the_names_they_had(mona: User) -> None:
    other = UUID(int=2)
    write("a", customer_id=CUSTOMER, customer_name="Halcyon Ltd")
    write("b", customer_id=CUSTOMER, customer_name="Larkspur")
    write("c", customer_id=other, customer_name="Larkspur Two")
    write("d", customer_name="Nobody")

    once = queries.customers_once_called
    assert once("HALCYON ltd", whole=True) == [CUSTOMER]
    assert once("Larkspur", whole=True) == [CUSTOMER]
    assert set(once("lark", whole=False)) == {CUSTOMER, other}
    assert once("Nobody", whole=True) == once("halcyon", whole=True) == once("", whole=False) == []


def test_doers_are_people_by_name_then_parts_of_the_system(mona: User) -> None:
    User.objects.create_user(username="a", password="x", name="Ádám", role="finance")
    write("one", user=mona)
    for part in ("sweep", "worker", "sweep"):
        with transaction.atomic():
            log.record(Event.LIST_EXPORTED, actor=system(part), subject=log.Subject(kind="c", id="1"))

    assert queries.doers() == [
        ("a", "Ádám"),
        ("mona", "Mona Manager"),
        ("sweep", "sweep"),
        ("worker", "worker"),
    ]
