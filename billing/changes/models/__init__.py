"""A change request and everything that hangs on it, each fact in a row of its own.

PostgreSQL holds the promises again (migrations 0003, 0010, 0016, 0028 and after): what was sealed never
changes, decisions and attempts are never deleted, and `approved` is refused until every step has its people.
"""

from billing.changes.models.calls import Attempt, AttemptOutcome, Call, CallStatus, Lookup, Upshot
from billing.changes.models.people import (
    SAYS,
    SENDS_AGAIN,
    ApprovalStep,
    Decision,
    PolicyVersion,
    Resolution,
    Survey,
    Verdict,
    Word,
    agreed_words,
    counting_approvals,
    last_words,
)
from billing.changes.models.requests import ChangeRequest, Hold

__all__ = [
    "SAYS",
    "SENDS_AGAIN",
    "ApprovalStep",
    "Attempt",
    "AttemptOutcome",
    "Call",
    "CallStatus",
    "ChangeRequest",
    "Decision",
    "Hold",
    "Lookup",
    "PolicyVersion",
    "Resolution",
    "Survey",
    "Upshot",
    "Verdict",
    "Word",
    "agreed_words",
    "counting_approvals",
    "last_words",
]
