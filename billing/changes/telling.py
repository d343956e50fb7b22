"""Who is told what when a request moves, in the same transaction. Mail and pages are `billing.notify`'s."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, Model, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Now

from billing.changes.models import (
    ApprovalStep,
    Attempt,
    ChangeRequest,
    Decision,
    Resolution,
    Verdict,
    counting_approvals,
    last_words,
)
from billing.changes.oddities import spelled
from billing.changes.people import second_persons, subjects_of
from billing.changes.statuses import OPEN, Status
from billing.notify.models import About, Notice
from billing.notify.telling import settle, tell
from billing.roles import Can, roles_with
from billing.users import User

_HAS_A_WORD = Exists(
    Resolution.objects.filter(
        change=OuterRef("pk"), needs_second=True, seconded_by__isnull=True, carried_out_at__isnull=True
    )
)
"""A person's word waits for a second one: no other is needed now."""
MOST_AT_ONCE = 50
LAPSES_WITHIN = timedelta(days=1)
NEEDING = sorted(OPEN - {Status.SUBMITTED})
FROM_DOUBT = (Status.UNKNOWN, Status.PARTLY_APPLIED)
NEEDS_AN_END = (*FROM_DOUBT, Status.BLOCKED)
TO_MAKER: dict[tuple[Status, Status], About] = {
    (Status.SUBMITTED, Status.APPROVED): About.APPROVED,
    (Status.SUBMITTED, Status.REJECTED): About.REJECTED,
    **{(old, Status.EXPIRED): About.EXPIRED for old in (Status.SUBMITTED, Status.APPROVED)},
    **{(old, Status.STALE): About.STALE for old in (Status.SUBMITTED, Status.APPROVED, Status.APPLYING)},
    (Status.APPLYING, Status.REFUSED): About.REFUSED,
    **{(old, Status.APPLIED): About.APPLIED for old in FROM_DOUBT},
    **{(old, Status.CLOSED): About.CLOSED for old in NEEDS_AN_END},
}
"""What the maker hears when their request moves so. *Applied* is news only after a person was needed."""


def submitted(change: ChangeRequest) -> None:
    """Tell everybody whose step is open that it waits for them."""
    _tell(_deciders(change), About.WAITS, change, f"{change.reference}:waits")


def decided(change: ChangeRequest, by: User) -> None:
    """It no longer waits for whoever has just decided one of its steps."""
    settle(change.reference, (About.WAITS, About.LAPSES), person=by)


def taken_back(change: ChangeRequest, decision: Decision) -> None:
    """Tell the maker that an approval they had counts no more."""
    facts = [("By", decision.checker.name), ("Why", decision.reason)]
    key = f"{change.reference}:taken_back:{decision.number}"
    _tell(User.objects.filter(pk=change.maker_id), About.TAKEN_BACK, change, key, facts)


def moved(change: ChangeRequest, old: Status) -> None:
    """Tell the maker what became of it, and take back what no longer waits for anybody."""
    now = Status(change.status)
    if old == Status.SUBMITTED:
        settle(change.reference, (About.WAITS, About.LAPSES))
    if old in FROM_DOUBT or now == Status.CLOSED:
        settle(change.reference, (About.WAITS, About.UNKNOWN))
    about = TO_MAKER.get((old, now))
    if about == About.APPLIED and not _needed_a_person(change):
        return
    if about is not None:
        _tell(User.objects.filter(pk=change.maker_id), about, change, f"{change.reference}:{now}")


def said(change: ChangeRequest, word: Resolution) -> None:
    """A person has settled what needed one; tell those who may be the second person, where it takes one."""
    settle(change.reference, (About.UNKNOWN,))
    if word.needs_second and word.seconded_by_id is None:
        facts = [("Said", word.get_verdict_display()), ("By", word.by.name), ("Why", word.reason)]
        _tell(
            second_persons(change, word.by_id),
            About.WAITS,
            change,
            f"{change.reference}:second:{word.pk}",
            facts,
        )
    else:
        settle(change.reference, (About.WAITS,))


def disagreed(change: ChangeRequest, word: Resolution) -> None:
    """A second person disagreed: whoever said the first word is told, and it waits for no second any more."""
    settle(change.reference, (About.WAITS,))
    facts = [
        ("Said", word.get_verdict_display()),
        ("Disagreed", word.disagreed_by.name),
        ("Why", word.disagreement),
    ]
    first = User.objects.filter(pk=word.by_id)
    _tell(first, About.DISAGREED, change, f"{change.reference}:disagreed:{word.pk}", facts)


def remind() -> int:
    """Tell what became so by itself: that a request needs a person's word, or lapses within a day.

    Who was told is not told again. Each request is asked again under its lock, so that nobody is told of what
    has just been settled. Returns of how many requests somebody was told.
    """
    return sum(map(_tell_of_need, _unheard_of())) + sum(map(_tell_of_end, _lapsing()))


def _unheard_of() -> list[int]:
    """Requests that need a person's word of which nobody was told yet, the oldest first."""
    needing = ChangeRequest.objects.filter(~_HAS_A_WORD, needs_person=True, status__in=NEEDING)
    keys = _keys_of_need(needing)
    told = Notice.objects.filter(about=About.UNKNOWN, reference__in=needing.values("reference"))
    known = set(told.values_list("key", flat=True))
    return [pk for pk, key in keys.items() if key not in known][:MOST_AT_ONCE]


def _lapsing() -> list[int]:
    """Undecided requests that expire within a day, of which nobody was told yet."""
    told = Notice.objects.filter(reference=OuterRef("reference"), about=About.LAPSES)
    due = ChangeRequest.objects.filter(
        ~Exists(told), status=Status.SUBMITTED, expires_at__lte=Now() + LAPSES_WITHIN
    )
    return list(due.order_by("expires_at", "pk").values_list("pk", flat=True)[:MOST_AT_ONCE])


@transaction.atomic
def _tell_of_need(change_id: int) -> bool:
    """Tell those who may resolve it, and its maker."""
    change = _locked(change_id, ~_HAS_A_WORD, needs_person=True, status__in=NEEDING)
    if change is None:
        return False
    key = _keys_of_need(ChangeRequest.objects.filter(pk=change_id))[change_id]
    deciders = Decision.objects.filter(change=change).values("checker_id")
    resolvers = User.objects.filter(role__in=roles_with(Can.RESOLVE)).exclude(pk__in=deciders)
    _tell(resolvers | User.objects.filter(pk=change.maker_id), About.UNKNOWN, change, key)
    return True


@transaction.atomic
def _tell_of_end(change_id: int) -> bool:
    """Tell those who could still decide it, and its maker."""
    change = _locked(change_id, status=Status.SUBMITTED)
    if change is None:
        return False
    _tell(
        _deciders(change) | User.objects.filter(pk=change.maker_id),
        About.LAPSES,
        change,
        f"{change.reference}:lapses",
    )
    return True


def _needed_a_person(change: ChangeRequest) -> bool:
    return Notice.objects.filter(reference=change.reference, about=About.UNKNOWN).exists()


def _locked(change_id: int, *also: Q, **still: Any) -> ChangeRequest | None:
    """The request, locked until the transaction ends; None when it is not as it was found any more."""
    requests = ChangeRequest.objects.select_for_update(of=("self",), no_key=True)
    return requests.filter(*also, pk=change_id, **still).first()


def _keys_of_need(requests: QuerySet[ChangeRequest]) -> dict[int, str]:
    """Request → what its need is told under: a new one after each sending, and after each person's word."""
    rows = requests.order_by("submitted_at", "pk").values_list(
        "pk",
        "reference",
        "status",
        Coalesce(_number_of(Resolution, change=OuterRef("pk")), 0),
        Coalesce(_number_of(Attempt, call__change=OuterRef("pk")), 0),
    )
    return {
        pk: f"{reference}:need:{status}:{words}:{attempts}" for pk, reference, status, words, attempts in rows
    }


def _number_of(rows: type[Model], **of: OuterRef) -> Subquery:
    counted = rows.objects.filter(**of).order_by().values(each=Value(1)).annotate(number=Count("pk"))
    return Subquery(counted.values("number"))


def _deciders(change: ChangeRequest) -> QuerySet[User]:
    """Everybody who could fill an open step: of its role, not the maker, and not decided yet."""
    given = Counter(
        Decision.objects.filter(counting_approvals(), change=change).values_list("step_id", flat=True)
    )
    steps = ApprovalStep.objects.filter(change=change)
    roles = {step.role for step in steps if given[step.pk] < step.people}
    said = Decision.objects.filter(last_words(), change=change).exclude(verdict=Verdict.TAKE_BACK)
    decided_already = said.values("checker_id")
    people = User.objects.filter(role__in=roles).exclude(pk=change.maker_id)
    return people.exclude(pk__in=decided_already).exclude(pk__in=subjects_of(change))


def _tell(
    people: QuerySet[User],
    about: About,
    change: ChangeRequest,
    key: str,
    more: Iterable[tuple[str, str]] = (),
) -> None:
    facts = [
        ("Request", change.reference),
        ("What", change.sentence),
        ("Customer", change.subject_text),
        ("Proposed by", change.maker.name),
        ("Status", Status(change.status).label),
        *([("Explanation", change.explanation)] if change.explanation else []),
        *([("Expires", _utc(change.expires_at))] if change.status == Status.SUBMITTED else []),
        *more,
    ]
    tell(
        people.filter(is_active=True),
        about,
        key=key,
        reference=change.reference,
        headline=spelled(change.sentence),
        facts=[(label, spelled(value)) for label, value in facts],
        path=f"/changes/{change.reference}/",
    )


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
