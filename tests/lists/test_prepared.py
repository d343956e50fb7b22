"""A prepared count is the count of the queryset that it was made of, for each person anew."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.lists.prepared import NOBODY, prepared_count
from billing.users import User


@pytest.fixture
def pair(db: None) -> list[User]:
    return [
        User.objects.create_user(username=name, password=None, name=name, role="auditor")
        for name in ("a", "b")
    ]


def test_each_person_is_counted_for_with_one_text(pair: list[User]) -> None:
    others = prepared_count(User.objects.exclude(pk=NOBODY).filter(pk__in=[pair[0].pk]))
    with CaptureQueriesContext(connection) as asked:
        assert [others.of(person.pk) for person in pair] == [0, 1]
    assert len(asked.captured_queries) == 2


def test_a_slice_ends_the_count(pair: list[User]) -> None:
    assert prepared_count(User.objects.exclude(pk=NOBODY).order_by()[:1]).of(0) == 1


def test_what_can_have_no_rows_costs_no_query(pair: list[User]) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert prepared_count(User.objects.none()).of(pair[0].pk) == 0
    assert asked.captured_queries == []
