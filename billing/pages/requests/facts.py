"""Everything the page of one request draws for one person, read once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TypeVar
from uuid import UUID

from django import forms
from django.db.models import prefetch_related_objects
from django.urls import reverse

from billing import clock
from billing.changes import queries, sealed
from billing.changes.agreeing import deciding, resolving
from billing.changes.asking.kinds import KINDS
from billing.changes.asking.way_back import undoes, way_back
from billing.changes.glance import glance
from billing.changes.models import Call, CallStatus, ChangeRequest, Resolution, Upshot, Word
from billing.changes.nouns import noun_of
from billing.changes.refusals import ActionRefused
from billing.changes.sealed import SealedCall, SealedRequest
from billing.changes.statuses import Status
from billing.lists.prepared import NOBODY, Records
from billing.mirror.resources.customer import queries as mirror
from billing.pages.requests.differences import Difference, differences
from billing.pages.requests.forms import DecideForm, ResolveForm, SecondForm, TakeBackForm, WithdrawForm
from billing.pages.requests.queue import Queue, around
from billing.pages.requests.signatures import Signature, signatures
from billing.pages.requests.story import Exhibit, Moment, came_first, evidence, timeline
from billing.roles import DECIDES, Can
from billing.users import User

Form = TypeVar("Form", bound=forms.Form)
CUSTOMER = "customer"
COMPARED_WITHIN = timedelta(days=1)
LINK_COMES_WITHIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call: as it was sealed, where it stands, and the evidence of what is unclear about it."""

    number: int
    sealed: SealedCall
    row: Call
    exhibits: list[Exhibit]


@dataclass(frozen=True, slots=True)
class Option:
    """One word that a person may say of what the worker could not settle."""

    value: str
    label: str
    meaning: str
    takes_two: str


@dataclass(frozen=True, slots=True)
class Acts:
    """What this person may do about the request. A form that isn't theirs to send is None.

    `sent` is the form that was sent and not carried out, with what was wrong. `made`: what the call in doubt
    makes, which *it took effect* has to name; empty where nothing is to be named.
    `is_without_second`: nobody is left who could agree to a word that takes two.
    """

    decide: DecideForm | None
    why_not_decide: str
    take_back: TakeBackForm | None
    withdraw: WithdrawForm | None
    resolve: ResolveForm | None
    options: list[Option]
    made: str
    why_not_resolve: str
    waiting: Resolution | None
    disagreed: Resolution | None
    second: SecondForm | None
    why_not_second: str
    is_without_second: bool
    can_propose_again: bool
    undone_by: str
    sent: forms.Form | None

    @property
    def answered(self) -> forms.Form | None:
        """The form for a word on what is unsettled, where it is drawn."""
        return self.resolve if self.options and self.waiting is None else None

    @property
    def forms(self) -> list[forms.Form]:
        """What this person can fill in."""
        every = (self.decide, self.take_back, self.withdraw, self.answered, self.second)
        return [form for form in every if form is not None]

    @property
    def refused(self) -> forms.Form | None:
        """What was sent and has to be mended."""
        return next((form for form in self.forms if form is self.sent), None)

    @property
    def overtaken(self) -> forms.Form | None:
        """What was sent and came too late: its form is not on the page any more."""
        return None if self.refused else self.sent

    @property
    def undo_label(self) -> str:
        """What undoes it, as its form calls it."""
        return kind_words(self.undone_by)


@dataclass(frozen=True, slots=True)
class RequestPage:
    """A request as one person sees it. `mark` differs whenever the live part would read differently."""

    change: ChangeRequest
    text: SealedRequest
    mark: str
    moves: bool
    live_url: str
    upshot: Upshot | None
    waits_for: ChangeRequest | None
    customers: list[tuple[UUID, str]]
    signatures: list[Signature]
    differences: list[Difference]
    calls: list[CallLine]
    timeline: list[Moment]
    acts: Acts
    queue: Queue

    @property
    def kind_words(self) -> str:
        """The kind as its form calls it."""
        return kind_words(self.change.kind)

    @property
    def undoes(self) -> bool:
        """Whether it undoes the request that it follows; else it proposes that again."""
        return undoes(self.change)

    @property
    def state_template(self) -> str:
        """What says how it stands: one template a status."""
        return f"changes/states/{self.change.status}.html"

    @property
    def asks_something(self) -> bool:
        """Whether there is anything that this person may do here."""
        return bool(self.acts.forms or self.acts.can_propose_again or self.acts.undone_by)

    @property
    def came_first(self) -> list[Moment]:
        """What happened before whoever comes too late."""
        return came_first(self.timeline)

    @property
    def is_on_its_way(self) -> bool:
        """Whether a worker waits for the answer to a call right now."""
        return self.change.is_claimed and any(call.row.status == CallStatus.SENT for call in self.calls)

    @property
    def may_still_be_compared(self) -> bool:
        """Whether what it came to is still to be read."""
        return self.upshot is None and self.change.settled_at > clock.now() - COMPARED_WITHIN

    @property
    def was_sent(self) -> bool:
        return any(call.row.first_sent_at for call in self.calls)

    @property
    def may_still_be_checked(self) -> bool:
        """Whether it is compared with Metronome while it waits."""
        return self.change.status in (Status.SUBMITTED, Status.APPROVED)

    @property
    def guarded(self) -> int:
        """How many values the guards of its first call ask about."""
        return sum(len(guard.values) for guard in self.text.call(1).guards)


def read(change: ChangeRequest, person: User, refused: forms.Form | None = None) -> RequestPage:
    """The page of a request for a person; `refused` is a form of theirs that was not carried out."""
    text = sealed.read(change.sealed)
    rows = _calls().asked(change=change.pk)
    prefetch_related_objects([row for row in rows if row.first_sent_at], "attempts", "lookups")
    calls = [
        CallLine(number, call, row, evidence(row, is_claimed=change.is_claimed) if row.first_sent_at else [])
        for number, (call, row) in enumerate(zip(text.calls, rows, strict=True), 1)
    ]
    acts = _acts(change, text, calls, person, refused)
    upshot = Upshot.objects.filter(change=change).first() if change.status == Status.APPLIED else None
    is_to_come = awaits(change)
    stands = glance(change.reference)
    return RequestPage(
        change=change,
        text=text,
        mark=stands.mark(awaits=is_to_come),
        moves=change.is_open or is_to_come > 0,
        live_url=reverse("billing:change-live", args=[change.reference]),
        upshot=upshot,
        waits_for=queries.waited_for([change]).get(change.pk),
        customers=_customers(change, text),
        signatures=signatures(change, waits_for_me=acts.decide is not None),
        differences=differences(text),
        calls=calls,
        timeline=timeline(change, text),
        acts=acts,
        queue=around(change, person),
    )


@cache
def _calls() -> Records:
    return Records(Call.objects.filter(change=NOBODY), change=NOBODY)


@cache
def _words() -> Records:
    said = Resolution.objects.filter(carried_out_at__isnull=True, change=NOBODY).select_related("by")
    return Records(said, change=NOBODY)


def kind_words(kind: str) -> str:
    """A kind as its form calls it; a kind that is no more stays its code."""
    return KINDS[kind].label if kind in KINDS else kind


def awaits(change: ChangeRequest) -> int:
    """How much of what was just applied is still to come: the comparison, and the link to what it made."""
    if change.status != Status.APPLIED or change.settled_at <= clock.now() - LINK_COMES_WITHIN:
        return 0
    is_compared = Upshot.objects.filter(change=change).exists()
    is_linked = not change.about_customer or _mirrored(change) is not None
    return (not is_compared) + (not is_linked)


def _mirrored(change: ChangeRequest) -> UUID | None:
    """The customer whose page can be opened: the request's, or the one it made, once it is mirrored."""
    customer_id = change.about_customer
    return customer_id if customer_id and mirror.knows(customer_id) else None


def _customers(change: ChangeRequest, text: SealedRequest) -> list[tuple[UUID, str]]:
    """The customers whose pages can be opened, the one that it is about first, each with its name."""
    about = _mirrored(change)
    known = [] if about is None else [(UUID(str(about)), change.subject_text)]
    others = {
        UUID(of.partition(":")[2]): noun_of(of).called(state)
        for of, state in text.before.items()
        if noun_of(of).name == CUSTOMER
    }
    return known + [(of, name) for of, name in others.items() if str(of) != str(about) and mirror.knows(of)]


def _acts(
    change: ChangeRequest,
    text: SealedRequest,
    calls: list[CallLine],
    person: User,
    refused: forms.Form | None,
) -> Acts:
    why_not_decide = _why_not_decide(change, person)
    waiting = next(iter(_words().asked(change=change.pk)), None)
    why_not_resolve = resolving.why_not(change, person)
    asks_for_second = waiting is not None and waiting.needs_second
    why_not_second = resolving.why_not_second(change, waiting, person) if asks_for_second else ""
    is_unsent = not any(call.row.first_sent_at for call in calls)
    takes_back = change.maker_id == person.pk and change.status in (Status.SUBMITTED, Status.APPROVED)

    def form(kind: type[Form], is_theirs: bool) -> Form | None:
        if not is_theirs:
            return None
        return refused if isinstance(refused, kind) else kind()

    return Acts(
        decide=form(DecideForm, not why_not_decide),
        why_not_decide=why_not_decide if person.may(*DECIDES) else "",
        take_back=form(TakeBackForm, bool(why_not_decide) and _may_take_back(change, person)),
        withdraw=form(WithdrawForm, takes_back and is_unsent),
        resolve=form(ResolveForm, not why_not_resolve),
        options=_options(change),
        made=_made(change),
        why_not_resolve=why_not_resolve,
        waiting=waiting,
        disagreed=_disagreed(change) if waiting is None else None,
        second=form(SecondForm, asks_for_second and not why_not_second),
        why_not_second=why_not_second,
        is_without_second=resolving.is_without_second(change, waiting.by) if asks_for_second else False,
        can_propose_again=change.can_be_proposed_again and person.may(Can.PROPOSE) and _has_page(change),
        undone_by=_undone_by(change) if person.may(Can.PROPOSE) else "",
        sent=refused,
    )


def _has_page(change: ChangeRequest) -> bool:
    return change.kind in KINDS and KINDS[change.kind].has_page


def _undone_by(change: ChangeRequest) -> str:
    """The kind that gives back what a request has done; empty where there is nothing, or no page for it."""
    back = way_back(change)
    return back[0] if back and _mirrored(change) else ""


def _why_not_decide(change: ChangeRequest, person: User) -> str:
    try:
        deciding.waiting_step(change, person)
    except ActionRefused as refusal:
        return refusal.message
    return ""


def _disagreed(change: ChangeRequest) -> Resolution | None:
    """The last word, where a second person disagreed with it and nobody has said another yet."""
    last = change.resolutions.select_related("by", "disagreed_by").last() if change.needs_person else None
    return last if last is not None and last.disagreed_by_id else None


def _may_take_back(change: ChangeRequest, person: User) -> bool:
    """Whether an approval of theirs counts on what still waits for others."""
    if change.status != Status.SUBMITTED or not person.may(*DECIDES):
        return False
    approval = deciding.standing_approval(change, person)
    return approval is not None and approval.step.role == person.role


def _made(change: ChangeRequest) -> str:
    """What the call in doubt makes, where somebody may still say that it took effect."""
    may_say = Word.TOOK_EFFECT in resolving.options(change)
    return resolving.made_by_the_doubtful(change) if may_say else ""


def _options(change: ChangeRequest) -> list[Option]:
    return [
        Option(word.value, word.label, resolving.MEANINGS[word], resolving.takes_two(change, word))
        for word in resolving.options(change)
    ]
