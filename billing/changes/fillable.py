"""Who is left to fill a step: asked before somebody changes their role, is deactivated, or loses access."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from billing.changes.models import (
    ChangeRequest,
    Decision,
    PolicyVersion,
    Verdict,
    counting_approvals,
    last_words,
)
from billing.changes.people import subjects_of
from billing.changes.statuses import Status
from billing.lists.text import counted
from billing.roles import Role
from billing.users import User

ALWAYS = (
    ("What no rule matches", Role.MANAGER.value, 1),
    ("A change of the rights of somebody who decides or administers", Role.ADMINISTRATOR.value, 2),
)
"""Beside the rules: of two administrators one asks for a change of rights, and the other agrees."""


def left_empty(person: User, role: str = "") -> list[str]:
    """Which steps nobody could fill any more, were `role` this person's role; empty: were they to leave.

    As sentences; of open requests first, each without its makers and who has decided it, then of the rules in
    force. What nobody can fill as it is does not count: it is not this person who is missing.
    """
    return [*_of_requests(person, role), *_of_rules(person, role)]


def approvals_that_would_lapse(person: User) -> list[ChangeRequest]:
    """Requests that are approved and not sent yet, with an approval of theirs that would count no more."""
    given = Decision.objects.filter(counting_approvals(), checker=person).values("change")
    return list(ChangeRequest.objects.filter(status=Status.APPROVED, pk__in=given).order_by("pk"))


def _of_requests(person: User, role: str) -> Iterator[str]:
    by_role: dict[str, set[int]] = {}
    for pk, of in User.objects.filter(is_active=True).values_list("pk", "role"):
        by_role.setdefault(of, set()).add(pk)
    waiting = ChangeRequest.objects.filter(status=Status.SUBMITTED).order_by("pk")
    for change in waiting.prefetch_related("steps", "holds"):
        last = Decision.objects.filter(last_words(), change=change).exclude(verdict=Verdict.TAKE_BACK)
        out = {change.maker_id} | subjects_of(change) | set(last.values_list("checker_id", flat=True))
        given = dict(last.filter(counting_approvals()).values_list("checker_id", "step_id"))
        for step in change.steps.all():
            able = by_role.get(step.role, set()) - out
            signed = {checker for checker, of in given.items() if of == step.pk}
            if role == step.role or person.pk not in able | signed or len(able | signed) < step.people:
                continue
            needed, left = step.people - len(signed - {person.pk}), len(able - {person.pk})
            if needed > left:
                yield (
                    f"{change.reference} needs {counted(needed, step.role)} to agree, "
                    f"and {left} would be left who may."
                )


def _of_rules(person: User, role: str) -> Iterator[str]:
    number = Counter(User.objects.filter(is_active=True).values_list("role", flat=True))
    after = number.copy()
    if person.is_active:
        after[person.role] -= 1
    if role:
        after[role] += 1
    rules = PolicyVersion.objects.order_by("-version")[0].rules
    asked = [
        (f"The rule “{rule['name']}”", step["role"], step["people"])
        for rule in rules
        for step in rule["steps"]
    ]
    for name, of, people in [*asked, *ALWAYS]:
        if after[of] < min(people, number[of]):
            yield f"{name} asks for {counted(people, of)}, and {after[of]} would be left."
