"""How many customers there are of each standing, without counting a million of them for every page."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from django.db import connection
from django.db.models import Sum

from billing.lists.prepared import Question
from billing.mirror.models import Customer, CustomerTally

ACTIVE, ARCHIVED, MISSING = "active", "archived", "missing"

RECOUNT = """
WITH gone AS (DELETE FROM billing_customertally)
INSERT INTO billing_customertally (standing, number)
SELECT billing_customer_standing(archived_at, missing_since), count(*) FROM billing_customer GROUP BY 1
"""


def tally() -> dict[str, int]:
    """How many customers are active, archived and missing now; exact, in one query over a few rows."""
    return {ACTIVE: 0, ARCHIVED: 0, MISSING: 0} | {standing: int(total) for standing, total in _sums().rows()}


@cache
def _sums() -> Question:
    return Question(CustomerTally.objects.order_by().values_list("standing").annotate(total=Sum("number")))


def created_since(instant: datetime) -> int:
    """How many customers that are not missing were created since then, along an index of just these."""
    return Customer.objects.filter(created_at__gte=instant, missing_since__isnull=True).count()


def recount() -> None:
    """Count them all and begin again with one row a standing. One statement: what others add meanwhile stays.

    For the holder of the account lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(RECOUNT)
