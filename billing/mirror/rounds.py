"""How far the round of the lists that only a customer has is. Nothing here writes or asks Metronome.

A poll asks this every few seconds, so nothing is counted beyond a cap, and each figure walks an index.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import connection

from billing.mirror.fanout import LIVE, LOOKED_AT, OTHERS, queued
from billing.mirror.resources.tally import ACTIVE, ARCHIVED, tally

CAP = 10_001
FIGURES = """
SELECT noun,
       (SELECT count(*) FROM (
            SELECT FROM billing_reading r WHERE r.noun = n.noun LIMIT %(cap)s) mine),
       (SELECT count(*) FROM (
            SELECT FROM billing_reading r WHERE r.noun = n.noun AND read_at IS NULL LIMIT %(cap)s) unread),
       (SELECT count(*) FROM (
            SELECT FROM billing_reading r
             WHERE r.noun = n.noun AND priority = ANY (%(priorities)s)
               AND due_at <= statement_timestamp() LIMIT %(cap)s) due),
       (SELECT read_at FROM billing_reading r
         WHERE r.noun = n.noun AND due_at IS NOT NULL AND priority <= %(live)s
         ORDER BY priority, due_at, id LIMIT 1)
  FROM unnest(%(nouns)s::text[]) WITH ORDINALITY AS n(noun, place) ORDER BY place
"""
"""Due ones are read along the queue's index, which begins with the priority; the time is one for all rows, or
all would be looked through: 0.7 s of two million.
"""


class Round(NamedTuple):
    """One noun's lists. unread: never read; due: to be read now, those included. Both stop at CAP.

    oldest: when the list was read that is next among those of live customers; None while some never were.
    """

    plural: str
    unread: int
    due: int
    oldest: datetime | None


def rounds() -> list[Round]:
    """The round of each noun that is read customer by customer. Two queries."""
    numbers, nouns = tally(), {noun.name: noun.plural for noun in queued()}
    customers = numbers[ACTIVE] + numbers[ARCHIVED]
    with connection.cursor() as cursor:
        given = {"nouns": list(nouns), "cap": CAP, "live": LIVE, "priorities": [LOOKED_AT, LIVE, OTHERS]}
        cursor.execute(FIGURES, given)
        rows = cursor.fetchall()
    return [_round(nouns[name], customers, *figures) for name, *figures in rows]


def _round(
    plural: str, customers: int, in_queue: int, unread: int, due: int, next_was_read: datetime | None
) -> Round:
    to_be_queued = max(0, customers - in_queue) if in_queue < CAP else 0
    unread = min(CAP, unread + to_be_queued)
    return Round(plural, unread, due, None if unread else next_was_read)
