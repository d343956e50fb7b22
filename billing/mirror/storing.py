"""Writing mirror rows: a handful of statements a page, and only rows whose content differs.

Each statement compares before it writes, because even a conflicting insert that updates nothing locks its
row, which is a write. `fetched_at` of an unchanged row stays; that it was seen is the run's knowledge.
No row is replaced whose `fetched_at` is later than the writer's.
A record that PostgreSQL refuses is set apart with the reason; the others of its page are written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from billing.metronome.outcomes import storable
from billing.metronome.records import CustomerPlanRecord, CustomerRecord, CustomFieldKeyRecord, PlanRecord
from billing.mirror.models import Customer
from billing.mirror.oddities import Oddities

CUSTOMERS = """
WITH page AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(
        id uuid, name text, external_id text, custom_fields jsonb, created_at timestamptz,
        updated_at timestamptz, archived_at timestamptz, aliases text[])
)
INSERT INTO billing_customer AS held
    (id, name, external_id, custom_fields, created_at, updated_at, archived_at, fetched_at)
SELECT p.id, p.name, p.external_id, p.custom_fields, p.created_at, p.updated_at, p.archived_at, %(fetched_at)s
  FROM page p LEFT JOIN billing_customer c ON c.id = p.id
 WHERE c.id IS NULL
    OR (c.fetched_at <= %(fetched_at)s AND (
        %(touch)s OR c.missing_since IS NOT NULL
        OR (c.name, c.external_id, c.custom_fields, c.created_at, c.updated_at, c.archived_at)
           IS DISTINCT FROM
           (p.name, p.external_id, p.custom_fields, p.created_at, p.updated_at, p.archived_at)
        OR p.aliases IS DISTINCT FROM ARRAY(
            SELECT a.alias FROM billing_ingestalias a WHERE a.customer_id = p.id
             ORDER BY a.alias COLLATE "C")))
 ORDER BY p.id
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, external_id = excluded.external_id, custom_fields = excluded.custom_fields,
    created_at = excluded.created_at, updated_at = excluded.updated_at, archived_at = excluded.archived_at,
    fetched_at = excluded.fetched_at, missing_since = NULL
 WHERE held.fetched_at <= excluded.fetched_at
RETURNING held.id
"""

ALIASES_GONE = """
DELETE FROM billing_ingestalias a
 USING jsonb_to_recordset(%(rows)s::jsonb) AS r(id uuid, aliases text[])
 WHERE a.customer_id = r.id AND NOT (a.alias = ANY (r.aliases))
"""

ALIASES_NEW = """
INSERT INTO billing_ingestalias (customer_id, alias, fetched_at)
SELECT r.id, alias, %(fetched_at)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(id uuid, aliases text[]), unnest(r.aliases) AS alias
ON CONFLICT (customer_id, alias) DO NOTHING
"""

PLANS = """
INSERT INTO billing_plan AS held (id, name, description, custom_fields, fetched_at)
SELECT p.id, p.name, p.description, p.custom_fields, %(fetched_at)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS p(id uuid, name text, description text, custom_fields jsonb)
  LEFT JOIN billing_plan c ON c.id = p.id
 WHERE c.id IS NULL
    OR (c.fetched_at <= %(fetched_at)s AND (
        c.missing_since IS NOT NULL OR (c.name, c.description, c.custom_fields)
        IS DISTINCT FROM (p.name, p.description, p.custom_fields)))
 ORDER BY p.id
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, description = excluded.description, custom_fields = excluded.custom_fields,
    fetched_at = excluded.fetched_at, missing_since = NULL
 WHERE held.fetched_at <= excluded.fetched_at
RETURNING held.id
"""

PLANS_BY_NAME_ONLY = """
INSERT INTO billing_plan (id, name, description, custom_fields, fetched_at)
SELECT DISTINCT ON (p.plan_id) p.plan_id, p.plan_name, '', '{}'::jsonb, %(fetched_at)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS p(plan_id uuid, plan_name text)
 WHERE NOT EXISTS (SELECT FROM billing_plan c WHERE c.id = p.plan_id)
ON CONFLICT (id) DO NOTHING
"""

SUBSCRIPTIONS = """
INSERT INTO billing_customerplan AS held
    (id, customer_id, plan_id, starting_on, ending_before, fetched_at)
SELECT p.id, p.customer_id, p.plan_id, p.starting_on, p.ending_before, %(fetched_at)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS p(
        id uuid, customer_id uuid, plan_id uuid, starting_on timestamptz, ending_before timestamptz)
  LEFT JOIN billing_customerplan c ON c.id = p.id
 WHERE c.id IS NULL
    OR (c.fetched_at <= %(fetched_at)s AND (
        c.missing_since IS NOT NULL OR (c.customer_id, c.plan_id, c.starting_on, c.ending_before)
        IS DISTINCT FROM (p.customer_id, p.plan_id, p.starting_on, p.ending_before)))
 ORDER BY p.id
ON CONFLICT (id) DO UPDATE SET
    customer_id = excluded.customer_id, plan_id = excluded.plan_id, starting_on = excluded.starting_on,
    ending_before = excluded.ending_before, fetched_at = excluded.fetched_at, missing_since = NULL
 WHERE held.fetched_at <= excluded.fetched_at
RETURNING held.id
"""

KEYS = """
INSERT INTO billing_customfieldkey AS held (entity, key, enforce_uniqueness, fetched_at)
SELECT p.entity, p.key, p.enforce_uniqueness, %(fetched_at)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS p(entity text, key text, enforce_uniqueness boolean)
  LEFT JOIN billing_customfieldkey c ON c.entity = p.entity AND c.key = p.key
 WHERE c.id IS NULL
    OR (c.fetched_at <= %(fetched_at)s
        AND (c.missing_since IS NOT NULL OR c.enforce_uniqueness <> p.enforce_uniqueness))
 ORDER BY p.entity, p.key
ON CONFLICT (entity, key) DO UPDATE SET
    enforce_uniqueness = excluded.enforce_uniqueness, fetched_at = excluded.fetched_at, missing_since = NULL
 WHERE held.fetched_at <= excluded.fetched_at
RETURNING held.id
"""


OF_THE_RECORD = ("21", "22", "23", "54")
"""Classes of SQLSTATE that speak of a row's values (data, integrity, limits), not of the database."""


class Cleaner:
    """Makes text storable: NUL and half characters become U+FFFD. `replaced` counts the texts changed.

    `odd`: the records that could not be stored, or read, at all.
    """

    def __init__(self) -> None:
        self.replaced = 0
        self.odd = Oddities()

    def text(self, value: str) -> str:
        clean = storable(value)
        self.replaced += clean != value
        return clean

    def texts(self, value: dict[str, str]) -> dict[str, str]:
        return {self.text(key): self.text(held) for key, held in value.items()}

    def remark(self) -> str:
        """What a person should know about it; empty when nothing was replaced."""
        if not self.replaced:
            return ""
        texts = "1 text" if self.replaced == 1 else f"{self.replaced:,} texts"
        return f"{texts} from Metronome held characters that can’t be stored; they are shown as \ufffd."


def store_customers(
    records: Iterable[CustomerRecord], fetched_at: datetime, *, clean: Cleaner, touch: bool = False
) -> int:
    """Write the customers, with their aliases, that differ from the mirror; returns how many were written.

    fetched_at: the database's clock before the request that brought them was sent.
    touch: write them in any case, so that an older answer that is still on its way can't replace them.
    """
    rows = {record.id: _customer(record, clean) for record in records}

    def write(some: list[dict[str, Any]]) -> int:
        written = _run(CUSTOMERS, some, fetched_at, touch=touch)
        changed = [{"id": str(pk), "aliases": rows[str(pk)]["aliases"]} for pk in written]
        _run(ALIASES_GONE, changed, fetched_at)
        _run(ALIASES_NEW, changed, fetched_at)
        return len(written)

    return _each_if_not_all("customer", list(rows.values()), write, clean)


def store_plans(records: Iterable[PlanRecord], fetched_at: datetime, *, clean: Cleaner) -> int:
    """Write the plans that differ from the mirror; returns how many were written."""
    rows = {
        record.id: {
            "id": record.id,
            "name": clean.text(record.name),
            "description": clean.text(record.description),
            "custom_fields": clean.texts(record.custom_fields),
        }
        for record in records
    }
    return _each_if_not_all(
        "plan", list(rows.values()), lambda some: len(_run(PLANS, some, fetched_at)), clean
    )


def store_subscriptions(
    records: Iterable[CustomerPlanRecord], fetched_at: datetime, *, clean: Cleaner
) -> int:
    """Write the subscriptions that differ; returns how many were written.

    One whose customer is not mirrored is odd. A plan that the plan list doesn't show is kept by its name.
    """
    rows = {
        record.id: {
            "id": record.id,
            "customer_id": record.customer_id,
            "plan_id": record.plan_id,
            "plan_name": clean.text(record.plan_name),
            "starting_on": record.starting_on.isoformat(),
            "ending_before": _when(record.ending_before),
        }
        for record in records
    }
    asked = {row["customer_id"] for row in rows.values()}
    known = {str(pk) for pk in Customer.objects.filter(pk__in=asked).values_list("pk", flat=True)}
    for row in rows.values():
        if row["customer_id"] not in known:
            clean.odd.add("subscription", row["id"], f"its customer {row['customer_id']} is not mirrored")

    def write(some: list[dict[str, Any]]) -> int:
        _run(PLANS_BY_NAME_ONLY, some, fetched_at)
        return len(_run(SUBSCRIPTIONS, some, fetched_at))

    mirrored = [row for row in rows.values() if row["customer_id"] in known]
    return _each_if_not_all("subscription", mirrored, write, clean)


def store_keys(records: Iterable[CustomFieldKeyRecord], fetched_at: datetime, *, clean: Cleaner) -> int:
    """Write the custom field keys that differ from the mirror; returns how many were written."""
    rows = {
        (storable(record.entity), storable(record.key)): {
            "entity": clean.text(record.entity),
            "key": clean.text(record.key),
            "enforce_uniqueness": record.enforce_uniqueness,
        }
        for record in records
    }
    return _each_if_not_all(
        "custom field key", list(rows.values()), lambda some: len(_run(KEYS, some, fetched_at)), clean
    )


def _customer(record: CustomerRecord, clean: Cleaner) -> dict[str, Any]:
    return {
        "id": record.id,
        "name": clean.text(record.name),
        "external_id": clean.text(record.external_id or ""),
        "custom_fields": clean.texts(record.custom_fields),
        "created_at": _when(record.created_at),
        "updated_at": _when(record.updated_at),
        "archived_at": _when(record.archived_at),
        "aliases": sorted({clean.text(alias) for alias in record.ingest_aliases}),
    }


def _each_if_not_all(
    kind: str, rows: list[dict[str, Any]], write: Callable[[list[dict[str, Any]]], int], clean: Cleaner
) -> int:
    """Write all rows at once, or where PostgreSQL refuses one, each by itself; the refused are odd."""
    try:
        with transaction.atomic():
            return write(rows)
    except DatabaseError as problem:
        if not _speaks_of_the_record(problem):
            raise
    written = 0
    for row in rows:
        try:
            with transaction.atomic():
                written += write([row])
        except DatabaseError as problem:
            if not _speaks_of_the_record(problem):
                raise
            name = row.get("id") or f"{row['entity']}.{row['key']}"
            clean.odd.add(kind, name, storable(f"it can’t be stored: {problem}".splitlines()[0]))
    return written


def _speaks_of_the_record(problem: DatabaseError) -> bool:
    return (getattr(problem.__cause__, "sqlstate", None) or "").startswith(OF_THE_RECORD)


def _when(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _run(statement: str, rows: list[dict[str, Any]], fetched_at: datetime, **more: Any) -> list[UUID | int]:
    """Run one statement over all rows; returns the ids of the rows that it wrote, where it says them."""
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, {"rows": json.dumps(rows), "fetched_at": fetched_at, **more})
        return [row[0] for row in cursor.fetchall()] if "RETURNING" in statement else []
