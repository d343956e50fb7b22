"""How many customers there are, and how many on a plan, without counting a million for every page."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from django.db import connection, models
from django.db.models import IntegerField, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Cast, Coalesce, Now

from billing.lists.prepared import Question
from billing.mirror.resources.customer.models import Customer, CustomerTally

ACTIVE, ARCHIVED, MISSING = "active", "archived", "missing"

RECOUNT = """
WITH gone AS (DELETE FROM billing_customertally)
INSERT INTO billing_customertally (standing, number)
SELECT billing_customer_standing(archived_at, missing_since), count(*) FROM billing_customer GROUP BY 1
"""


RECOUNT_PLANS = """
WITH counted AS (
    SELECT plan_id, coalesce(ending_before, 'infinity') AS ends, count(*) AS number
      FROM billing_customerplan WHERE missing_since IS NULL GROUP BY 1, 2),
held AS (
    SELECT plan_id, coalesce(ending_before, 'infinity') AS ends, sum(number) AS number, count(*) AS rows
      FROM billing_plantally GROUP BY 1, 2),
wrong AS (
    SELECT plan_id, ends, c.number FROM counted c FULL JOIN held h USING (plan_id, ends)
     WHERE c.number IS DISTINCT FROM h.number OR h.rows > 1),
gone AS (
    DELETE FROM billing_plantally t USING wrong w
     WHERE t.plan_id = w.plan_id AND coalesce(t.ending_before, 'infinity') = w.ends)
INSERT INTO billing_plantally (plan_id, ending_before, number)
SELECT plan_id, nullif(ends, 'infinity'), number FROM wrong WHERE number IS NOT NULL
"""
"""Ends may be many, so what is one row and right already is left alone."""


class PlanTally(models.Model):
    """How many subscriptions to a plan that end then came or went, as the tally of customers is kept.

    Those that are missing are not counted. Migration 0055 has the triggers.
    """

    # without a constraint: one would lock the plan's row, which is a write, each time it is counted
    plan = models.ForeignKey(
        "billing.Plan", on_delete=models.CASCADE, db_constraint=False, related_name="tallied"
    )
    ending_before = models.DateTimeField(null=True)
    number = models.BigIntegerField()

    class Meta:
        app_label = "billing"

    def __str__(self) -> str:
        return f"{self.number:+} on {self.plan_id} until {self.ending_before}"


def tally() -> dict[str, int]:
    """How many customers are active, archived and missing now; exact, in one query over a few rows."""
    return {ACTIVE: 0, ARCHIVED: 0, MISSING: 0} | {standing: int(total) for standing, total in _sums().rows()}


@cache
def _sums() -> Question:
    return Question(CustomerTally.objects.order_by().values_list("standing").annotate(total=Sum("number")))


def subscribed() -> Coalesce:
    """How many subscriptions to a plan have not ended, as a column of plans."""
    goes_on = Q(ending_before__isnull=True) | Q(ending_before__gt=Now())
    own = PlanTally.objects.filter(goes_on, plan=OuterRef("pk")).order_by().values("plan")
    number = own.annotate(number=Sum("number")).values("number")
    return Coalesce(Cast(Subquery(number), IntegerField()), 0)


def created_since(instant: datetime) -> int:
    """How many customers that are not missing were created since then, along an index of just these."""
    return Customer.objects.filter(created_at__gte=instant, missing_since__isnull=True).count()


def recount() -> None:
    """Count all and begin again with one row a standing, and a plan's end. What others add meanwhile stays.

    For the holder of the account lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(RECOUNT)
        cursor.execute(RECOUNT_PLANS)
