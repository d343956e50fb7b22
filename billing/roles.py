"""The four roles and what each may do. Asked everywhere; `is_superuser` is asked nowhere."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from django.db import models


class Role(models.TextChoices):
    """A person has exactly one."""

    FINANCE = "finance", "Finance"
    MANAGER = "manager", "Manager"
    AUDITOR = "auditor", "Auditor"
    ADMINISTRATOR = "administrator", "Administrator"


class HasRole(Protocol):
    """What is asked of a person here; `billing.users.User` has it."""

    is_active: bool
    role: str


class Can(StrEnum):
    """One thing a role may be allowed to do."""

    BROWSE = "browse"
    PROPOSE = "propose"
    DECIDE = "decide"
    READ_AUDIT = "read the audit record"
    REFRESH = "ask for a refresh of the mirror"
    RESOLVE = "resolve unknown and partly applied requests"
    FREEZE = "freeze and unfreeze applying"
    REVOKE_TOKENS = "revoke other people’s access tokens"
    BEGIN_ANEW = "have the whole mirror read anew"
    SEE_PEOPLE = "see who may come in"
    CHANGE_PEOPLE = "ask for changes of people's rights, and agree to them"


GRANTS: dict[Role, frozenset[Can]] = {
    Role.FINANCE: frozenset({Can.BROWSE, Can.PROPOSE, Can.REFRESH}),
    Role.MANAGER: frozenset(
        {Can.BROWSE, Can.PROPOSE, Can.REFRESH, Can.DECIDE, Can.READ_AUDIT, Can.BEGIN_ANEW}
    ),
    Role.AUDITOR: frozenset({Can.BROWSE, Can.READ_AUDIT, Can.SEE_PEOPLE}),
    Role.ADMINISTRATOR: frozenset(
        {
            Can.BROWSE,
            Can.REFRESH,
            Can.READ_AUDIT,
            Can.RESOLVE,
            Can.FREEZE,
            Can.BEGIN_ANEW,
            Can.REVOKE_TOKENS,
            Can.SEE_PEOPLE,
            Can.CHANGE_PEOPLE,
        }
    ),
}


DECIDES = (Can.DECIDE, Can.CHANGE_PEOPLE)
"""Who may do either fills steps that ask for their role; those that ask administrators are about people."""


def may(user: HasRole, *any_of: Can) -> bool:
    """Whether this person may do one of these things now. A deactivated or unknown person may do nothing."""
    return bool(user.is_active) and not GRANTS.get(user.role, frozenset()).isdisjoint(any_of)


def roles_that(*any_of: Can) -> list[str]:
    """The labels of the roles that may do one of these things, for the sentence on a 403 page."""
    return [str(role.label) for role in roles_with(*any_of)]


def roles_with(*any_of: Can) -> list[Role]:
    """The roles that may do one of these things."""
    return [role for role in Role if not GRANTS[role].isdisjoint(any_of)]
