"""What tests that cross rooms do: propose, approve, mirror a customer, put a policy in force."""

from __future__ import annotations

import importlib
from typing import Any

from billing.audit.actors import Actor, person
from billing.changes import sealed
from billing.changes.agreeing import deciding
from billing.changes.asking import submitting
from billing.changes.asking.basis import Basis
from billing.changes.asking.kinds import KINDS
from billing.changes.models import ChangeRequest, PolicyVersion, Verdict
from billing.metronome.account import Gateway
from billing.metronome.objects.customer import customers
from billing.mirror.refresh import refresh_customer
from billing.mirror.resources.customer import queries as mirror
from billing.users import User
from tests.simulator_server import RunningSimulator

DEFAULT_RULES = importlib.import_module("billing.migrations.0004_default_policy").RULES


def by(user: User) -> Actor:
    """The actor for a person at a test's page."""
    return person(user, ip="127.0.0.1", user_agent="pytest", request_id="req-1")


def mirrored(gateway: Gateway, simulator: RunningSimulator, position: int = 6) -> dict[str, Any]:
    """The snapshot of one of the simulator's active customers, brought into the mirror."""
    listed = gateway.page(customers(archived=False)).items[position]
    refresh_customer(gateway, listed.id)
    return mirror.snapshot(listed.id)


def about(snapshot: dict[str, Any] | None, survey: dict[str, Any] | None = None) -> Basis:
    """What a kind may build on for a mirrored customer, or for none yet."""
    return Basis.of("customer", snapshot, survey=survey)


def propose(
    kind: str,
    maker: User,
    entered: dict[str, Any],
    *,
    snapshot: dict[str, Any] | None = None,
    survey: dict[str, Any] | None = None,
    reason: str = "as agreed with the customer",
    replaces: ChangeRequest | None = None,
) -> ChangeRequest:
    """Submit one request through its kind."""
    proposal = KINDS[kind].build(entered, about(snapshot, survey))
    return submitting.submit(proposal, actor=by(maker), reason=reason, replaces=replaces)


def approve(change: ChangeRequest, *checkers: User) -> ChangeRequest:
    """Approve by each person in turn, typing what has to be typed."""
    for checker in checkers:
        deciding.decide(
            change.pk,
            actor=by(checker),
            verdict=Verdict.APPROVE,
            reason="checked against the order",
            digest=change.digest,
            typed=sealed.read(change.sealed).subject_text,
        )
    change.refresh_from_db()
    return change


def install_policy(rules: list[dict[str, Any]]) -> None:
    """Put a policy in force, as the next version."""
    latest = PolicyVersion.objects.order_by("-version").first()
    PolicyVersion.objects.create(version=latest.version + 1 if latest else 1, rules=rules)
