"""Writing mirror rows: a handful of statements for many of them, and only rows whose content differs.

The statements are made from a noun's model. Each compares before it writes, because even a conflicting insert
that updates nothing locks its row, which is a write. `fetched_at` of an unchanged row stays; that it was seen
is the run's knowledge. No row is replaced whose `fetched_at` is later than the writer's.
Held rows are looked up one by one (LATERAL with LIMIT), so that a table without statistics, as it is after a
first refresh, is not read whole for every page.
A record that PostgreSQL refuses is set apart with the reason; the others beside it are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import DatabaseError, connection, models, transaction

from billing.metronome.exact import packed
from billing.metronome.outcomes import storable
from billing.mirror.cleaning import DIGEST, RAW, Cleaner, clean_text, digest_of_raw, row_json
from billing.mirror.resource import ChildSet, Resource
from billing.mirror.resources import RESOURCES


@dataclass(frozen=True, slots=True)
class Row:
    """A record as it is stored: what tells it from others, and its columns as JSON values, `raw` as text."""

    key: str
    columns: dict[str, Any]

    def text(self) -> str:
        """Its columns as JSON text."""
        return row_json(self.columns)


UPSERT = """
WITH page AS (SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS r({typed})),
noted AS (INSERT INTO billing_seen (run, noun, key)
          SELECT %(run)s, '{noun}', {key_of_p} FROM page p WHERE %(run)s IS NOT NULL)
INSERT INTO {table} AS held ({columns}, fetched_at)
SELECT {of_p}, %(fetched_at)s
  FROM page p LEFT JOIN LATERAL (SELECT * FROM {table} c WHERE {is_it} LIMIT 1) c ON true
 WHERE c.{first_key} IS NULL
    OR (c.fetched_at <= %(fetched_at)s AND (
        %(touch)s OR c.missing_since IS NOT NULL OR ({of_c}) IS DISTINCT FROM ({of_p}){sets}))
 ORDER BY {keys_of_p}
ON CONFLICT ({keys}) DO UPDATE SET {taken}, fetched_at = excluded.fetched_at, missing_since = NULL
 WHERE held.fetched_at <= excluded.fetched_at
RETURNING {keys_of_held}
"""
NEW_ONES = """
INSERT INTO {table} AS held ({columns}, fetched_at)
SELECT {of_p}, %(fetched_at)s FROM jsonb_to_recordset(%(rows)s::jsonb) AS p({typed})
 WHERE NOT EXISTS (SELECT FROM {table} c WHERE {is_it})
 ORDER BY {keys_of_p}
ON CONFLICT ({keys}) DO NOTHING
RETURNING {keys_of_held}
"""
HAS_OTHERS = """
        OR p."{of}" IS DISTINCT FROM ARRAY(
            SELECT a."{value}" FROM {table} a WHERE a."{owner}" = p.id ORDER BY a."{value}" COLLATE "C")"""
GONE = """
DELETE FROM {table} a USING jsonb_to_recordset(%(rows)s::jsonb) AS r(id {type}, held text[])
 WHERE a."{owner}" = r.id AND NOT (a."{value}" = ANY (r.held))
"""
NEW = """
INSERT INTO {table} ("{owner}", "{value}", fetched_at)
SELECT r.id, each, %(fetched_at)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(id {type}, held text[]), unnest(r.held) AS each
ON CONFLICT ("{owner}", "{value}") DO NOTHING
"""
NOTED = """
INSERT INTO billing_seen (run, noun, key) SELECT %s, %s, unnest(%s::text[])
"""

OF_THE_RECORD = ("21", "22", "23", "54")
"""Classes of SQLSTATE that speak of a row's values (data, integrity, limits), not of the database."""


def store(
    resource: Resource,
    listed: Sequence[Any],
    fetched_at: datetime,
    *,
    clean: Cleaner,
    touch: bool = False,
    only_new: bool = False,
    run: int | None = None,
    rows: Mapping[str, Row] | None = None,
) -> int:
    """Write the records, with their sets, that differ from the mirror; returns how many were written.

    listed: rows of one of the noun's lists, with what they bring of other nouns.
    fetched_at: the database's clock before the request that brought them was sent.
    touch: write them in any case, so that an older answer that is still on its way can't replace them.
    only_new: leave alone what is mirrored. run: the refresh that is to know that it has seen them.
    rows: what `rows_of` has made of them. One whose owner is not mirrored is odd.
    """
    for other, brought in resource.brought(listed).items():
        store(RESOURCES[other], brought, fetched_at, clean=clean, only_new=True)
    table = table_of(resource)
    if rows is None:
        rows = rows_of(resource, listed, clean)
    here = _whose_owners_are_here(resource, table, rows, clean)
    statement = table.new_ones if only_new else table.upsert

    def write(some: list[Row]) -> int:
        given = {"fetched_at": fetched_at, "touch": touch, "run": run}
        written = _run(statement, [row.text() for row in some], given)
        for child, gone, new in table.sets if written else ():
            changed = [
                packed({"id": str(key[0]), "held": rows[_text_of(key)].columns[child.of]}).decode()
                for key in written
            ]
            _run(gone, changed, given)
            _run(new, changed, given)
        return len(written)

    written, refused = _each_if_not_all(resource, here, write, clean)
    if run is not None:
        note(resource, run, [row.key for row in refused])
    return written


def rows_of(resource: Resource, listed: Sequence[Any], clean: Cleaner) -> dict[str, Row]:
    """The rows of a noun's records, by key: one that comes twice is as it came last. Asks no database."""
    rows = (table_of(resource).row(record, clean) for record in resource.records(listed))
    return {row.key: row for row in rows}


def note(resource: Resource, run: int, keys: Sequence[str]) -> None:
    """Let a refresh know that it has seen these, though they can't be read or stored."""
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(NOTED, [run, resource.name, list(keys)])


@dataclass(frozen=True, slots=True)
class Table:
    """A noun's table as storing needs it: how a record becomes a row, and the statements for many rows."""

    name: str
    key: tuple[str, ...]
    json: frozenset[str]
    members: tuple[tuple[str, str, Callable[[Any, Cleaner], Any]], ...]
    owners: tuple[models.ForeignKey, ...]
    upsert: str
    new_ones: str
    sets: tuple[tuple[ChildSet, str, str], ...]

    def row(self, record: Any, clean: Cleaner) -> Row:
        """A record as it is stored."""
        columns = {name: convert(getattr(record, of), clean) for name, of, convert in self.members}
        for child, _gone, _new in self.sets:
            columns[child.of] = sorted({clean.text(each) for each in getattr(record, child.of)})
        return Row(_text_of([columns[name] for name in self.key]), columns)

    def values(self, row: Row) -> list[Any]:
        """A row's columns one by one, in the order of `members`, JSON as text."""
        held = row.columns
        return [
            packed(held[name]).decode() if name in self.json and held[name] is not None else held[name]
            for name, _of, _convert in self.members
        ]


@cache
def table_of(resource: Resource) -> Table:
    """The table of a mirrored noun."""
    own = {"fetched_at", "missing_since"}
    columns = [
        field
        for field in resource.model._meta.concrete_fields
        if not (field.generated or isinstance(field, models.AutoField) or field.column in own)
    ]
    named = {field.column: field.db_type(connection) for field in columns}
    typed = [f'"{name}" {type_}' for name, type_ in named.items()]
    typed += [f'"{child.of}" text[]' for child in resource.sets]
    words = {
        "noun": resource.name,
        "table": resource.model._meta.db_table,
        "typed": ", ".join(typed),
        "columns": _listed(named),
        "of_p": _listed(named, "p."),
        "of_c": _listed(named, "c."),
        "keys": _listed(resource.key),
        "keys_of_p": _listed(resource.key, "p."),
        "keys_of_held": _listed(resource.key, "held."),
        "first_key": resource.key[0],
        "key_of_p": key_text(resource, "p"),
        "is_it": " AND ".join(f'c."{name}" = p."{name}"' for name in resource.key),
        "taken": ", ".join(f'"{name}" = excluded."{name}"' for name in named if name not in resource.key),
        "sets": "".join(_filled(HAS_OTHERS, child, named) for child in resource.sets),
    }
    return Table(
        name=resource.model._meta.db_table,
        key=resource.key,
        json=frozenset(
            field.attname for field in columns if isinstance(field, models.JSONField) and field.attname != RAW
        ),
        members=tuple(
            (field.attname, RAW if field.attname == DIGEST else field.attname, _conversion(field))
            for field in columns
        ),
        owners=tuple(field for field in columns if isinstance(field, models.ForeignKey)),
        upsert=UPSERT.format(**words),
        new_ones=NEW_ONES.format(**words),
        sets=tuple(
            (child, _filled(GONE, child, named), _filled(NEW, child, named)) for child in resource.sets
        ),
    )


def key_text(resource: Resource, alias: str) -> str:
    """SQL for what tells one row from another, as one text."""
    return " || '.' || ".join(f"{alias}.{name}::text" for name in resource.key)


def _text_of(key: Iterable[Any]) -> str:
    return ".".join(str(each) for each in key)


def _listed(names: Iterable[str], of: str = "") -> str:
    return ", ".join(f'{of}"{name}"' for name in names)


def _filled(statement: str, child: ChildSet, named: dict[str, str]) -> str:
    table = child.model._meta.db_table
    return statement.format(
        table=table, owner=child.owner, of=child.of, value=child.value, type=named.get("id", "uuid")
    )


def _conversion(field: models.Field) -> Callable[[Any, Cleaner], Any]:
    """How a record's member becomes a JSON value for its column."""
    if field.attname == RAW:
        return lambda value, _clean: clean_text(value)
    if field.attname == DIGEST:
        return lambda raw, _clean: digest_of_raw(raw)
    if isinstance(field, models.JSONField):
        return lambda value, clean: clean.json(value)
    if isinstance(field, models.DateField):
        return lambda value, _clean: value.isoformat() if value else None
    if isinstance(field, models.CharField | models.TextField):
        none = None if field.null else ""
        return lambda value, clean: none if value is None else clean.text(value)
    return lambda value, _clean: value


def _whose_owners_are_here(
    resource: Resource, table: Table, rows: Mapping[str, Row], clean: Cleaner
) -> list[Row]:
    """The rows that can be stored: the others' owner is not mirrored, and they are odd."""
    here = list(rows.values())
    for owner in table.owners:
        asked = {row.columns[owner.attname] for row in here} - {None}
        found = owner.related_model._base_manager.filter(pk__in=asked).values_list("pk", flat=True)
        known = {None, *(str(pk) for pk in found)} if asked else {None}
        for row in here:
            if (missing := row.columns[owner.attname]) not in known:
                clean.odd.add(resource.label, row.key, f"its {owner.name} {missing} is not mirrored")
        here = [row for row in here if row.columns[owner.attname] in known]
    return here


def _each_if_not_all(
    resource: Resource,
    rows: list[Row],
    write: Callable[[list[Row]], int],
    clean: Cleaner,
) -> tuple[int, list[Row]]:
    """Write all rows at once, or where PostgreSQL refuses one, each by itself; the refused are odd.

    Returns how many were written, and the refused.
    """
    try:
        with transaction.atomic():
            return write(rows), []
    except DatabaseError as problem:
        if not speaks_of_the_record(problem):
            raise
    written, refused = 0, []
    for row in rows:
        try:
            with transaction.atomic():
                written += write([row])
        except DatabaseError as problem:
            if not speaks_of_the_record(problem):
                raise
            refused.append(row)
            why = storable(f"it can’t be stored: {problem}".splitlines()[0])
            clean.odd.add(resource.label, row.key, why)
    return written, refused


def speaks_of_the_record(problem: DatabaseError) -> bool:
    """Whether PostgreSQL refused what a record says, and not the statement."""
    return (getattr(problem.__cause__, "sqlstate", None) or "").startswith(OF_THE_RECORD)


def _run(statement: str, rows: list[str], given: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement over all rows, each a JSON text; returns the keys of those that it says it wrote."""
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, {"rows": f"[{','.join(rows)}]", **given})
        return cursor.fetchall() if "RETURNING" in statement else []
