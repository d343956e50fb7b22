"""One verdict on several everyday requests: each keeps its own decision, digest and audit row; all or none.

A request may be batched when every rule that it was sealed under says so. One that is gated gates the batch,
since whoever agrees has to have judged every row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from billing.audit.actors import Actor
from billing.changes import sealed
from billing.changes.agreeing.deciding import decide
from billing.changes.models import ChangeRequest, PolicyVersion, Verdict
from billing.changes.refusals import ActionRefused, BadInput, WrongState
from billing.changes.statuses import Status

MOST = 50
"""Requests in one batch: what one page shows."""


class Gated(WrongState):
    """A request among them is judged on its own page, so none of them is decided together."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"{reference} is judged on its own page: not every rule that it falls under lets it be decided"
            " together with others. One such request holds up all that were ticked with it; leave it out."
        )
        self.reference = reference


def batchable(changes: Iterable[ChangeRequest]) -> set[int]:
    """The ids of those that wait for approvals and may be decided with others; one query, or none."""
    waiting = [change for change in changes if change.status == Status.SUBMITTED]
    if not waiting:
        return set()
    policies = {change.pk: sealed.policy_of(change.sealed) for change in waiting}
    versions = {policy["version"] for policy in policies.values()}
    rules = dict(PolicyVersion.objects.filter(version__in=versions).values_list("version", "rules"))
    return {pk for pk, policy in policies.items() if _lets(policy, rules.get(policy["version"], []))}


def decide_together(
    judged: list[tuple[str, str]], *, actor: Actor, verdict: Verdict, reason: str
) -> list[ChangeRequest]:
    """Record a person's verdict on each `(reference, digest)` in one transaction, the oldest first.

    Raises Gated, BadInput for none, too many or one that isn't there, and what `decide` raises, with the
    reference in front; nothing is written then.
    """
    digests = dict(judged)
    if not digests or len(judged) > MOST or len(digests) != len(judged):
        raise BadInput(f"Tick between 1 and {MOST} requests.")
    with transaction.atomic():
        changes = list(ChangeRequest.objects.filter(reference__in=digests).order_by("pk"))
        if missing := digests.keys() - {change.reference for change in changes}:
            raise BadInput(f"There is no request {min(missing)}.")
        may = batchable(changes)
        for change in changes:
            if change.status == Status.SUBMITTED and change.pk not in may:
                raise Gated(change.reference)
        return [_decided(change, actor, verdict, reason, digests[change.reference]) for change in changes]


def _decided(
    change: ChangeRequest, actor: Actor, verdict: Verdict, reason: str, digest: str
) -> ChangeRequest:
    try:
        return decide(change.pk, actor=actor, verdict=verdict, reason=reason, digest=digest)
    except BadInput:
        raise  # the one reason, which names no request
    except ActionRefused as refusal:
        if not refusal.message.startswith(change.reference):
            refusal.message = f"{change.reference}: {refusal.message}"
            refusal.args = (refusal.message,)
        refusal.reference = change.reference
        raise


def _lets(policy: dict[str, Any], rules: list[dict[str, Any]]) -> bool:
    """Whether every rule it fell under may be batched; one that the policy doesn't hold may not."""
    if policy["typed_confirmation"]:
        return False
    for matched in policy["rules"]:
        meant = [rule for rule in rules if rule["name"] == matched["name"]]
        if not meant or not all(rule.get("may_be_batched") is True for rule in meant):
            return False
    return bool(policy["rules"])
