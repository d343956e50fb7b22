"""What of an answer is mirrored just so already: PostgreSQL compares it with the JSON kept of each row.

Most rows of most refreshes are. Nobody makes records of them, so that an unchanged account is read about as
fast as Metronome lists it. Columns are made from that JSON and from nothing else; a migration that makes one
of them otherwise sets `raw` to null, and the next refresh writes every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import DatabaseError, connection, transaction

from billing.metronome.listing import UnreadPage
from billing.mirror.models import Raw
from billing.mirror.resource import Resource
from billing.mirror.storing import speaks_of_the_record

COMPARED = """
WITH judged AS MATERIALIZED (
    SELECT body.number - 1 AS page, row.number - 1 AS place,
           CASE WHEN c.missing_since IS NULL AND c.fetched_at <= %(asked_at)s AND c.raw = row.said{held}
                THEN c.id END AS same
      FROM jsonb_array_elements(%(bodies)s::jsonb) WITH ORDINALITY AS body(said, number)
     CROSS JOIN jsonb_array_elements(body.said -> 'data') WITH ORDINALITY AS row(said, number)
      LEFT JOIN LATERAL (
           SELECT * FROM {table} c WHERE c.id = CASE
             WHEN pg_input_is_valid(row.said ->> 'id', 'uuid') THEN (row.said ->> 'id')::uuid END
            LIMIT 1) c ON true),
noted AS (INSERT INTO billing_seen (run, noun, key)
          SELECT %(run)s, %(noun)s, same::text FROM judged WHERE same IS NOT NULL)
SELECT page, place FROM judged WHERE same IS NULL
"""


def keeps_raw(noun: Resource) -> bool:
    """Whether the mirror keeps Metronome's own JSON of the noun, as its lists give it."""
    return any(isinstance(field, Raw) for field in noun.model._meta.concrete_fields)


def differing(
    noun: Resource, pages: Sequence[UnreadPage], asked_at: datetime, *, held: str, run: int
) -> list[set[int]]:
    """Page by page the places of the rows that the mirror does not hold just so; others are noted as seen.

    held: what a row that such a list names must be besides, in SQL, of `c`; empty for nothing.
    """
    bodies = b"[" + b",".join(page.body for page in pages) + b"]"
    table = noun.model._meta.db_table
    statement = COMPARED.format(table=table, held=f" AND c.{held}" if held else "")
    given = {"bodies": bodies.decode(errors="replace"), "asked_at": asked_at, "run": run, "noun": noun.name}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, given)
            rows = cursor.fetchall()
    except DatabaseError as problem:
        if not speaks_of_the_record(problem):
            raise
        return [set(range(page.rows)) for page in pages]  # storing finds out which of them it is
    found: list[set[int]] = [set() for _page in pages]
    for page, place in rows:
        found[page].add(place)
    return found
