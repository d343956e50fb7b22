"""What waits for somebody is counted up to a bound, without reading what nobody waits for."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.changes import queries
from billing.changes.models import ChangeRequest
from billing.pages import standing
from billing.pages.templatetags.countersign import up_to_99
from billing.users import User
from tests.pages.conftest import add_customer, propose_rename, signed_in


@pytest.mark.parametrize(("number", "shown"), [(0, "0"), (1, "1"), (99, "99"), (100, "99+")])
def test_a_count_ends_at_99(number: int, shown: str) -> None:
    assert up_to_99(number) == shown


def test_the_count_stops_at_its_bound_while_the_list_goes_on(
    renaming: ChangeRequest, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    second = propose_rename(add_customer("Second"), people["finance"], "Second renamed")
    monkeypatch.setattr(queries, "WAITING_CAP", 1)
    assert standing.of(people["manager"]).waiting == 1
    assert list(queries.waiting_for(people["manager"])) == [renaming, second]


def test_who_can_act_on_nothing_costs_no_query(renaming: ChangeRequest, people: dict[str, User]) -> None:
    for role in ("finance", "auditor"):
        with CaptureQueriesContext(connection) as asked:
            assert list(queries.waiting_for(people[role])) == []
        assert asked.captured_queries == []
        assert standing.of(people[role]).waiting == 0
        assert signed_in(people[role]).get("/changes/").status_code == 200
