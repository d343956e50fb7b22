"""What an account has few of and people choose by name: lists narrowed by words, standing and id."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from billing.lists.paging import FilterRefused, Slice, check_search, cut
from billing.lists.text import folded
from billing.mirror.searching import LONGEST_SEARCH

PRESENT = Q(missing_since=None)
SORTS = ("name", "-name")


@dataclass(frozen=True, slots=True)
class NamedFilter:
    """`q`: a part of the name, or a whole id. A noun's own filter says its table and its statuses.

    statuses: word in the address → words and what it lets through; the first is meant where none is said.
    Raises FilterRefused when made of what makes no sense.
    """

    q: str = ""
    status: str = ""
    sort: str = "name"

    model: ClassVar[type[Model]]
    statuses: ClassVar[dict[str, tuple[str, Q]]]

    def __post_init__(self) -> None:
        if self.status and self.status not in self.statuses:
            raise FilterRefused(f"There is no status “{self.status[:40]}”.")
        if self.sort not in SORTS:
            raise FilterRefused(f"They can’t be sorted by “{self.sort[:40]}”.")
        check_search(self.q, LONGEST_SEARCH, "no name can")

    @classmethod
    def from_get(cls, query: Mapping[str, str]) -> Self:
        """The filter that an address says. Raises FilterRefused."""
        return cls(query.get("q", "").strip(), query.get("status", ""), query.get("sort") or "name")

    def as_json(self) -> dict[str, str]:
        """The filter as an audit row and an address keep it; what is not set is left out."""
        given = {"q": self.q, "status": self.status, "sort": "" if self.sort == "name" else self.sort}
        return {name: value for name, value in given.items() if value}

    def rows(self) -> QuerySet[Any]:
        """All that it lets through, in no order. They are few: a name is searched through, not an index."""
        condition = self.statuses[self.status or next(iter(self.statuses))][1]
        rows = self.model.objects.filter(condition)
        if not self.q:
            return rows
        wanted = folded(self.q)
        meant = Q(sort_name__contains=wanted) if wanted else Q(pk__in=[])
        with suppress(ValueError):  # most searches are not a whole id
            meant |= Q(pk=UUID(self.q))
        return rows.filter(meant)

    def in_order(self) -> QuerySet[Any]:
        """The same by name."""
        sign = self.sort.removesuffix("name")
        return self.rows().order_by(f"{sign}sort_name", f"{sign}name", f"{sign}pk")

    def page(self, cursor: str | None, limit: int = 50) -> Slice[Any]:
        """One page of them. Raises CursorRefused."""
        return cut(
            self.rows(),
            order=self.sort,
            column="sort_name",
            tie="name",
            cursor=cursor,
            limit=limit,
            parse_id=UUID,
            key_of=lambda row: (row.sort_name, str(row.pk), row.name),
        )
