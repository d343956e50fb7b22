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
from billing.mirror.models import (
    Customer,
    CustomerPlan,
    CustomFieldKey,
    IngestAlias,
    Plan,
    Reading,
    RefreshRun,
    Seen,
)
from billing.mirror.resources import RESOURCES  # a noun's file holds its table, too
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
    "CustomFieldKey",
    "Customer",
    "CustomerPlan",
    "Decision",
    "Freeze",
    "Hold",
    "IngestAlias",
    "Installation",
    "Lookup",
    "Mail",
    "NewBeginning",
    "Notice",
    "Plan",
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
