"""The way back from a request that is over: a proposal of its own, filled in, for others to agree to."""

from __future__ import annotations

from typing import Any

from billing.changes import sealed
from billing.changes.asking.kinds import KINDS
from billing.changes.models import ChangeRequest
from billing.changes.statuses import Status

OVER = (Status.CLOSED, Status.APPLIED)


def undoes(change: ChangeRequest) -> bool:
    """Whether a request gives back what the one before it has done, and does not propose that again.

    A closed one may be followed by either, of the same kind: its way back fills in what is given back.
    """
    old = change.replaces
    if old is None or old.kind != change.kind or old.status == Status.APPLIED:
        return old is not None
    back = way_back(old)
    return back is not None and back[0] == change.kind and _holds(sealed.read(change.sealed).form, back[1])


def _holds(entered: dict[str, Any], start: dict[str, Any]) -> bool:
    return bool(start) and all(entered.get(name) == value for name, value in start.items())


def way_back(change: ChangeRequest) -> tuple[str, dict[str, Any]] | None:
    """The kind that gives back what a request has done, and what its form starts with; None without one.

    Of a closed request, what it had done already; of an applied one all, where that can be undone.
    """
    kind = KINDS.get(change.kind)
    if kind is None or not kind.undone_by or change.status not in OVER or not change.about_customer:
        return None
    if change.status == Status.APPLIED and (change.irreversible or not kind.is_undone_once_applied):
        return None
    start = kind.undoing(sealed.read(change.sealed))
    return None if start is None else (kind.undone_by, start)
