"""Reads of the record: what it can be narrowed by, and one page of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property, partial
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import Exists, Q, QuerySet, TextField, Value

from billing.audit.events import Event
from billing.audit.groups import GROUPS
from billing.audit.models import AuditEvent
from billing.audit.narrowing import Narrowed, Said
from billing.lists.conditions import InPassing, IsAnyOf
from billing.lists.paging import (
    FilterRefused,
    Shape,
    Slice,
    check_search,
    cut,
    id_asked_for,
    moment_with_zone,
)
from billing.lists.prepared import NO_MOMENT, NOBODY, Question, kept, no_key, no_text, planned_once
from billing.lists.references import reference_meant
from billing.lists.text import Folded, folded
from billing.users import User

LONGEST = 400
ORDER = "-occurred_at"
READ_ON = (1_000, 5_000)
"""Events that are read on for a text before its words are looked up: 1 ms, and of a text that one in twenty
holds they hold a page. If they hold any at all, as many again: 4 ms, enough for one in a hundred.
"""
NO_PERSON = 0


@dataclass(frozen=True)
class AuditFilter:
    """text: beginnings of words of the subject, the reason or a name, or the beginning of an id, a reference,
    a digest or a sign-in name; capitals, accents and kinds of dashes make no difference.
    event: one event, or the name of a group of them.
    actor: a person's id or username, or a part of the system.
    also_about, also_said: references of requests that concern the customer, or what the text names, as well.

    since is inclusive, until exclusive; both are aware. Raises FilterRefused when made of nonsense.
    """

    text: str = ""
    event: str = ""
    actor: str = ""
    reference: str = ""
    customer_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    also_about: frozenset[str] = frozenset()
    also_said: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.event and self.event not in GROUPS and self.event not in Event.values:
            raise FilterRefused(f"There is no event “{self.event[:40]}”.")
        for given in (self.text, self.actor, self.reference):
            check_search(given, LONGEST, "the record can’t")
        if self.since and self.until and self.since >= self.until:
            raise FilterRefused("The record’s end is not after its beginning.")

    @classmethod
    def from_get(cls, query: Mapping[str, str]) -> AuditFilter:
        """The filter that an address says: `q`, `event`, `actor`, `reference`, `customer`, `since`, `until`.

        A date means that whole day in UTC, also as `until`. Raises FilterRefused.
        """
        reference = query.get("reference", "").strip()
        return cls(
            text=query.get("q", "").strip(),
            event=query.get("event", "").strip(),
            actor=query.get("actor", "").strip(),
            reference=reference_meant(reference) or reference,
            customer_id=id_asked_for(query, "customer"),
            since=read_moment(query.get("since", "")),
            until=read_moment(query.get("until", ""), is_end=True),
        )

    def as_json(self) -> dict[str, str]:
        """The filter as an audit row and an address keep it; what is not set is left out."""
        given = {
            "q": self.text,
            "event": self.event,
            "actor": self.actor,
            "reference": self.reference,
            "customer": str(self.customer_id or ""),
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }
        return {name: value for name, value in given.items() if value}

    def rows(self) -> QuerySet[AuditEvent]:
        """The events that it lets through, in no order."""
        return _rows(self.narrowed)

    @cached_property
    def narrowed(self) -> Narrowed:
        """What it means, with who is meant asked once: one who is known is read in the order of an index."""
        events = GROUPS[self.event].events if self.event in GROUPS else filter(None, [self.event])
        people, part = _doers_meant(self.actor) if self.actor else ((), "")
        return Narrowed(
            events=tuple(sorted(events)),
            is_named=bool(self.actor),
            people=people,
            part=part,
            reference=self.reference,
            customer_id=self.customer_id,
            also_about=self.also_about,
            since=self.since,
            until=self.until,
            said=Said.of(self.text, self.also_said) if self.text else None,
        )


def _doers_meant(actor: str) -> tuple[tuple[int, ...], str]:
    """Whoever signs in so or has this id, and the part of the system that is called so; empty for none."""
    key = int(actor) if actor.isdecimal() else NOBODY
    rows = _meant().rows(username=actor, key=min(key, NOBODY), part=actor)
    ids = sorted({pk for (pk,) in rows})
    return tuple(pk for pk in ids if pk != NO_PERSON), actor if NO_PERSON in ids else ""


@cache
def _meant() -> Question:
    named, part = no_text("username"), no_text("part")
    people = User.objects.filter(Q(username__iexact=named) | Q(pk=NOBODY)).values_list("pk")
    parts = AuditEvent.objects.filter(actor=None, actor_text=part).values_list(Value(NO_PERSON))
    return Question(people.union(parts[:1]), username=named, key=NOBODY, part=part)


def _rows(narrowed: Narrowed) -> QuerySet[AuditEvent]:
    """The events, in no order."""
    rows = _of_any_text(narrowed)
    return rows.filter(narrowed.said.condition()) if narrowed.said else rows


def _of_any_text(narrowed: Narrowed) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(narrowed.condition()).defer("words")


def _read_on(number: int) -> Callable[[Narrowed, QuerySet[AuditEvent]], QuerySet[AuditEvent]]:
    """Of so many ordered events those that hold the text, and whether there are more to read on."""

    def narrow(narrowed: Narrowed, ordered: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        keys = ordered.values("pk")
        next_ones = IsAnyOf("pk", ArraySubquery(keys[:number]))
        goes_on = ordered.annotate(goes_on=Exists(keys[number : number + 1]))
        return goes_on.filter(next_ones, InPassing(narrowed.said.condition()))

    return narrow


def _looked_up(narrowed: Narrowed, ordered: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    """Of some ordered events those that hold the text, by its words."""
    found = ordered.filter(narrowed.said.condition()).order_by().values("pk")
    return ordered.filter(IsAnyOf("pk", ArraySubquery(found)))


def _first(narrowed: Narrowed, asked: Callable[[Shape], list[AuditEvent]], most: int) -> list[AuditEvent]:
    """The first of some ordered events that hold its text; one query, or up to three where few hold it.

    A text that many hold is soon met by reading on; one that few hold is found by its words. Which it
    is shows by trying: how often a beginning of a word occurs, and when, no statistics know. Only of a
    request's whole number we know that few hold it.
    """
    for number in () if narrowed.said.is_one_request else READ_ON:
        met = asked(narrowed.shape(f"read on {number}", _of_any_text, _read_on(number)))
        if len(met) == most or (met and not met[0].goes_on):
            return met
        if not met:
            break
    return asked(narrowed.shape("looked up", _of_any_text, _looked_up))


def page(wanted: AuditFilter, cursor: str | None = None, limit: int = 50) -> Slice[AuditEvent]:
    """One page of events, newest first, in one query, and one more each for an actor and a text.

    Raises CursorRefused.
    """
    narrowed = wanted.narrowed
    return cut(
        narrowed.shape("of any text", _of_any_text),
        order=ORDER,
        column="occurred_at",
        cursor=cursor,
        limit=limit,
        parse_key=moment_with_zone,
        key_of=lambda event: (event.occurred_at.isoformat(), str(event.pk)),
        first=partial(_first, narrowed) if narrowed.said else None,
    )


def customers_once_called(name: str, most: int = 2, *, whole: bool) -> list[UUID]:
    """Whom the record has by this name, or by a name that begins so, as it was then; so many at most."""
    named = AuditEvent.objects.filter(customer_id__isnull=False).alias(was=Folded("customer_name"))
    wanted = folded(name)
    rows = named.filter(was=wanted) if whole else named.filter(was__startswith=wanted)
    return list(rows.order_by().values_list("customer_id", flat=True).distinct()[:most]) if wanted else []


def doers() -> list[tuple[str, str]]:
    """Everybody whom the record may name as (what the filter takes, name), by name: people, then parts."""
    with planned_once() as cursor:
        cursor.execute(_DOERS)
        rows = cursor.fetchall()
    people = sorted(((folded(name), name, username) for is_person, username, name in rows if is_person))
    parts = sorted(name for is_person, _, name in rows if not is_person)
    return [*((username, name) for _, name, username in people), *((part, part) for part in parts)]


_DOERS = """
WITH RECURSIVE parts(part) AS (
    SELECT min(actor_text) FROM billing_auditevent WHERE actor_id IS NULL
    UNION ALL
    SELECT (SELECT min(actor_text) FROM billing_auditevent WHERE actor_id IS NULL AND actor_text > part)
      FROM parts WHERE part IS NOT NULL)
SELECT true, username, name FROM billing_user
UNION ALL
SELECT false, part, part FROM parts WHERE part IS NOT NULL"""
"""Each part is the next entry of an index; how many events it has makes no difference."""


def going_on(wanted: AuditFilter, page: Slice[AuditEvent]) -> set[str]:
    """The requests on a page of which more events follow on the next; one query, on the last page none.

    All of a request's events are few, and an index has them together; each is asked for the rest in passing.
    """
    references = {event.reference for event in page.rows if event.reference}
    if not page.older or not references:
        return set()
    last = page.rows[-1]
    shape = wanted.narrowed.shape("going on", _later)
    asked = kept(
        shape.key, lambda: Question(shape.rows(), planned_anew=shape.planned_anew, **shape.stand_ins, **_LAST)
    )
    found = asked.rows(**shape.values, references=list(references), at=last.occurred_at, key=last.pk)
    return {reference for (reference,) in found}


_LAST: dict[str, Any] = {"references": [no_text("one of them")], "at": NO_MOMENT, "key": no_key("last")}


def _later(narrowed: Narrowed) -> QuerySet[AuditEvent]:
    """The requests of _LAST that have events of a filter which are older than its."""
    at, key = _LAST["at"], _LAST["key"]
    older = Q(occurred_at__lt=at) | Q(occurred_at=at, pk__lt=key)
    text = narrowed.said.condition() if narrowed.said else Q()
    one_of_them = IsAnyOf("reference", Value(_LAST["references"], ArrayField(TextField())))
    rows = AuditEvent.objects.filter(one_of_them, InPassing(older & narrowed.condition() & text))
    return rows.order_by().values_list("reference").distinct()


def events_of(reference: str) -> QuerySet[AuditEvent]:
    """Everything the record says of one change request, in the order it happened."""
    return AuditEvent.objects.filter(reference=reference).order_by("id")


def read_moment(text: str, *, is_end: bool = False) -> datetime | None:
    """An ISO 8601 time with a zone, or a date in UTC; None for nothing. As an end, a date includes its day.

    Raises FilterRefused.
    """
    text = text.strip()
    if not text:
        return None
    try:
        if len(text) == 10:
            day = date.fromisoformat(text) + timedelta(days=is_end)
            return datetime.combine(day, time(), UTC)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise FilterRefused(f"“{text[:40]}” is not a date such as 2026-07-01.") from problem
    raise FilterRefused(f"“{text[:40]}” does not say its time zone, such as Z.")
