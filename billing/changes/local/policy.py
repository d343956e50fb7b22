"""The approval policy, as a noun, and its replacement by a request."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from billing.audit import log
from billing.audit.actors import system
from billing.audit.events import Event
from billing.changes.local.base import LocalOperation, here
from billing.changes.models import ChangeRequest, PolicyVersion
from billing.metronome.account import Gateway
from billing.metronome.calls import HttpCall
from billing.metronome.operations.base import States, claimed
from billing.mirror.resource import Field, Resource, State

POLICY = "policy:current"


class PolicyNoun(Resource):
    """The policy in force. There is one, and its id is `current`."""

    name = "policy"
    fields = (
        Field("version", "version", place="here"),
        Field("rules", "rules", look="json", group="rules", place="here"),
    )

    def read(self, gateway: Gateway, thing_id: str, fields: Collection[str], *, owner_id: str = "") -> State:
        return policy_now()

    def called(self, state: State) -> str:
        return "the approval policy"


def policy_now() -> State:
    """The policy in force as a state."""
    latest = PolicyVersion.objects.order_by("-version")[0]
    return {"version": latest.version, "rules": latest.rules}


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """The next version's number, and its rules in the shape of `asking/policy.py`, as JSON text."""

    version: int
    rules: str


class ReplacePolicy(LocalOperation[NewPolicy]):
    """`policy.replace`"""

    name = "policy.replace"
    params = NewPolicy

    def show(self, params: NewPolicy) -> HttpCall:
        return here("/policy", {"version": params.version, "rules": json.loads(params.rules)})

    def after(self, before: States, params: NewPolicy) -> States:
        return claimed(before, POLICY, version=params.version, rules=json.loads(params.rules))

    def carry_out(self, change: ChangeRequest, params: NewPolicy) -> dict[str, Any]:
        """Install it as the next version; unique, so a version that is there already is refused."""
        version = PolicyVersion.objects.create(
            version=params.version, rules=json.loads(params.rules), installed_by_id=change.maker_id
        )
        log.record(
            Event.POLICY_INSTALLED,
            actor=system("changes worker"),
            subject=log.Subject(
                kind="policy", id=str(version.version), text=str(version), reference=change.reference
            ),
            new={"version": version.version, "rules": version.rules},
        )
        return {}
