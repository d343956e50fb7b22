"""What else waits for the person who judges a request, and which one comes after it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from billing.changes import queries
from billing.changes.models import ChangeRequest
from billing.lists.prepared import NOBODY, Question
from billing.users import User


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another request that waits for the same person."""

    reference: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for a person around one request, the oldest first.

    `count` ends at WAITING_CAP and holds this one where `is_in_it` says so. After the last comes the first.
    """

    count: int
    is_in_it: bool
    next: Neighbour | None
    previous: Neighbour | None

    @property
    def left(self) -> int:
        """How many wait besides this one."""
        return self.count - self.is_in_it


def around(change: ChangeRequest, person: User) -> Queue:
    """The queue of a person as it is at one request, in one query; none for whom nothing can wait."""
    rows = _waiting(person.role, person.is_active, queries.WAITING_CAP).rows(person=person.pk)
    here = (change.submitted_at, change.pk)
    before = [row for row in rows if row[:2] < here]
    after = [row for row in rows if row[:2] > here]
    return Queue(
        count=len(rows),
        is_in_it=any(row[1] == change.pk for row in rows),
        next=_neighbour((after or before)[:1]),
        previous=_neighbour((before or after)[-1:]),
    )


@cache
def _waiting(role: str, is_active: bool, cap: int) -> Question:
    alike = User(pk=NOBODY, role=role, is_active=is_active)
    rows = queries.waiting_for(alike).values_list("submitted_at", "pk", "reference", "sentence")
    return Question(rows[:cap], person=NOBODY)


def _neighbour(rows: list[tuple]) -> Neighbour | None:
    return Neighbour(*rows[0][2:]) if rows else None
