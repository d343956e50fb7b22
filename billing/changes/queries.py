"""Reads of change requests for pages. Nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.fields.json import KT

from billing.audit.paging import Slice, cut, moment_with_zone
from billing.changes.models import ApprovalStep, Call, ChangeRequest, Decision, Resolution, counting_approvals
from billing.changes.statuses import IN_DOUBT, OPEN, Status
from billing.roles import Can
from billing.users import User


def waiting_for(person: User) -> QuerySet[ChangeRequest]:
    """Requests that this person can act on now: decide, resolve or second. Oldest first."""
    mine = Q(pk__in=[])
    said = Resolution.objects.filter(carried_out_at__isnull=True)
    if person.may(Can.DECIDE):
        mine |= Q(pk__in=_undecided_by(person))
    if person.may(Can.DECIDE) or person.may(Can.RESOLVE):
        unseconded = said.filter(needs_second=True, seconded_by__isnull=True).exclude(by=person)
        mine |= Q(pk__in=unseconded.values("change_id")) & ~Q(maker=person)
    if person.may(Can.RESOLVE):
        others = ~Q(maker=person) & ~Q(pk__in=Decision.objects.filter(checker=person).values("change_id"))
        mine |= Q(needs_person=True) & others & ~Q(pk__in=said.values("change_id"))
    return ChangeRequest.objects.filter(mine).select_related("maker").order_by("submitted_at", "pk")


def _undecided_by(person: User) -> QuerySet:
    """Submitted requests of others with an open step for this person's role that they have not decided."""
    open_steps = (
        ApprovalStep.objects.filter(role=person.role, change__status=Status.SUBMITTED)
        .annotate(approvals=Count("decisions", filter=counting_approvals("decisions__")))
        .filter(people__gt=F("approvals"))
        .exclude(change__maker=person)
    )
    return open_steps.exclude(change__decisions__checker=person).values("change_id")


def waited_for(changes: list[ChangeRequest]) -> dict[int, ChangeRequest]:
    """Approved request → the request on the same customer whose outcome it waits for. One query at most."""
    waiting = [change for change in changes if change.status == Status.APPROVED and change.customer_id]
    if not waiting:
        return {}
    doubtful = ChangeRequest.objects.filter(
        customer_id__in={change.customer_id for change in waiting}, status__in=IN_DOUBT
    ).defer("sealed")
    holders = {holder.customer_id: holder for holder in doubtful.order_by("-submitted_at")}
    return {change.pk: holders[change.customer_id] for change in waiting if change.customer_id in holders}


def made_by(person: User) -> QuerySet[ChangeRequest]:
    """The person's own requests, newest first."""
    return ChangeRequest.objects.filter(maker=person).select_related("maker").order_by("-submitted_at", "-pk")


def all_requests(status: str = "") -> QuerySet[ChangeRequest]:
    """Every request, newest first; only those of one status when it is given."""
    requests = ChangeRequest.objects.select_related("maker").order_by("-submitted_at", "-pk")
    return requests.filter(status=status) if status else requests


def for_customer(customer_id: UUID | str) -> QuerySet[ChangeRequest]:
    """Requests on one customer, newest first; the one that created it, too."""
    made = Call.objects.filter(operation="customers.create").alias(made=KT("result__id"))
    return (
        ChangeRequest.objects.filter(
            Q(customer_id=customer_id) | Q(pk__in=made.filter(made=str(customer_id)).values("change_id"))
        )
        .select_related("maker")
        .order_by("-submitted_at", "-pk")
    )


def page(rows: QuerySet[ChangeRequest], cursor: str | None, limit: int = 50) -> Slice[ChangeRequest]:
    """Up to `limit` of a list above, in its own order, from the cursor on. Raises CursorRefused."""
    order = str(rows.query.order_by[0])
    return cut(
        rows,
        order=order,
        column=order.removeprefix("-"),
        cursor=cursor,
        limit=limit,
        parse_key=moment_with_zone,
        key_of=lambda change: (change.submitted_at.isoformat(), str(change.pk)),
    )


def open_for_customer(customer_id: UUID | str) -> list[ChangeRequest]:
    """Open requests on one customer, newest first."""
    return list(for_customer(customer_id).filter(status__in=OPEN))


def counts_by_status() -> dict[Status, int]:
    """How many requests stand where."""
    rows = ChangeRequest.objects.order_by().values_list("status").annotate(number=Count("pk"))
    return {Status(status): number for status, number in rows}


@dataclass(frozen=True, slots=True)
class Progress:
    """Approvals given of approvals needed."""

    given: int
    needed: int


def approvals(change_ids: list[int]) -> dict[int, Progress]:
    """How far the approvals of each request are, in two queries however many there are."""
    needed = dict(
        ApprovalStep.objects.filter(change_id__in=change_ids)
        .order_by()
        .values_list("change_id")
        .annotate(total=Sum("people"))
    )
    given = dict(
        Decision.objects.filter(counting_approvals(), change_id__in=change_ids)
        .order_by()
        .values_list("change_id")
        .annotate(total=Count("pk"))
    )
    return {pk: Progress(given=given.get(pk, 0), needed=total) for pk, total in needed.items()}
