"""Whether a call that was sent before may go again: asked right before each resend, whoever returned it.

Between the looks that let it go and the resend there may be a freeze, another request's doubt or an empty
budget, so what they proved is looked at once more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from billing.changes.applying.filing import is_in_doubt
from billing.changes.calls import has_silent_sending
from billing.changes.models import SENDS_AGAIN, Call, ChangeRequest, agreed_words
from billing.changes.moves import database_now
from billing.metronome.operations.base import Finding, Proof

RESEND_UNTIL = timedelta(hours=20)
MOST_GENERATIONS = 5


def why_not_again(change: ChangeRequest, call: Call, finding: Finding) -> str:
    """Why a person has to look before this call goes again, given the look just now; empty when it may go.

    Whoever asked for another try, after the last sending, has seen what there was to see; but nobody asks for
    a second one of what is there.
    """
    if finding.stands:
        return finding.sentence
    if _person_asked(change, call):
        return ""
    if finding.was_undone:  # whatever answer came: to send it again would undo what somebody did
        return finding.sentence
    if not has_silent_sending(call):
        return ""
    if finding.proof == Proof.CANNOT_TELL and is_in_doubt(call, finding.proof):
        return finding.sentence
    if is_too_old(call, database_now()):
        return f"{finding.sentence} It was first sent too long ago to go again without a person."
    return ""


def is_too_old(call: Call, now: datetime) -> bool:
    """Whether Metronome may have forgotten the key of the first sending, so that a resend fences nothing."""
    return now > call.first_sent_at + RESEND_UNTIL


def _person_asked(change: ChangeRequest, call: Call) -> bool:
    last = call.attempts.order_by("-number").values_list("sent_at", flat=True)[0]
    words = change.resolutions.filter(agreed_words(), verdict__in=SENDS_AGAIN)
    return words.filter(carried_out_at__gt=last).exists()
