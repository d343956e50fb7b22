"""The lines of the docket: one request each, as a list shows it to one person."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta

from billing import clock
from billing.changes import queries, sealed
from billing.changes.agreeing.batches import batchable
from billing.changes.models import ChangeRequest
from billing.changes.statuses import Status
from billing.pages.requests.facts import kind_words
from billing.roles import Can
from billing.users import User

SOON = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount of one currency that would be voided, and of what."""

    amount: str
    currency: str
    what: str


@dataclass(frozen=True, slots=True)
class Line:
    """One request in a list. `is_gone` while it stays in place though it waits for this person no more.

    may_be_ticked: it may be decided together with others, by this person.
    differs: it was applied, and came out differently from what was shown.
    """

    change: ChangeRequest
    kind: str
    given: int
    needed: int
    holder: ChangeRequest | None
    sums: list[Sum]
    is_gone: bool
    may_be_ticked: bool
    differs: bool = False

    @property
    def ticked_as(self) -> str:
        """What a tick sends: which request, and the digest that is judged."""
        return f"{self.change.reference}:{self.change.digest}"

    @property
    def is_waiting(self) -> bool:
        return self.change.status in (Status.SUBMITTED, Status.APPROVED)

    @property
    def expires_soon(self) -> bool:
        return self.change.expires_at - clock.now() < SOON

    @property
    def expires_words(self) -> str:
        """How long it may still wait, in its largest unit; what is over expires with the next sweep."""
        left = (self.change.expires_at - clock.now()).total_seconds()
        return f"expires in {largest_unit(left)}" if left > 0 else "expires now"

    @property
    def mark(self) -> str:
        """Differs whenever the line would read differently: `<id>.<status>.<approvals>.<gone>`."""
        change = self.change
        held = self.holder.pk if self.holder else ""
        troubles = change.needs_person + 2 * self.differs
        return f"{change.pk}.{change.status}.{self.given}.{troubles}{self.is_gone:d}{held}"


def lines(
    rows: list[ChangeRequest], gone: Container[int] = (), *, for_decision_by: User | None = None
) -> list[Line]:
    """The lines of some requests, in their order, in five queries at most. gone: ids that wait no more.

    for_decision_by: the person for whom all others wait, so that those that may be batched get a tick.
    """
    decides = for_decision_by is not None and for_decision_by.may(Can.DECIDE)
    batched = batchable(row for row in rows if row.pk not in gone) if decides else set()
    given = queries.approvals([change.pk for change in rows])
    holders = queries.waited_for(rows)
    differing = queries.that_differ(rows)
    none = queries.Progress(0, 0)
    return [
        Line(
            change=change,
            kind=kind_words(change.kind),
            given=given.get(change.pk, none).given,
            needed=given.get(change.pk, none).needed,
            holder=holders.get(change.pk),
            sums=_sums(change),
            is_gone=change.pk in gone,
            may_be_ticked=change.pk in batched,
            differs=change.pk in differing,
        )
        for change in rows
    ]


def largest_unit(seconds: float) -> str:
    """`13 d`, `20 h`, `47 min`: rounded down."""
    for unit, size in (("d", 86_400), ("h", 3600)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds // 60)} min"


def _sums(change: ChangeRequest) -> list[Sum]:
    """The money that it would void, never added across currencies; only what can't be undone voids any."""
    if not change.irreversible:
        return []
    return [
        Sum(money["amount"], money["currency"], line["what"].lower())
        for line in sealed.read(change.sealed).blast
        for money in line["money"]
    ]
