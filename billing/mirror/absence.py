"""Absence is a suspicion: what a refresh didn't see is asked for again before it is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from billing.mirror.models import Customer, CustomerPlan, CustomFieldKey, Plan

FEW = 10
"""So many suspects of a kind are looked into however small the mirror is."""

UNSEEN_CUSTOMERS = """
SELECT c.id FROM billing_customer c
 WHERE c.missing_since IS NULL AND c.fetched_at < %s
   AND NOT EXISTS (SELECT FROM unnest(%s::uuid[]) AS s(id) WHERE s.id = c.id)
 ORDER BY c.id
"""

UNSEEN_PLANS = """
SELECT c.id FROM billing_plan c
 WHERE c.missing_since IS NULL AND c.fetched_at < %s
   AND NOT EXISTS (SELECT FROM unnest(%s::uuid[]) AS s(id) WHERE s.id = c.id)
 ORDER BY c.id
"""

UNSEEN_SUBSCRIPTIONS = """
SELECT c.id, c.customer_id FROM billing_customerplan c JOIN billing_customer o ON o.id = c.customer_id
 WHERE c.missing_since IS NULL AND c.fetched_at < %s AND o.archived_at IS NULL
   AND NOT EXISTS (SELECT FROM unnest(%s::uuid[]) AS s(id) WHERE s.id = c.id)
 ORDER BY c.customer_id, c.id
"""

UNSEEN_KEYS = """
SELECT c.id, c.entity, c.key FROM billing_customfieldkey c
 WHERE c.missing_since IS NULL AND c.fetched_at < %s
   AND NOT EXISTS (SELECT FROM unnest(%s::text[], %s::text[]) AS s(entity, key)
                    WHERE s.entity = c.entity AND s.key = c.key)
 ORDER BY c.id
"""


class TooManyAbsent(Exception):
    """So many rows were not seen that the refresh is doubted rather than the rows. `message` says so."""

    def __init__(self, what: str, suspects: int, known: int) -> None:
        self.message = (
            f"{suspects:,} of {known:,} {what} were not seen, which is more than anybody would delete. "
            "The answers are doubted."
        )
        super().__init__(self.message)


@dataclass(slots=True)
class Seen:
    """What one refresh saw, by id as text; keys as (entity, key)."""

    customers: set[str] = field(default_factory=set)
    plans: set[str] = field(default_factory=set)
    subscriptions: set[str] = field(default_factory=set)
    keys: set[tuple[str, str]] = field(default_factory=set)


@dataclass(slots=True)
class Suspects:
    """What is mirrored, older than the refresh, and was not seen by it.

    subscriptions: id → customer's id, without those of archived customers, which nobody ends any more and
    which a plan's list may leave out. keys: row's id → (entity, key).
    """

    customers: list[UUID] = field(default_factory=list)
    plans: list[UUID] = field(default_factory=list)
    subscriptions: dict[UUID, UUID] = field(default_factory=dict)
    keys: dict[int, tuple[str, str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.customers) + len(self.plans) + len(self.subscriptions) + len(self.keys)


def suspects(seen: Seen, since: datetime) -> Suspects:
    """What a refresh that began at `since` didn't see. Raises TooManyAbsent: over 10 and 1 % of a kind."""
    entities = [entity for entity, _key in seen.keys]
    found = Suspects(
        customers=[row[0] for row in _rows(UNSEEN_CUSTOMERS, since, list(seen.customers))],
        plans=[row[0] for row in _rows(UNSEEN_PLANS, since, list(seen.plans))],
        subscriptions=dict(_rows(UNSEEN_SUBSCRIPTIONS, since, list(seen.subscriptions))),
        keys={
            pk: (entity, key)
            for pk, entity, key in _rows(UNSEEN_KEYS, since, entities, [key for _entity, key in seen.keys])
        },
    )
    for what, model, number in (
        ("customers", Customer, len(found.customers)),
        ("plans", Plan, len(found.plans)),
        ("subscriptions", CustomerPlan, len(found.subscriptions)),
        ("custom field keys", CustomFieldKey, len(found.keys)),
    ):
        if number > FEW:
            known = model.objects.filter(missing_since__isnull=True).count()
            if number * 100 > known:
                raise TooManyAbsent(what, number, known)
    return found


def mark_missing(absent: Suspects, since: datetime) -> int:
    """Mark what is confirmed absent, unless somebody has read it since; returns how many rows were marked."""
    return sum(
        model.objects.filter(pk__in=ids, missing_since__isnull=True, fetched_at__lt=since).update(
            missing_since=Now()
        )
        for model, ids in (
            (Customer, absent.customers),
            (Plan, absent.plans),
            (CustomerPlan, list(absent.subscriptions)),
            (CustomFieldKey, list(absent.keys)),
        )
        if ids
    )


def _rows(statement: str, since: datetime, *arrays: list[str]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [since, *arrays])
        return cursor.fetchall()
