"""Reads of notices and mails for pages. Nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, QuerySet
from django.db.models.functions import Now

from billing.lists.paging import Slice, cut, moment_with_zone
from billing.notify.models import UNDER_WAY, Mail, MailState, Notice
from billing.users import User

MOST_COUNTED = 100
"""Where the count of unread notices stops: more is "99+"."""
LATELY = timedelta(days=7)
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Post:
    """How mail gets on. `trouble`: what the server last said of a mail that waits, empty when all is well."""

    waiting: int
    oldest: datetime | None
    trouble: str
    given_up: list[Mail]


def unread(person: User) -> QuerySet[Notice]:
    """Up to MOST_COUNTED notices that the person has not read, for counting them."""
    return Notice.objects.filter(person=person, read_at=None).order_by()[:MOST_COUNTED]


def page(person: User, cursor: str | None, limit: int) -> Slice[Notice]:
    """Up to `limit` notices of one person, newest first, from the cursor on. Raises CursorRefused."""
    return cut(
        Notice.objects.filter(person=person).order_by("-told_at", "-pk"),
        order="-told_at",
        column="told_at",
        cursor=cursor,
        limit=limit,
        parse_key=moment_with_zone,
        key_of=lambda notice: (notice.told_at.isoformat(), str(notice.pk)),
    )


def undelivered(person: User) -> Mail | None:
    """The person's newest mail, when it could not be delivered; None when it could, or is on its way."""
    newest = Mail.objects.filter(person=person).order_by("-made_at", "-pk").first()
    return newest if newest is not None and newest.state == MailState.GIVEN_UP else None


def post() -> Post:
    """Mails under way, and those given up within a week, the newest SHOWN of them. Three queries."""
    waiting = Mail.objects.filter(state__in=UNDER_WAY).order_by()
    sums = waiting.aggregate(number=Count("*"), oldest=Min("made_at"))
    told = waiting.exclude(error="").order_by("next_try_at").values_list("error", flat=True)
    given_up = Mail.objects.filter(state=MailState.GIVEN_UP, made_at__gte=Now() - LATELY)
    rows = given_up.select_related("person").order_by("-made_at", "-pk")[:SHOWN]
    return Post(sums["number"], sums["oldest"], told.first() or "", list(rows))
