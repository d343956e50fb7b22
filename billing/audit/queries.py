"""Reads of the record: what it can be narrowed by, and one page of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from billing.audit.events import Event
from billing.audit.models import AuditEvent
from billing.lists.paging import FilterRefused, Slice, cut, is_storable, moment_with_zone
from billing.lists.references import reference_meant
from billing.users import User

LONGEST = 400
ORDER = "-occurred_at"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """text: a part of the subject, the reason or a name, or a digest's beginning.
    actor: a person's id or username, or a part of the system.

    since is inclusive, until exclusive; both are aware. Raises FilterRefused when made of nonsense.
    """

    text: str = ""
    event: str = ""
    actor: str = ""
    reference: str = ""
    customer_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.event and self.event not in Event.values:
            raise FilterRefused(f"There is no event “{self.event[:40]}”.")
        for given in (self.text, self.actor, self.reference):
            if len(given) > LONGEST:
                raise FilterRefused(f"The search is longer than {LONGEST} characters.")
            if not is_storable(given):
                raise FilterRefused("The search holds a character that the record can’t hold.")
        if self.since and self.until and self.since >= self.until:
            raise FilterRefused("The record’s end is not after its beginning.")

    @classmethod
    def from_get(cls, query: Mapping[str, str]) -> AuditFilter:
        """The filter that an address says: `q`, `event`, `actor`, `reference`, `customer`, `since`, `until`.

        A date means that whole day in UTC, also as `until`. Raises FilterRefused.
        """
        customer = query.get("customer", "").strip()
        reference = query.get("reference", "").strip()
        try:
            customer_id = UUID(customer) if customer else None
        except ValueError as problem:
            raise FilterRefused(f"“{customer[:40]}” is not a customer’s id.") from problem
        return cls(
            text=query.get("q", "").strip(),
            event=query.get("event", "").strip(),
            actor=query.get("actor", "").strip(),
            reference=reference_meant(reference) or reference,
            customer_id=customer_id,
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
        rows = AuditEvent.objects.all()
        if self.event:
            rows = rows.filter(event_type=self.event)
        if self.actor:
            person = Q(username__iexact=self.actor) | (Q(pk=self.actor) if self.actor.isdecimal() else Q())
            rows = rows.filter(
                Q(actor__in=User.objects.filter(person)) | Q(actor=None, actor_text=self.actor)
            )
        if self.reference:
            rows = rows.filter(reference=self.reference)
        if self.customer_id:
            rows = rows.filter(customer_id=self.customer_id)
        if self.since:
            rows = rows.filter(occurred_at__gte=self.since)
        if self.until:
            rows = rows.filter(occurred_at__lt=self.until)
        if self.text:
            rows = rows.filter(
                Q(subject_text__icontains=self.text)
                | Q(subject_id__icontains=self.text)
                | Q(reason__icontains=self.text)
                | Q(actor_text__icontains=self.text)
                | Q(reference__icontains=self.text)
                | Q(digest__startswith=self.text.lower())
            )
        return rows


def page(wanted: AuditFilter, cursor: str | None = None, limit: int = 50) -> Slice[AuditEvent]:
    """One page of events, newest first, in one query. Raises CursorRefused."""
    return cut(
        wanted.rows(),
        order=ORDER,
        column="occurred_at",
        cursor=cursor,
        limit=limit,
        parse_key=moment_with_zone,
        key_of=lambda event: (event.occurred_at.isoformat(), str(event.pk)),
    )


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
