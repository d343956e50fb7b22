"""Reads of change requests for pages. Nothing here writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, reduce
from operator import or_
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Concat
from django.db.models.lookups import Exact, IsNull

from billing.changes.models import (
    ApprovalStep,
    Call,
    ChangeRequest,
    Decision,
    Hold,
    Resolution,
    Upshot,
    Verdict,
    counting_approvals,
)
from billing.changes.people import PERSON
from billing.changes.statuses import OPEN, Status
from billing.lists.conditions import IsAnyOf
from billing.lists.paging import Shape, Slice, cut, moment_with_zone
from billing.lists.prepared import Question, Records, no_id, no_key, no_text, planned_once
from billing.metronome.operations.base import thing
from billing.roles import DECIDES, Can
from billing.users import User

WAITING_CAP = 100
"""Where the count of what waits for somebody stops: more is "99+"."""


def waiting_for(person: User) -> QuerySet[ChangeRequest]:
    """Requests that this person can act on now: decide, resolve or second. Oldest first.

    One walk along `requests_open_by_age`, which asks each open request and ends at the limit of the caller.
    """
    arms, statuses = [], OPEN - {Status.SUBMITTED}
    said = Resolution.objects.filter(carried_out_at__isnull=True)
    if person.may(*DECIDES):
        statuses = OPEN
        is_open_to_them = _undecided_by(person) & _has_open_step_for(person) & _is_not_about(person)
        arms.append(Q(status=Status.SUBMITTED) & is_open_to_them)
    if person.may(Can.DECIDE) or person.may(Can.RESOLVE):
        unseconded = said.filter(needs_second=True, seconded_by__isnull=True).exclude(by=person)
        arms.append(_never_decided_by(person) & Q(pk__in=unseconded.values("change_id")))
    if person.may(Can.RESOLVE):
        arms.append(Q(needs_person=True) & _never_decided_by(person) & ~Q(pk__in=said.values("change_id")))
    if not arms:
        return ChangeRequest.objects.none().order_by("submitted_at", "pk")
    requests = ChangeRequest.objects.filter(reduce(or_, arms), status__in=sorted(statuses))
    return requests.exclude(maker=person).select_related("maker").order_by("submitted_at", "pk")


def _undecided_by(person: User) -> Exact:
    """Whether nothing that they said of it stands: nothing at all, or what they took back.

    Asked of each request as the walk meets it; NOT EXISTS would first read all that they ever decided.
    """
    own = Decision.objects.filter(change=OuterRef("pk"), checker=person).order_by("-number")
    return Exact(Coalesce(Subquery(own.values("verdict")[:1]), Value(Verdict.TAKE_BACK)), Verdict.TAKE_BACK)


def _never_decided_by(person: User) -> IsNull:
    """Whether they have said nothing of it, ever: who has, resolves nothing of it."""
    own = Decision.objects.filter(change=OuterRef("pk"), checker=person).order_by()
    return IsNull(Subquery(own.values("pk")[:1]), True)


def _is_not_about(person: User) -> IsNull:
    """Whether it changes nothing of this person's own rights: nobody decides that of themselves."""
    self = Concat(Value(f"{PERSON}:"), Cast(Value(person.pk, BigIntegerField()), TextField()))
    own = Hold.objects.filter(change=OuterRef("pk"), thing=self).order_by()
    return IsNull(Subquery(own.values("pk")[:1]), True)


def _has_open_step_for(person: User) -> Exists:
    """Whether a step for this person's role still needs somebody."""
    given = (
        Decision.objects.filter(counting_approvals(), step=OuterRef("pk"))
        .order_by()
        .values("step")
        .values(number=Count("pk"))
    )
    steps = ApprovalStep.objects.filter(change=OuterRef("pk"), role=person.role)
    return Exists(steps.filter(people__gt=Coalesce(Subquery(given), 0)))


def waited_for(changes: list[ChangeRequest]) -> dict[int, ChangeRequest]:
    """Approved request → the request whose outcome it waits for, busy with what it writes to, too.

    Two queries at most.
    """
    waiting = [change.pk for change in changes if change.status == Status.APPROVED]
    wanted = Hold.objects.filter(change__in=waiting, is_open=True) if waiting else Hold.objects.none()
    busy = Hold.objects.filter(is_busy=True, owner=OuterRef("owner")).exclude(change=OuterRef("change"))
    rows = wanted.annotate(by=Subquery(busy.values("change")[:1])).filter(by__isnull=False)
    holder_of = dict(rows.order_by("-owner").values_list("change", "by"))
    holders = ChangeRequest.objects.defer("sealed").in_bulk(set(holder_of.values())) if holder_of else {}
    return {pk: holders[holder] for pk, holder in holder_of.items()}


def that_differ(changes: Iterable[ChangeRequest]) -> set[int]:
    """The keys of those that came out differently from what was shown; one query if any is applied."""
    applied = [change.pk for change in changes if change.status == Status.APPLIED]
    differing = Upshot.objects.filter(change__in=applied, missed__gt=0)
    return set(differing.values_list("change_id", flat=True)) if applied else set()


def made_by(person: User) -> QuerySet[ChangeRequest]:
    """The person's own requests, newest first."""
    return ChangeRequest.objects.filter(maker=person).select_related("maker").order_by("-submitted_at", "-pk")


def all_requests(_person: User | None = None) -> QuerySet[ChangeRequest]:
    """Every request, newest first."""
    return ChangeRequest.objects.select_related("maker").order_by("-submitted_at", "-pk")


def open_on(customer_ids: Iterable[UUID]) -> dict[UUID, ChangeRequest]:
    """Customer → the newest open request that writes to it, for those that have one; one query.

    Of a request only what a list shows of it is read.
    """
    of = {thing("customer", str(customer_id)): customer_id for customer_id in customer_ids}
    return {of[row.owner]: row.change for row in _open_holds().asked(owners=list(of))}


@cache
def _open_holds() -> Records:
    one_of = IsAnyOf("owner", Value([no_text("owner")], ArrayField(TextField())))
    rows = Hold.objects.filter(one_of, is_open=True).select_related("change")
    shown = rows.only("owner", "change__reference", "change__status")
    return Records(shown.order_by("change__submitted_at", "change"), owners=[no_text("owner")])


def for_customer(customer_id: UUID | str) -> QuerySet[ChangeRequest]:
    """Requests that write to one customer, newest first; the one that created it, too."""
    made = Call.objects.filter(operation="customers.create").alias(made=KT("result__id"))
    about = ChangeRequest.objects.filter(customer_id=customer_id).values("pk")
    also = Hold.objects.filter(owner=thing("customer", str(customer_id))).values("change_id")
    ids = about.union(made.filter(made=str(customer_id)).values("change_id"), also)  # each arm has an index
    requests = ChangeRequest.objects.filter(pk__in=ids)
    return requests.select_related("maker").order_by("-submitted_at", "-pk")


def latest_for_customer(customer_id: UUID, number: int) -> list[ChangeRequest]:
    """The newest of them, so many at most."""
    text = str(customer_id)
    return _latest(number).asked(customer=customer_id, text=text, owner=thing("customer", text))


@cache
def _latest(number: int) -> Records:
    customer = no_id("customer")
    owner = thing("customer", str(customer))
    return Records(for_customer(customer)[:number], customer=customer, text=str(customer), owner=owner)


def also_writing_to(customer_id: UUID | str) -> frozenset[str]:
    """The references of requests that are about another customer and write to this one as well."""
    held = Hold.objects.filter(owner=thing("customer", str(customer_id))).exclude(change__customer_id=None)
    return frozenset(
        held.exclude(change__customer_id=customer_id).values_list("change__reference", flat=True)
    )


def whole(rows_of: Callable[[User], QuerySet[ChangeRequest]], person: User) -> Shape:
    """One of a person's lists above, unfiltered: the same query for all of one role."""
    alike = User(pk=no_key("person"), role=person.role, is_active=person.is_active)
    key = (rows_of.__name__, person.role, person.is_active)
    return Shape(key, lambda: rows_of(alike), {"person": alike.pk}, {"person": person.pk})


def page(
    rows: QuerySet[ChangeRequest] | Shape, cursor: str | None, limit: int = 50, *, order: str
) -> Slice[ChangeRequest]:
    """Up to `limit` of a list above, in its own order, from the cursor on. Raises CursorRefused.

    order: `submitted_at`, or `-submitted_at` for the newest first.
    """
    return cut(
        rows,
        order=order,
        column="submitted_at",
        cursor=cursor,
        limit=limit,
        parse_key=moment_with_zone,
        key_of=lambda change: (change.submitted_at.isoformat(), str(change.pk)),
    )


def open_for_customer(customer_id: UUID | str) -> list[ChangeRequest]:
    """Open requests on one customer, newest first."""
    return list(for_customer(customer_id).filter(status__in=OPEN))


def counts_of_open() -> dict[Status, int]:
    """How many requests stand in each status that leads on; a status without any is left out."""
    return {Status(status): number for status, number in _open_ones().rows()}


@cache
def _open_ones() -> Question:
    open_ones = ChangeRequest.objects.filter(status__in=sorted(OPEN)).order_by()
    return Question(open_ones.values_list("status").annotate(number=Count("*")))


def troubles(refused_since: datetime) -> QuerySet[ChangeRequest]:
    """Open requests that no worker can carry on with alone, and refusals since then that nobody took up."""
    stuck = Q(status__in=[Status.UNKNOWN, Status.PARTLY_APPLIED, Status.BLOCKED]) | Q(needs_person=True)
    unfinished = ChangeRequest.objects.filter(stuck, status__in=sorted(OPEN - {Status.SUBMITTED}))
    refused = ChangeRequest.objects.filter(
        status=Status.REFUSED, settled_at__gte=refused_since, replaced_by__isnull=True
    )
    ids = unfinished.values("pk").union(refused.values("pk"), all=True)
    rows = ChangeRequest.objects.filter(pk__in=ids).select_related("maker")
    return rows.order_by("-needs_person", "-submitted_at")


def newest_events_for(person: User, most: int) -> list[int]:
    """The ids of the newest events that are a person's own or about a request of theirs; so many at most.

    Of their requests the newest 50 are looked at, and those that are still open.
    """
    with planned_once() as cursor:
        cursor.execute(_OWN_EVENTS, {"person": person.pk, "most": most})
        return [pk for (pk,) in cursor.fetchall()]


_OWN_EVENTS = """
WITH own AS MATERIALIZED (
    (SELECT reference FROM billing_changerequest WHERE maker_id = %(person)s
      ORDER BY submitted_at DESC LIMIT 50)
    UNION
    SELECT reference FROM billing_changerequest WHERE maker_id = %(person)s AND status IN (OPEN))
SELECT id FROM (
    (SELECT id FROM billing_auditevent WHERE actor_id = %(person)s
      ORDER BY occurred_at DESC, id DESC LIMIT %(most)s)
    UNION
    SELECT newest.id FROM own, LATERAL (
        SELECT id FROM billing_auditevent WHERE reference = own.reference
         ORDER BY id DESC LIMIT %(most)s) newest) found
 ORDER BY id DESC LIMIT %(most)s""".replace("OPEN", ", ".join(f"'{status.value}'" for status in sorted(OPEN)))
"""Of each request a few entries of an index: all events of a thousand open ones took 15 ms to sort."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Approvals given of approvals needed."""

    given: int
    needed: int


def approvals(change_ids: list[int]) -> dict[int, Progress]:
    """How far the approvals of each request are, in two queries however many there are."""
    needed, given = (dict(question.rows(changes=change_ids)) for question in _approvals())
    return {pk: Progress(given=given.get(pk, 0), needed=total) for pk, total in needed.items()}


@cache
def _approvals() -> tuple[Question, Question]:
    some = [no_key("change")]
    one_of = IsAnyOf("change_id", Value(some, ArrayField(BigIntegerField())))
    needed = ApprovalStep.objects.filter(one_of).order_by().values_list("change_id")
    given = Decision.objects.filter(counting_approvals(), one_of).order_by().values_list("change_id")
    return (
        Question(needed.annotate(total=Sum("people")), changes=some),
        Question(given.annotate(total=Count("pk")), changes=some),
    )
