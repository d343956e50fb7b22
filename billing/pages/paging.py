"""Keyset pages of newest-first querysets ordered by (submitted_at, pk)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

SIZE = 50


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of rows and the cursor that goes on, empty at the end. `broken`: the cursor made no sense."""

    rows: list
    onward: str
    broken: bool = False


def slice_of(rows: QuerySet, cursor: str | None) -> Slice:
    """The page after `cursor`, in the order the queryset has: submitted_at then pk, both up or both down."""
    descending = str(rows.query.order_by[0]).startswith("-")
    broken = False
    if cursor:
        try:
            moment_text, pk_text = cursor.split("_")
            moment, pk = datetime.fromisoformat(moment_text), int(pk_text)
            if moment.tzinfo is None:
                raise ValueError("no time zone")
        except ValueError:
            broken = True
        else:
            word = "lt" if descending else "gt"
            rows = rows.filter(
                Q(**{f"submitted_at__{word}": moment}) | Q(submitted_at=moment, **{f"pk__{word}": pk})
            )
    found = list(rows[: SIZE + 1])
    last = found[SIZE - 1] if len(found) > SIZE else None
    return Slice(found[:SIZE], f"{last.submitted_at.isoformat()}_{last.pk}" if last else "", broken)
