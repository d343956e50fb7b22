"""What a request writes to is its own until it is settled, and busy while it is carried out.

A hold is a part of a thing, under the one whose the thing is. Two requests never hold the same part of a
thing at once, and whoever holds the whole of an owner holds all that is the owner's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, QuerySet
from psycopg.errors import UniqueViolation

from billing.changes.models import ChangeRequest, Hold
from billing.changes.nouns import NOUNS
from billing.lists.prepared import NOBODY, Records

WHOLE = "*"


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """One part of a thing: a group of its fields, or WHOLE."""

    owner: str
    thing: str
    group: str = WHOLE

    @property
    def is_all_of_owner(self) -> bool:
        return self.thing == self.owner and self.group == WHOLE

    def meets(self, other: Held) -> bool:
        """Whether two requests can't hold both at once."""
        if self.owner != other.owner:
            return False
        if self.is_all_of_owner or other.is_all_of_owner:
            return True
        return self.thing == other.thing and (WHOLE in (self.group, other.group) or self.group == other.group)

    @property
    def words(self) -> str:
        """For a person: `this customer’s name`, `the alias “eu-1”`."""
        noun, _, rest = self.thing.partition(":")
        if noun not in NOUNS:
            return f"the {noun} “{rest}”"
        labels = [field.label for field in NOUNS[noun].fields if field.group == self.group]
        return f"this {noun}’s {labels[0]}" if labels else f"this {noun}"

    def as_json(self) -> dict[str, str]:
        return {"owner": self.owner, "thing": self.thing, "group": self.group}


def of_itself(thing: str, group: str = WHOLE) -> Held:
    """A part of a thing that is nobody else's: a customer, an alias."""
    return Held(thing, thing, group)


def held(row: Hold) -> Held:
    """A row as the value that it keeps."""
    return Held(row.owner, row.thing, row.group)


def in_the_way(wanted: Collection[Held]) -> Hold | None:
    """The first open hold of a request that one of these would meet; one query."""
    by_owner: dict[str, list[Held]] = {}
    for each in wanted:
        by_owner.setdefault(each.owner, []).append(each)
    rows = Hold.objects.filter(is_open=True, owner__in=by_owner).select_related("change")
    for row in rows.order_by("thing", "group", "pk"):
        if any(each.meets(held(row)) for each in by_owner[row.owner]):
            return row
    return None


def busy_elsewhere() -> QuerySet[Hold]:
    """In a query of requests: the holds of others that are busy with an owner which each one writes to."""
    own = Hold.objects.filter(change=OuterRef(OuterRef("pk"))).values("owner")
    return Hold.objects.filter(is_busy=True, owner__in=own).exclude(change=OuterRef("pk"))


def keep(change: ChangeRequest, wanted: Iterable[Held]) -> None:
    """Write down what a request holds, with it. Raises IntegrityError where another one holds it."""
    Hold.objects.bulk_create(
        Hold(change=change, owner=each.owner, thing=each.thing, group=each.group) for each in sorted(wanted)
    )


def holds_of(change_id: int) -> list[Hold]:
    """What a request holds, by owner."""
    return _holds().asked(change=change_id)


@cache
def _holds() -> Records:
    return Records(Hold.objects.filter(change_id=NOBODY).order_by("owner", "pk"), change=NOBODY)


def occupy(change: ChangeRequest) -> bool:
    """Make every owner that a locked request writes to busy with it; False where one is busy with another.

    Owners that others may hold parts of are taken one after another in their order, so that no two requests
    wait for each other. Nothing is written where it is False. Raises IntegrityError where it has let go.
    """
    shared, own = _owners(change)
    try:
        with transaction.atomic():
            for key in shared:
                Hold.objects.filter(pk=key).update(is_busy=True)
            if own:
                Hold.objects.filter(pk__in=own).update(is_busy=True)
    except IntegrityError as refusal:
        if isinstance(refusal.__cause__, UniqueViolation):
            return False
        raise
    return True


def release(change: ChangeRequest, *, is_settled: bool) -> None:
    """Nobody is at it any more; a settled request lets go of what it held."""
    rows = change.holds.filter(is_open=True)
    if is_settled:
        rows.update(is_open=False, is_busy=False)
    else:
        rows.filter(is_busy=True).update(is_busy=False)


def _owners(change: ChangeRequest) -> tuple[list[int], list[int]]:
    """For each owner the row that says it is busy: of owners that others hold parts of, and of the rest."""
    first: dict[str, Hold] = {}
    for row in holds_of(change.pk):
        if row.owner not in first or held(row).is_all_of_owner:
            first[row.owner] = row
    shared = [row.pk for row in first.values() if not held(row).is_all_of_owner]
    return shared, [row.pk for row in first.values() if held(row).is_all_of_owner]
