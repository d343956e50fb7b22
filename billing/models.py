"""Gathers the rooms' models so that Django finds them. No room imports this module."""

from billing.audit.models import AuditEvent
from billing.changes.models import (
    ApprovalStep,
    Attempt,
    Call,
    ChangeRequest,
    Decision,
    Hold,
    Lookup,
    PolicyVersion,
    Resolution,
    Survey,
    Upshot,
)
from billing.control.models import Freeze, Installation, NewBeginning
from billing.mirror.models import Reading, RefreshRun, Seen
from billing.mirror.resources import RESOURCES
from billing.notify.models import Mail, Notice
from billing.people.models import ResetLink
from billing.people.tokens import AccessToken
from billing.users import User

__all__ = [
    "RESOURCES",
    "AccessToken",
    "ApprovalStep",
    "Attempt",
    "AuditEvent",
    "Call",
    "ChangeRequest",
    "Decision",
    "Freeze",
    "Hold",
    "Installation",
    "Lookup",
    "Mail",
    "NewBeginning",
    "Notice",
    "PolicyVersion",
    "Reading",
    "RefreshRun",
    "ResetLink",
    "Resolution",
    "Seen",
    "Survey",
    "Upshot",
    "User",
]
