"""Absence is a suspicion: what a refresh didn't see is asked for again before it is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import TextField, Value
from django.db.models.functions import Cast, Concat, Now

from billing.mirror.models import RefreshRun, Seen
from billing.mirror.resource import Resource

FEW = 10
"""So many suspects of a kind are looked into however small the mirror is."""

Absent = dict[Resource, list[Any]]
"""Keys of rows, by noun."""


class TooManyAbsent(Exception):
    """So many rows were not seen that the refresh is doubted rather than the rows. `message` says so."""

    def __init__(self, what: str, suspects: int, known: int) -> None:
        self.message = (
            f"{suspects:,} of {known:,} {what} were not seen, which is more than anybody would delete. "
            "The answers are doubted."
        )
        super().__init__(self.message)


def forget_seen() -> None:
    """Empty the list of what was seen. For the holder of the account lock."""
    Seen.objects.all().delete()


def suspects(run: RefreshRun, nouns: Iterable[Resource]) -> Absent:
    """What is mirrored, older than the run, and was not seen by it.

    Raises TooManyAbsent: over 10 and 1 % of a noun.
    """
    found = {noun: unseen(run, noun) for noun in nouns}
    for noun, absent in found.items():
        if len(absent) > FEW:
            known = noun.model.objects.filter(missing_since__isnull=True).count()
            if len(absent) * 100 > known:
                raise TooManyAbsent(noun.plural, len(absent), known)
    return found


def unseen(run: RefreshRun, noun: Resource) -> list[Any]:
    """The keys of a noun's rows that a refresh looks for and didn't see."""
    parts = [Cast(name, TextField()) for name in noun.key]
    key = parts[0]
    for part in parts[1:]:
        key = Concat(key, Value("."), part, output_field=TextField())
    # IN, not EXISTS: it is hashed, however few rows of a list without statistics PostgreSQL expects.
    seen = Seen.objects.filter(run=run.pk, noun=noun.name).values("key")
    older = noun.model.objects.filter(missing_since__isnull=True, fetched_at__lt=run.started_at)
    looked_for = older.filter(noun.expected).alias(own_key=key).exclude(own_key__in=seen)
    return list(looked_for.order_by("pk").values_list("pk", flat=True))


def mark_missing(absent: Absent, run: RefreshRun) -> int:
    """Mark what is confirmed absent, unless somebody has read it since; returns how many rows were marked."""
    return sum(
        noun.model.objects.filter(
            pk__in=ids, missing_since__isnull=True, fetched_at__lt=run.started_at
        ).update(missing_since=Now())
        for noun, ids in absent.items()
        if ids
    )
