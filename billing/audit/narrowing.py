"""What a filter of the record lets through, in queries put together once for all that differ in values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q, QuerySet, TextField, Value
from django.db.models.functions import Concat
from django.db.models.lookups import Contains

from billing.audit.models import AuditEvent
from billing.lists.conditions import IsAnyOf
from billing.lists.paging import Shape
from billing.lists.prepared import NO_MOMENT, no_id, no_key, no_text
from billing.lists.references import is_whole_reference, reference_meant
from billing.lists.text import (
    Folded,
    FoldedWhole,
    HasWords,
    WordsWanted,
    folded,
    like_beginning,
    unspaced_runs,
)
from billing.users import User

SPOKEN = ("subject_text", Value(" "), "reason", Value(" "), "actor_text")
NO_REFERENCE = "-"
"""What no event has as its reference; most have none, which is empty."""

ANY: dict[str, Any] = {
    "person": no_key("person"),
    "part": no_text("part"),
    "reference": no_text("reference"),
    "customer": no_id("customer"),
    "since": NO_MOMENT - timedelta(days=2),
    "until": NO_MOMENT - timedelta(days=1),
    "number": no_text("number"),
    "words": no_text("words"),
    "begins": f"{no_text('words')}%",
}
"""What stands in for each value of a filter."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text that is looked for: a request's number, the folded text, the runs of letters in it that leave no
    space between words; requests that concern what it names as well; whether it is a number in full.
    """

    number: str
    words: str
    runs: tuple[str, ...] = ()
    also: frozenset[str] = frozenset()
    is_one_request: bool = False

    @classmethod
    def of(cls, text: str, also: frozenset[str]) -> Said:
        """What a text says; `also` are references that it stands for as well."""
        number, runs = reference_meant(text) or NO_REFERENCE, tuple(unspaced_runs(text))
        return cls(number, folded(text), runs, also, is_whole_reference(text))

    @property
    def is_plain(self) -> bool:
        """Whether a number and words are all there is to it."""
        return bool(self.words) and not self.runs and not self.also

    def condition(self) -> Q:
        """Its number, beginnings of words, or the beginning of a sign-in name."""
        number = Q(reference=self.number)
        if self.also:
            number |= Q(reference__in=self.also)
        if not self.words:
            return number
        words = Q(HasWords("words", WordsWanted(Value(self.words))))
        for run in self.runs:
            words &= Q(Contains(FoldedWhole(Concat(*SPOKEN, output_field=TextField())), Value(run)))
        people = User.objects.alias(folded=Folded("username")).filter(folded__startswith=self.words)
        return number | words | Q(IsAnyOf("actor", ArraySubquery(people.values("pk"))))


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a filter means once it is known who is: `people` and a `part` of the system where somebody
    `is_named`, and then perhaps nobody is.
    """

    events: tuple[str, ...] = ()
    is_named: bool = False
    people: tuple[int, ...] = ()
    part: str = ""
    reference: str = ""
    customer_id: UUID | None = None
    also_about: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    said: Said | None = None

    def condition(self) -> Q:
        """All but its text, as a condition on events."""
        found = Q()
        if self.events:
            found &= Q(event_type__in=self.events) if len(self.events) > 1 else Q(event_type=self.events[0])
        if self.is_named:
            found &= self._doer()
        if self.reference:
            found &= Q(reference=self.reference)
        if self.customer_id:
            about = Q(customer_id=self.customer_id)
            found &= about | Q(reference__in=self.also_about) if self.also_about else about
        if self.since:
            found &= Q(occurred_at__gte=self.since)
        if self.until:
            found &= Q(occurred_at__lt=self.until)
        return found

    def shape(
        self,
        name: str,
        rows: Callable[[Narrowed], QuerySet[AuditEvent]],
        narrowed: Callable[[Narrowed, QuerySet[AuditEvent]], QuerySet[AuditEvent]] = lambda _self, rows: rows,
    ) -> Shape:
        """What `rows` makes of it, and once they are in order `narrowed`, for all that are like it.

        Where words are looked for, only a plan for these takes them apart once and not again for each row.
        """
        if self.also_about or len(self.people) > 1 or (self.said and not self.said.is_plain):
            return Shape(None, lambda: rows(self), narrowed=lambda ordered: narrowed(self, ordered))
        values = {
            "person": next(iter(self.people), None),
            "part": self.part,
            "reference": self.reference,
            "customer": self.customer_id,
            "since": self.since,
            "until": self.until,
        }
        if self.said:
            begins = like_beginning(self.said.words)
            values |= {"number": self.said.number, "words": self.said.words, "begins": begins}
        any_one = {each: ANY[each] for each, value in values.items() if value}
        alike = replace(
            self,
            people=(ANY["person"],) if self.people else (),
            customer_id=any_one.get("customer"),
            said=Said(ANY["number"], ANY["words"]) if self.said else None,
            part=any_one.get("part", ""),
            reference=any_one.get("reference", ""),
            since=any_one.get("since"),
            until=any_one.get("until"),
        )
        return Shape(
            ("audit", name, alike),
            lambda: rows(alike),
            any_one,
            values,
            planned_anew=self.said is not None,
            narrowed=lambda ordered: narrowed(alike, ordered),
        )

    def _doer(self) -> Q:
        people = Q(actor__in=self.people) if len(self.people) > 1 else Q(actor=next(iter(self.people), None))
        part = Q(actor=None, actor_text=self.part)
        if self.people:
            return people | part if self.part else people
        return part if self.part else Q(pk__in=[])
