"""Whether the approvals of a request still carry it: each counts only while its giver may give it.

Asked before each call, and again as it is journalled. A request that they carry no more is not sent: it is
stale, or partly applied where a call of it took effect.
"""

from __future__ import annotations

from billing.changes.agreeing.deciding import open_steps
from billing.changes.applying.watching import Moved
from billing.changes.models import ChangeRequest, Verdict, last_words


def lapsed_approvals(change: ChangeRequest) -> list[Moved]:
    """What became of those who approved, where a step lacks people by now; empty while none does."""
    if not open_steps(change):
        return []
    given = change.decisions.filter(last_words(), verdict=Verdict.APPROVE)
    return [
        Moved(f"{decision.checker.name}, who approved this, {why}.")
        for decision in given.select_related("checker", "step")
        if (why := decision.why_it_does_not_count())
    ]
