"""Counts that every page shows: putting one together costs more than PostgreSQL needs to answer it.

So the SQL of a queryset is put together once a process, for nobody, and asked for one person after another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

NOBODY = 2**63 - 1
"""A key that no row has: where it stands in a queryset, the key of whom it is asked for takes its place."""


@dataclass(frozen=True, slots=True)
class PreparedCount:
    """How many rows a queryset has, as text and parameters; the text is empty where it can have none."""

    sql: str
    params: tuple[Any, ...]

    def of(self, key: int) -> int:
        """The count for the person with this key, in one query; in none where there can be no rows."""
        if not self.sql:
            return 0
        params = [type(value)(key) if value == NOBODY else value for value in self.params]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            return cursor.fetchone()[0]


def prepared_count(rows: QuerySet) -> PreparedCount:
    """The count of a queryset that was made for NOBODY and asks nothing of the clock."""
    try:
        sql, params = rows.values("pk").query.sql_with_params()
    except EmptyResultSet:
        return PreparedCount("", ())
    return PreparedCount(f"SELECT count(*) FROM ({sql}) AS counted", params)  # noqa: S608
