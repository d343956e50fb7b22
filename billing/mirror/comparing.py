"""What of an answer is mirrored just so already, told by a digest of each row's own JSON.

Most rows of most refreshes are. Nobody makes records of them, so that an unchanged account is read about as
fast as Metronome lists it. Columns are made from that JSON and from nothing else; a migration that makes one
of them otherwise sets `raw_digest` to null, and the next refresh writes every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from billing.metronome.listing import UnreadPage
from billing.metronome.rows import uuid_of
from billing.mirror.cleaning import digest_of
from billing.mirror.models import Digest
from billing.mirror.resource import Resource

COMPARED = """
WITH judged AS MATERIALIZED (
    SELECT told.number - 1 AS place,
           CASE WHEN c.missing_since IS NULL AND c.fetched_at <= %(asked_at)s
                 AND c.raw_digest = told.digest{held} THEN c.id END AS same
      FROM unnest(%(ids)s::uuid[], %(digests)s::uuid[]) WITH ORDINALITY AS told(id, digest, number)
      LEFT JOIN LATERAL (SELECT * FROM {table} c WHERE c.id = told.id LIMIT 1) c ON true),
noted AS (INSERT INTO billing_seen (run, noun, key)
          SELECT %(run)s, %(noun)s, same::text FROM judged WHERE same IS NOT NULL)
SELECT place FROM judged WHERE same IS NULL
"""
NOBODY = str(UUID(int=0))


def has_digest(noun: Resource) -> bool:
    """Whether the mirror keeps a digest of Metronome's own JSON of the noun, as its lists give it."""
    return any(isinstance(field, Digest) for field in noun.model._meta.concrete_fields)


def differing(
    noun: Resource, pages: Sequence[UnreadPage], asked_at: datetime, *, held: str, run: int
) -> list[set[int]]:
    """Page by page the places of the rows that the mirror does not hold just so; others are noted as seen.

    held: what a row that such a list names must be besides, in SQL, of `c`; empty for nothing.
    """
    ids = [uuid_of(each) or NOBODY for page in pages for each in page.ids]
    digests = [digest_of(text) for page in pages for text in page.texts]
    statement = COMPARED.format(table=noun.model._meta.db_table, held=f" AND c.{held}" if held else "")
    given = {"ids": _array(ids), "digests": _array(digests)}
    with connection.cursor() as cursor:
        cursor.execute(statement, {**given, "asked_at": asked_at, "run": run, "noun": noun.name})
        places = {place for (place,) in cursor.fetchall()}
    found: list[set[int]] = []
    for page in pages:
        begins = sum(each.rows for each in pages[: len(found)])
        found.append({place for place in range(page.rows) if begins + place in places})
    return found


def _array(texts: Sequence[str]) -> str:
    """UUIDs as one value, which the driver looks at once."""
    return f"{{{','.join(texts)}}}"
