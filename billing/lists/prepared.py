"""What every page or poll asks, in queries put together once a process and planned once a connection.

Both cost more than the answer does. So a queryset is made for a stand-in, such as the key of NOBODY, and
what is asked for takes its place each time.

Figures are not even counted again while nothing was written anywhere: a snapshot (xmin:xmax:running) says
exactly which transactions are seen, so under the same one the figures are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5
from zlib import crc32

import psycopg
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

NOBODY = 2**63 - 1
"""A key that no row has: where it stands in a queryset, the key of whom it is asked for takes its place."""
NO_MOMENT = datetime(9999, 12, 31, tzinfo=UTC)

_ASKED = "(SELECT %s)"
"""A parameter of which the planner sees no value. Seeing one, it finds each plan for it cheaper than the plan
for all, and plans anew each time: 0.6 ms for what waits for a manager, and 0.15 ms all told without."""
_MARK = re.compile("(%%|%s)")
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


def no_text(name: str) -> str:
    """A text to stand in for one of this name: folded and as a word it is the same, and nobody writes it."""
    return f"\ue000{name}"


def no_id(name: str) -> UUID:
    """The same for an id."""
    return uuid5(NAMESPACE_OID, name)


def no_key(name: str) -> int:
    """The same for a row's key."""
    return NOBODY - crc32(name.encode()) - 1


STAND_INS: dict[type, Callable[[str], Any]] = {
    str: no_text,
    int: no_key,
    UUID: no_id,
    datetime: lambda _name: NO_MOMENT,
}
"""What stands in for a value of a type and a name."""


class Question:
    """A queryset made for stand-ins, put together once, and asked for one value after another in their place.

    stand_ins: name → a value that occurs among the queryset's parameters and nowhere means itself.
    planned_anew: where the best way hangs on the values, such as how many rows a search finds.

    All threads of a process share it, so it keeps no connection: each thread has its own.
    """

    def __init__(self, rows: QuerySet, *, planned_anew: bool = False, **stand_ins: Any) -> None:
        self._compiler = _compiler(rows)
        self._locks = rows.query.select_for_update
        self._is_planned_anew = planned_anew
        asked = "%s" if planned_anew else _ASKED
        self._sql, self._names = _text(self._compiler, stand_ins, asked)

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a queryset of values, as the database gives them.

        Raises TransactionManagementError for rows to be locked outside a transaction, which would hold none.
        """
        if self._locks and not connection.in_atomic_block:
            raise TransactionManagementError("rows are locked within a transaction only")
        if not self._sql:
            return []
        with connection.cursor() if self._is_planned_anew else planned_once() as cursor:
            cursor.execute(self._sql, [values[name] for name in self._names])
            return cursor.fetchall()

    def asked(self, **values: Any) -> list[Any]:
        """What such a query is asked for: here the rows."""
        return self.rows(**values)


class Records(Question):
    """The same for a queryset of models, with what it selects of others and what it is annotated with."""

    def __init__(self, rows: QuerySet, **more: Any) -> None:
        super().__init__(rows, **more)
        select, kinds = self._compiler.select, self._compiler.klass_info
        if self._sql:
            first, *_between, last = (*kinds["select_fields"], kinds["select_fields"][-1])
            self._model, self._own = kinds["model"], slice(first, last + 1)
            self._columns = [column.target.attname for column, *_how in select[self._own]]
            self._related = get_related_populators(kinds, select, connection.alias)

    def asked(self, **values: Any) -> list[Any]:
        """The models, as the queryset would make them."""
        found: list[Any] = []
        rows = self.rows(**values)
        for row in self._compiler.results_iter([rows]) if rows else ():
            record = self._model.from_db(connection.alias, self._columns, row[self._own])
            for related in self._related:
                related.populate(row, record)
            for name, column in self._compiler.annotation_col_map.items():
                setattr(record, name, row[column])
            found.append(record)
        return found


Asked = TypeVar("Asked", bound=Question)
_KEPT: dict[Hashable, Any] = {}


def kept(shape: Hashable, make: Callable[[], Asked]) -> Asked:
    """What `make` makes, made once a process for each shape, each time for none.

    Shapes are few: none holds what a person typed.
    """
    if shape is None:
        return make()
    if shape not in _KEPT:
        _KEPT[shape] = make()
    return _KEPT[shape]


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
        queries = {name: _compiler(each.values("pk")) for name, each in rows.items()}
        texts = {name: _text(each, {"key": NOBODY}, _ASKED) for name, each in queries.items()}
        self._zeros = dict.fromkeys(texts, 0)
        self._asked = {name: len(keys) for name, (text, keys) in texts.items() if text}
        counts = [_COUNT.replace("rows", texts[name][0]) for name in self._asked]
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
        for keys in self._asked.values():
            params += [unless_at, *[key] * keys]
        with planned_once() as cursor:
            cursor.execute(self._sql, params)
            at, *numbers = cursor.fetchone()
        return at, {**self._zeros, **dict(zip(self._asked, numbers, strict=True))}

    def _forget(self, sender: type[BaseDatabaseWrapper], **_more: Any) -> None:
        self._kept.clear()


def _compiler(rows: QuerySet) -> SQLCompiler:
    """What reads a queryset's rows, over the connection of whichever thread uses it."""
    return rows.query.get_compiler(connection=connection)


def _text(compiler: SQLCompiler, stand_ins: dict[str, Any], asked: str) -> tuple[str, list[str]]:
    """The SQL with `asked` for each stand-in, and their names in its order; empty where it can have no rows.

    All else stands in it as it is: a plan for any parameter would not know the indexes of some rows.
    """
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return "", []
    pieces, names, left = [], [], list(params)
    for piece in _MARK.split(sql):
        if piece != "%s":
            pieces.append(piece)
            continue
        param = left.pop(0)
        name = next(
            (name for name, own in stand_ins.items() if isinstance(param, type(own)) and own == param), ""
        )
        if name:
            names.append(name)
        pieces.append(asked if name else connection.ops.compose_sql("%s", [param]).replace("%", "%%"))
    return "".join(pieces), names
