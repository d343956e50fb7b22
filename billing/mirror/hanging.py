"""Keeping a list that hangs on one thing, such as a customer's contracts, as it was read to its end."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from billing.metronome.account import Gateway
from billing.metronome.records import OddRow
from billing.mirror.cleaning import Cleaner
from billing.mirror.resource import For, Resource
from billing.mirror.storing import store


class Kept(NamedTuple):
    """How many rows were read, written, and marked missing."""

    read: int
    written: int
    missing: int


def keep_list(
    gateway: Gateway, noun: Resource, read: For, owner_id: str, asked_at: datetime, clean: Cleaner
) -> Kept:
    """Read one owner's list to its end and keep it: what it no longer shows is missing.

    What can be asked for by its id is asked for first. asked_at: the database's clock before this.
    Raises ReadFailed or Halt; then nothing was kept.
    """
    odd: list[OddRow] = []
    rows = [*read.completed(gateway, owner_id, gateway.every(read.listing(owner_id), odd))]
    named = {row.id for row in clean.odd.add_rows(noun.label, odd)}
    for gone in _unseen(noun, read, owner_id, asked_at, _ids(noun, rows) | named):
        item = noun.item(owner_id, str(gone.pk))
        if item is not None and (found := gateway.one(item)) is not None:
            rows += read.completed(gateway, owner_id, [found])
    with transaction.atomic():
        written = store(noun, rows, asked_at, clean=clean)
        missing = 0
        if noun.label not in clean.odd.nameless:
            unseen = _unseen(noun, read, owner_id, asked_at, _ids(noun, rows) | named)
            missing = unseen.update(missing_since=Now())
    return Kept(len(rows), written, missing)


def unread_since(moment: datetime) -> dict[str, object]:
    """The condition for rows that nobody has read since, and that are not missing already."""
    return {"missing_since__isnull": True, "fetched_at__lt": moment}


def _ids(noun: Resource, rows: Collection[Any]) -> set[str]:
    return {record.id for record in noun.records([*rows])}


def _unseen(
    noun: Resource, read: For, owner_id: str, asked_at: datetime, seen: Collection[str]
) -> QuerySet[Any]:
    own = noun.model.objects.filter(**{f"{read.owner}_id": owner_id}, **unread_since(asked_at))
    return own.exclude(pk__in=seen)
