"""Figures are the counts of the querysets that they were made of, for each person and at each time anew."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FunctionType, ModuleType
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Upper
from django.test.utils import CaptureQueriesContext
from django.utils.connection import ConnectionProxy

from billing.lists import prepared
from billing.lists.prepared import NOBODY, Figures, Question, Records, no_text
from billing.mirror.resources.customer.filters import CustomerFilter
from billing.mirror.resources.customer.queries import customers
from billing.notify.models import Notice
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


def test_records_are_what_the_queryset_makes_with_others_and_annotations(pair: list[User]) -> None:
    author = add("100% %s")
    noticed = Notice.objects.create(person=author, key="k", about="waits", facts=[["a", "b"]], path="/")
    noticed.refresh_from_db()
    of_person = Notice.objects.filter(person__username=no_text("who")).select_related("person")
    rows = of_person.annotate(shown=Upper("person__name")).defer("path")
    question = Records(rows, who=no_text("who"))

    assert question.asked(who="nobody") == []
    with CaptureQueriesContext(connection) as asked:
        [found] = question.asked(who="100% %s")
        assert (found, found.person, found.shown, found.told_at) == (
            noticed, author, "100% %S", noticed.told_at,
        )  # fmt: skip
    assert len(asked.captured_queries) == 1
    assert found.facts == [["a", "b"]]
    assert "path" in found.get_deferred_fields()


def test_what_takes_a_stand_ins_place_is_never_read_as_sql(pair: list[User]) -> None:
    sharp = "a' OR 'a' = 'a"
    for more in ({}, {"planned_anew": True}):
        question = Question(
            User.objects.filter(name=no_text("who")).values_list("name"), who=no_text("who"), **more
        )
        assert question.rows(who=sharp) == []
        assert question.rows(who="a") == [("a",)]


def test_no_search_that_somebody_types_is_kept(pair: list[User]) -> None:
    customers(CustomerFilter(q="first"))
    before = set(prepared._KEPT)
    for typed in ("second", "50%", "a_b", "株式会社", "6f2d0a52-0000-4000-8000-000000000000"):
        customers(CustomerFilter(q=typed))
    assert set(prepared._KEPT) == before


def connections_within(kept: object) -> list[BaseDatabaseWrapper]:
    """Every thread's own connection that can be reached from a thing."""
    seen: set[int] = set()
    left, found = [kept], []
    while left:
        each = left.pop()
        if id(each) in seen or isinstance(each, type | ModuleType | FunctionType):
            continue
        seen.add(id(each))
        if type(each) is ConnectionProxy:
            continue
        if isinstance(each, BaseDatabaseWrapper):
            found.append(each)
            continue
        left += gc.get_referents(each)
    return found


@pytest.mark.parametrize("kind", [Question, Records])
@pytest.mark.parametrize("planned_anew", [False, True])
def test_what_one_thread_has_put_together_others_ask_over_their_own_connections(
    pair: list[User], kind: type[Question], planned_anew: bool
) -> None:
    rows = User.objects.filter(name=no_text("who")).annotate(shown=Upper("name"))
    question = kind(
        rows if kind is Records else rows.values_list("shown"),
        planned_anew=planned_anew, who=no_text("who"),
    )  # fmt: skip
    begin = threading.Barrier(4)

    def ask(name: str) -> list[str]:
        begin.wait(30)
        try:
            return [row.shown if kind is Records else row[0] for row in question.asked(who=name)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, ["a", "b", "a", "nobody"])) == [["A"], ["B"], ["A"], []]
    assert connections_within(question) == []


def test_a_list_that_is_put_together_once_keeps_no_connection(pair: list[User]) -> None:
    customers(CustomerFilter(q="first"))
    customers(CustomerFilter(plan_id=uuid4()))
    CustomerFilter(q="first").first(10)
    kept = [each for each in prepared._KEPT.values() if isinstance(each, Question)]
    assert kept
    assert connections_within(kept) == []


def test_figures_keep_no_connection(pair: list[User]) -> None:
    counted = figures()
    counted.of(pair[0].pk)
    assert connections_within(counted) == []


def test_rows_are_locked_within_a_transaction_or_not_at_all(
    pair: list[User], elsewhere: ThreadPoolExecutor
) -> None:
    with transaction.atomic():
        one = Records(User.objects.filter(pk=NOBODY).select_for_update(), person=NOBODY)
        assert one.asked(person=pair[0].pk) == [pair[0]]
        others = User.objects.select_for_update(skip_locked=True).order_by("pk")

        def left() -> list[User]:
            with transaction.atomic():
                return list(others)

        assert elsewhere.submit(left).result() == [pair[1]]
    with pytest.raises(transaction.TransactionManagementError):
        one.asked(person=pair[0].pk)
