"""Storing rows of which all are new, by COPY: what a first refresh does, and by far the quickest way."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from billing.mirror.resource import Resource
from billing.mirror.storing import Row, speaks_of_the_record, table_of


def copied(noun: Resource, rows: Collection[Row], fetched_at: datetime, *, run: int) -> bool:
    """Copy the rows, with their sets, into the mirror, seen by this refresh; all of them or, False, none.

    None where one of them is mirrored already, or refused: then storing does what is right for each.
    """
    table = table_of(noun)
    try:
        with transaction.atomic(), connection.cursor() as cursor, connection.wrap_database_errors:
            columns = [*(name for name, *_more in table.members), "fetched_at"]
            _copy(cursor, table.name, columns, ([*table.values(row), fetched_at] for row in rows))
            for child, _gone, _new in table.sets:
                each = ((row.key, value) for row in rows for value in row.columns[child.of])
                into = [child.owner, child.value, "fetched_at"]
                _copy(cursor, child.model._meta.db_table, into, ((*pair, fetched_at) for pair in each))
            seen = ((run, noun.name, row.key) for row in rows)
            _copy(cursor, "billing_seen", ["run", "noun", "key"], seen)
    except DatabaseError as problem:
        if not speaks_of_the_record(problem):
            raise
        return False
    return True


def _copy(cursor: Any, table: str, columns: list[str], rows: Any) -> None:
    named = ", ".join(f'"{name}"' for name in columns)
    with cursor.copy(f"COPY {table} ({named}) FROM STDIN") as out:
        for row in rows:
            out.write_row(row)
