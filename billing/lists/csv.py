"""CSV straight from PostgreSQL: one COPY over a queryset, times in UTC by SQL itself."""

from __future__ import annotations

from typing import IO, Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import CharField, Expression, F, Func, QuerySet

from billing.lists.formulas import guarded

UTC_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'


class AsUtc(Func):
    """A time as ISO 8601 in UTC with microseconds; empty where there is none."""

    template = f"to_char(%(expressions)s AT TIME ZONE 'UTC', '{UTC_FORMAT}')"
    output_field = CharField()


def as_utc(name: str) -> AsUtc:
    """A column of times."""
    return AsUtc(F(name))


def copy_into(file: IO[bytes], rows: QuerySet[Any], columns: dict[str, str | Expression]) -> int:
    """Write the rows as CSV with a header and return their number; `columns`: heading to field or expression.

    No cell is a formula (see `formulas.py`). One statement sees one moment of the database. Raises Django's
    own database errors.
    """
    named = {f"csv_{place}": F(c) if isinstance(c, str) else c for place, c in enumerate(columns.values())}
    # Django joins tables of its own accord only for fields, so each cell is an annotation with its own name.
    selected = rows.annotate(**named).values(*named)
    file.write((",".join(columns) + "\n").encode())
    try:
        statement, params = selected.query.sql_with_params()
    except EmptyResultSet:  # Django knows without asking that there are none
        return 0
    # Django translates the errors of execute; those of COPY come as they are, so they are wrapped here.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        with cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT csv)", params) as out:
            for block in guarded(out):
                file.write(block)
        return cursor.rowcount
