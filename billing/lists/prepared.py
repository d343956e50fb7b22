"""What every page or poll asks, in queries put together once a process and planned once a connection.

Both cost more than the answer does. So a queryset is made for a stand-in, such as the key of NOBODY, and
what is asked for takes its place each time.

Figures are not even counted again while nothing was written anywhere: a snapshot (xmin:xmax:running) says
exactly which transactions are seen, so under the same one the figures are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

NOBODY = 2**63 - 1
"""A key that no row has: where it stands in a queryset, the key of whom it is asked for takes its place."""

_ASKED = "(SELECT %s)"
"""A parameter of which the planner sees no value. Seeing one, it finds each plan for it cheaper than the plan
for all, and plans anew each time: 0.6 ms for what waits for a manager, and 0.15 ms all told without."""
_COUNT = "CASE WHEN at <> %s THEN (SELECT count(*) FROM (rows) AS counted) END"
_FIGURES = "SELECT figures FROM (SELECT pg_current_snapshot()::text AS at) AS now"


class PlannedOnce(psycopg.Cursor):
    """A cursor whose statements are prepared, so that each is planned once a connection."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> PlannedOnce:
        return super().execute(query, params, prepare=True, **more)

    def _send_query_prepared(self, name: bytes, query: Any, **more: Any) -> None:
        super()._send_query_prepared(name, query, **more)
        self._query = query  # for Django's log of queries; psycopg itself notes only what isn't prepared


@contextmanager
def planned_once() -> Iterator[CursorWrapper]:
    """A cursor for a statement that is asked again and again, with few parameters."""
    connection.ensure_connection()
    wrapped = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with wrapped(PlannedOnce(connection.connection)) as cursor:
        yield cursor


class Question:
    """A queryset of values, made for a stand-in, as a query that is asked for one text after another."""

    def __init__(self, rows: QuerySet, stand_in: str = "") -> None:
        self._sql = _text(rows, f"'{stand_in}'") if stand_in else _text(rows, str(NOBODY))

    def rows(self, text: str = "") -> list[tuple[Any, ...]]:
        """The rows for this text in the place of the stand-in, their values as the database gives them."""
        with planned_once() as cursor:
            cursor.execute(self._sql, [text] * self._sql.count("%s"))
            return cursor.fetchall()


def snapshot() -> str:
    """Which transactions are seen now. Between two that are equal nothing was written, so nothing that is
    read can differ; within a transaction, which sees its own writes, none is like another.
    """
    if connection.in_atomic_block:
        return uuid4().hex
    with planned_once() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return cursor.fetchone()[0]


class Figures:
    """How many rows each of some querysets has, for one person after another.

    The querysets were made for NOBODY and ask nothing of the clock.
    """

    def __init__(self, rows: Mapping[str, QuerySet]) -> None:
        texts = {name: _text(each.values("pk"), str(NOBODY)) for name, each in rows.items()}
        self._zeros = dict.fromkeys(texts, 0)
        self._asked = {name: text for name, text in texts.items() if text}
        counts = [_COUNT.replace("rows", text) for text in self._asked.values()]
        self._sql = _FIGURES.replace("figures", ", ".join(["at", *counts]))
        self._kept: dict[int, tuple[str, dict[str, int]]] = {}
        connection_created.connect(self._forget)  # the server behind it may be another one

    def of(self, key: int) -> dict[str, int]:
        """The figures of the person with this key, by name; in one query, in none where all must be 0."""
        if not self._asked:
            return self._zeros
        if connection.in_atomic_block:  # a snapshot says nothing of what a transaction has written itself
            return self._counted(key, unless_at="")[1]
        kept_at, kept = self._kept.get(key, ("", {}))
        at, figures = self._counted(key, unless_at=kept_at)
        if at == kept_at:
            return kept
        self._kept[key] = (at, figures)
        return figures

    def _counted(self, key: int, *, unless_at: str) -> tuple[str, dict[str, int]]:
        """The snapshot of now and the figures under it, which are not counted while it is `unless_at`."""
        params: list[str | int] = []
        for text in self._asked.values():
            params += [unless_at, *[key] * text.count("%s")]
        with planned_once() as cursor:
            cursor.execute(self._sql, params)
            at, *numbers = cursor.fetchone()
        return at, {**self._zeros, **dict(zip(self._asked, numbers, strict=True))}

    def _forget(self, sender: type[BaseDatabaseWrapper], **_more: Any) -> None:
        self._kept.clear()


def _text(rows: QuerySet, stand_in: str) -> str:
    """The SQL of a queryset with a parameter for the stand-in; empty where it can have no rows.

    All else stands in it as it is: a plan for any parameter would not know the indexes of some rows.
    """
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return ""
    return connection.ops.compose_sql(sql, params).replace("%", "%%").replace(stand_in, _ASKED)
