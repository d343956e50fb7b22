"""The freeze: one switch with a reason, each turn of it on record, and no turn that changes nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import IntegrityError, OperationalError, connection, connections, transaction

from billing.audit.actors import person
from billing.audit.models import AuditEvent
from billing.control import freezing
from billing.control.models import Freeze
from billing.users import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def alex() -> User:
    return User.objects.create_user(username="alex", password="x", name="Alex", role="administrator")


def recorded() -> list[tuple[str, str, str]]:
    events = AuditEvent.objects.order_by("id")
    return [(event.event_type, event.actor_text, event.reason) for event in events]


def test_a_new_installation_is_not_frozen() -> None:
    assert freezing.is_frozen() is False
    assert freezing.state().frozen is False
    assert not Freeze.objects.exists()


def test_a_person_freezes_and_unfreezes_with_reasons(alex: User) -> None:
    assert freezing.freeze(person(alex), "month end") is True
    assert freezing.is_frozen() is True
    state = freezing.state()
    assert (state.cause, state.reason, state.changed_by) == ("person", "month end", alex)

    assert freezing.unfreeze(person(alex), "books are closed") is True
    assert freezing.is_frozen() is False
    assert recorded() == [
        ("applying.frozen", "Alex", "month end"),
        ("applying.unfrozen", "Alex", "books are closed"),
    ]


def test_turning_what_is_turned_already_changes_and_records_nothing(alex: User) -> None:
    assert freezing.unfreeze(person(alex), "just in case") is False
    freezing.freeze(person(alex), "month end")

    assert freezing.freeze(person(alex), "another reason") is False
    assert freezing.halt("401 Unauthorized") is False

    assert freezing.state().reason == "month end"
    assert recorded() == [("applying.frozen", "Alex", "month end")]


def test_the_worker_halts_with_its_own_cause() -> None:
    assert freezing.halt("401 Unauthorized") is True

    state = freezing.state()
    assert (state.frozen, state.cause, state.reason, state.changed_by) == (
        True,
        "halt",
        "401 Unauthorized",
        None,
    )
    assert recorded() == [("applying.halted", "changes worker", "401 Unauthorized")]


def test_a_freeze_without_a_reason_is_refused(alex: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        freezing.freeze(person(alex), "")

    assert freezing.is_frozen() is False
    assert recorded() == []


def test_the_switch_can_be_held_still_by_a_transaction(alex: User) -> None:
    with transaction.atomic():
        assert freezing.is_frozen(locked=True) is False

    freezing.freeze(person(alex), "month end")
    with transaction.atomic():
        assert freezing.is_frozen(locked=True) is True


@pytest.mark.django_db(transaction=True)
def test_many_hold_the_switch_still_at_once_and_a_turn_waits_for_all_of_them(alex: User) -> None:
    """Nothing may be sent after a turn that is told as done, and no worker waits for another."""
    both_hold, go_on, told = threading.Barrier(3), threading.Event(), []

    def hold(name: str) -> None:
        with closing_connections(), transaction.atomic():
            assert freezing.is_frozen(locked=True) is False
            both_hold.wait(20)
            assert go_on.wait(20)
            told.append(name)

    def turn() -> None:
        with closing_connections():
            freezing.freeze(person(alex), "month end")
            told.append("frozen")

    def hold_later() -> bool:
        with closing_connections(), transaction.atomic():
            return freezing.is_frozen(locked=True)

    with ThreadPoolExecutor(4) as threads:
        held = [threads.submit(hold, "held") for _each in range(2)]
        both_hold.wait(20)
        turned = threads.submit(turn)
        wait_until(lambda: waiting_for_the_freeze() == 1)
        later = threads.submit(hold_later)
        wait_until(lambda: waiting_for_the_freeze() == 2)
        assert told == []
        go_on.set()
        for each in (*held, turned):
            each.result(20)
        assert told == ["held", "held", "frozen"]
        assert later.result(20) is True


@pytest.mark.django_db(transaction=True)
def test_a_turn_by_plain_sql_waits_too() -> None:
    Freeze.objects.create(id=1)

    def turn() -> str:
        with closing_connections(), connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
            try:
                cursor.execute("UPDATE billing_freeze SET changed_at = now()")
            except OperationalError as problem:
                return str(problem)
            return ""

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            assert freezing.is_frozen(locked=True) is False
            assert "lock timeout" in threads.submit(turn).result(20)
        assert threads.submit(turn).result(20) == ""


def test_the_switch_is_held_still_within_a_transaction_only(transactional_db: None) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        freezing.is_frozen(locked=True)


@contextmanager
def closing_connections() -> Iterator[None]:
    try:
        yield
    finally:
        connections.close_all()


def waiting_for_the_freeze() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return cursor.fetchone()[0]


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)
