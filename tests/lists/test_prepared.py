"""Figures are the counts of the querysets that they were made of, for each person and at each time anew."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from billing.lists.prepared import NOBODY, Figures
from billing.users import User


@pytest.fixture
def pair(transactional_db: None) -> list[User]:
    return [add("a"), add("b")]


@pytest.fixture
def elsewhere(transactional_db: None) -> Iterator[ThreadPoolExecutor]:
    """A thread that has its connection already, so that opening one makes nobody forget anything."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(connection.ensure_connection).result()
        yield thread
        thread.submit(connections.close_all).result()


def add(name: str) -> User:
    return User.objects.create_user(username=name, password=None, name=name, role="auditor")


def figures() -> Figures:
    everybody = User.objects.order_by()
    return Figures({"others": everybody.exclude(pk=NOBODY), "own": everybody.filter(pk=NOBODY)})


def test_each_person_is_counted_for_in_one_query(pair: list[User]) -> None:
    own = Figures({"of a": User.objects.exclude(pk=NOBODY).filter(pk__in=[pair[0].pk])})
    with CaptureQueriesContext(connection) as asked:
        assert [own.of(person.pk) for person in pair] == [{"of a": 0}, {"of a": 1}]
    assert len(asked.captured_queries) == 2


def test_a_slice_ends_the_count(pair: list[User]) -> None:
    assert Figures({"one": User.objects.exclude(pk=NOBODY).order_by()[:1]}).of(0) == {"one": 1}


def test_what_can_have_no_rows_costs_no_query(pair: list[User]) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert Figures({"none": User.objects.none()}).of(pair[0].pk) == {"none": 0}
    assert asked.captured_queries == []


def test_an_empty_one_stands_beside_another(pair: list[User]) -> None:
    both = Figures({"none": User.objects.none(), "own": User.objects.filter(pk=NOBODY)})
    assert both.of(pair[0].pk) == {"none": 0, "own": 1}


def test_a_percent_sign_in_a_text_stays_one(pair: list[User]) -> None:
    add("100% sure")
    assert Figures({"sure": User.objects.filter(name__contains="0% s").order_by()}).of(1) == {"sure": 1}


def test_what_others_write_counts_at_once(pair: list[User], elsewhere: ThreadPoolExecutor) -> None:
    counted = figures()
    assert counted.of(pair[0].pk) == {"others": 1, "own": 1}
    assert counted.of(pair[0].pk) == {"others": 1, "own": 1}

    elsewhere.submit(add, "c").result()

    assert counted.of(pair[0].pk) == {"others": 2, "own": 1}


def test_what_is_under_way_counts_once_it_is_committed(
    pair: list[User], elsewhere: ThreadPoolExecutor
) -> None:
    counted = figures()
    written, looked = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with transaction.atomic():
            add("c")
            written.set()
            looked.wait(30)

    writing = elsewhere.submit(write_slowly)
    assert written.wait(30)
    add("later, and committed first")
    assert counted.of(pair[0].pk) == {"others": 2, "own": 1}
    looked.set()
    writing.result()

    assert counted.of(pair[0].pk) == {"others": 3, "own": 1}


def test_inside_a_transaction_its_own_writes_count_and_are_not_kept(pair: list[User]) -> None:
    counted = figures()
    assert counted.of(pair[0].pk) == {"others": 1, "own": 1}
    with transaction.atomic():
        add("c")
        assert counted.of(pair[0].pk) == {"others": 2, "own": 1}
        add("d")
        assert counted.of(pair[0].pk) == {"others": 3, "own": 1}
        transaction.set_rollback(True)

    assert counted.of(pair[0].pk) == {"others": 1, "own": 1}


def test_it_is_planned_once_a_connection_whoever_is_asked_for(pair: list[User]) -> None:
    counted = figures()
    for _each in range(20):
        for person in pair:
            counted.of(person.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT custom_plans, generic_plans FROM pg_prepared_statements")
        planned = cursor.fetchall()
    assert planned
    assert all(anew <= 5 and kept for anew, kept in planned), planned
