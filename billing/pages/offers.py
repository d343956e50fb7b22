"""What can be proposed about a customer, as its page offers it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from billing.changes.asking.kinds import KINDS, Kind
from billing.changes.holds import WHOLE, Held, held, of_itself
from billing.changes.models import Hold
from billing.lists.prepared import Records, no_text


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that can be proposed about a customer; `blocked_by` is the open request in its way.

    group: what of the customer it writes first, beside which it is offered; `*` is all of it.
    """

    kind: str
    label: str
    blocked_by: str
    group: str

    @property
    def is_of_a_part(self) -> bool:
        """Whether it is offered beside a part of the page, not in its heading or at its end."""
        return self.group not in ("name", "aliases", WHOLE)


def offers(customer_id: UUID) -> list[Offer]:
    """What can be proposed about a customer, each with the open request that writes to the same facts."""
    whole = f"customer:{customer_id}"
    taken = [(held(row), row.change.reference) for row in _open_holds().asked(owner=whole)]
    offered = [kind for kind in KINDS.values() if kind.writes]
    return [
        Offer(kind.name, kind.label, next(_in_the_way(kind, whole, taken), ""), kind.writes[0])
        for kind in sorted(offered, key=lambda kind: (kind.irreversible, kind.label))
    ]


@cache
def _open_holds() -> Records:
    rows = Hold.objects.filter(is_open=True, owner=no_text("owner")).select_related("change")
    return Records(rows.defer("change__sealed").order_by("pk"), owner=no_text("owner"))


def _in_the_way(kind: Kind, whole: str, taken: list[tuple[Held, str]]) -> Iterator[str]:
    """The open requests that hold what this kind would write."""
    wanted = [of_itself(whole, group) for group in kind.writes]
    return (reference for other, reference in taken if any(each.meets(other) for each in wanted))
