"""Reads of the record: what it can be narrowed by, and one page of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat
from django.db.models.lookups import Contains

from billing.audit.events import GROUPS, Event
from billing.audit.models import AuditEvent
from billing.lists.conditions import InPassing, IsAnyOf
from billing.lists.paging import FilterRefused, Slice, check_search, cut, id_asked_for, moment_with_zone
from billing.lists.prepared import planned_once
from billing.lists.references import is_whole_reference, reference_meant
from billing.lists.text import Folded, FoldedWhole, HasWords, WordsWanted, folded, unspaced_runs
from billing.users import User

LONGEST = 400
ORDER = "-occurred_at"
READ_ON = (1_000, 5_000)
"""Events that are read on for a text before its words are looked up: 1 ms, and of a text that one in twenty
holds they hold a page. If they hold any at all, as many again: 4 ms, enough for one in a hundred.
"""
SPOKEN = ("subject_text", Value(" "), "reason", Value(" "), "actor_text")
NO_PERSON = 0
NO_REFERENCE = "-"
"""What no event has as its reference; most have none, which is empty."""


@dataclass(frozen=True, slots=True)
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
        rows = self.rows_of_any_text()
        return rows.filter(self._says()) if self.text else rows

    def first(self, ordered: QuerySet[AuditEvent], most: int) -> list[AuditEvent]:
        """The first of some ordered rows that hold its text; one query, or up to three where few hold it.

        A text that many hold is soon met by reading on; one that few hold is found by its words. Which it
        is shows by trying: how often a beginning of a word occurs, and when, no statistics know. Only of a
        request's whole number we know that few hold it.
        """
        ordered = ordered.defer("words")
        if not self.text:
            return list(ordered[:most])
        for number in () if is_whole_reference(self.text) else READ_ON:
            keys = ordered.values("pk")
            next_ones = IsAnyOf("pk", ArraySubquery(keys[:number]))
            met = list(
                ordered.annotate(goes_on=Exists(keys[number : number + 1])).filter(
                    next_ones, InPassing(self._says())
                )[:most]
            )
            if len(met) == most or (met and not met[0].goes_on):
                return met
            if not met:
                break
        found = ordered.filter(self._says()).order_by()
        return list(ordered.filter(IsAnyOf("pk", ArraySubquery(found.values("pk"))))[:most])

    def rows_of_any_text(self) -> QuerySet[AuditEvent]:
        """The events that all but its text lets through, in no order."""
        rows = AuditEvent.objects.all()
        if self.event in GROUPS:
            rows = rows.filter(event_type__in=GROUPS[self.event].events)
        elif self.event:
            rows = rows.filter(event_type=self.event)
        if self.actor:
            rows = rows.filter(self._doer())
        if self.reference:
            rows = rows.filter(reference=self.reference)
        if self.customer_id:
            about = Q(customer_id=self.customer_id)
            rows = rows.filter(about | Q(reference__in=self.also_about) if self.also_about else about)
        if self.since:
            rows = rows.filter(occurred_at__gte=self.since)
        if self.until:
            rows = rows.filter(occurred_at__lt=self.until)
        return rows

    def _says(self) -> Q:
        """Its text as a request's number, beginnings of words, or the beginning of a sign-in name."""
        number = Q(reference=reference_meant(self.text) or NO_REFERENCE)
        wanted = folded(self.text)
        words = Q(HasWords("words", WordsWanted(Value(wanted))))
        for run in unspaced_runs(self.text):
            words &= Q(Contains(FoldedWhole(Concat(*SPOKEN, output_field=TextField())), Value(run)))
        people = User.objects.alias(folded=Folded("username")).filter(folded__startswith=wanted)
        if self.also_said:
            number |= Q(reference__in=self.also_said)
        return number | words | Q(IsAnyOf("actor", ArraySubquery(people.values("pk"))))

    def _doer(self) -> Q:
        """The events of whoever signs in so or has this id, and of a part of the system of this name.

        Who that is is asked first: one that is known is read in the order of an index.
        """
        person = Q(username__iexact=self.actor)
        if self.actor.isdecimal():
            person |= Q(pk=self.actor)
        parts = AuditEvent.objects.filter(actor=None, actor_text=self.actor)
        meant = User.objects.filter(person).values_list("pk", flat=True)
        ids = set(meant.union(parts.values_list(Value(NO_PERSON))[:1]))
        doer = Q(actor__in=ids - {NO_PERSON}) if ids - {NO_PERSON} else Q(pk__in=[])
        return doer | Q(actor=None, actor_text=self.actor) if NO_PERSON in ids else doer


def page(wanted: AuditFilter, cursor: str | None = None, limit: int = 50) -> Slice[AuditEvent]:
    """One page of events, newest first, in one query, and one more each for an actor and a text.

    Raises CursorRefused.
    """
    return cut(
        wanted.rows_of_any_text(),
        order=ORDER,
        column="occurred_at",
        cursor=cursor,
        limit=limit,
        parse_key=moment_with_zone,
        key_of=lambda event: (event.occurred_at.isoformat(), str(event.pk)),
        first=wanted.first,
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
    """The requests on a page of which more events follow on the next; one query, on the last page none."""
    references = {event.reference for event in page.rows if event.reference}
    if not page.older or not references:
        return set()
    last = page.rows[-1]
    later = Q(occurred_at__lt=last.occurred_at) | Q(occurred_at=last.occurred_at, pk__lt=last.pk)
    more = wanted.rows().filter(later, reference__in=references).order_by()
    return set(more.values_list("reference", flat=True).distinct())


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
