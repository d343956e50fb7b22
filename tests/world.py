"""People, policy and a Metronome for tests that cross rooms. Import the fixtures from here by name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from adminsite.metronome import MetronomeSettings
from billing.audit.actors import Actor, person
from billing.changes import sealed
from billing.changes.agreeing import deciding
from billing.changes.asking import submitting
from billing.changes.asking.kinds import KINDS
from billing.changes.models import ChangeRequest, PolicyVersion, Verdict
from billing.control.anchor import anchor
from billing.metronome.client import Gateway
from billing.mirror import queries as mirror
from billing.mirror.connection import open_gateway
from billing.mirror.refresh import refresh_customer
from billing.users import User
from tests.simulator_server import TOKEN, RunningSimulator, simulator, simulator_process

__all__ = ["simulator", "simulator_process"]

DEFAULT_RULES = importlib.import_module("billing.migrations.0004_default_policy").RULES


@pytest.fixture
def house(transactional_db: None, settings: Any, simulator: RunningSimulator) -> None:
    """An installation that is anchored to the simulator, has its policy, and is quick to settle."""
    settings.METRONOME = MetronomeSettings("simulator", simulator.url, TOKEN, 1000.0)
    settings.WRITE_DEADLINE_SECONDS = 5
    settings.LEASE_SECONDS = 20
    settings.LEASE_MARGIN_SECONDS = 1
    settings.SETTLE_SECONDS = 0
    settings.SECOND_LOOK_SECONDS = 0
    if not PolicyVersion.objects.exists():
        PolicyVersion.objects.create(version=1, rules=DEFAULT_RULES)
    anchor("simulator", simulator.url)


@pytest.fixture
def gateway(house: None) -> Iterator[Gateway]:
    with open_gateway() as opened:
        yield opened


def _person(username: str, name: str, role: str) -> User:
    return User.objects.create_user(username=username, password="countersign-demo", name=name, role=role)


@pytest.fixture
def maker(house: None) -> User:
    return _person("finance", "Fiona Finance", "finance")


@pytest.fixture
def checker(house: None) -> User:
    return _person("manager", "Mona Manager", "manager")


@pytest.fixture
def checker2(house: None) -> User:
    return _person("manager2", "Max Manager", "manager")


@pytest.fixture
def auditor(house: None) -> User:
    return _person("auditor", "Ada Auditor", "auditor")


@pytest.fixture
def administrator(house: None) -> User:
    return _person("admin", "Alex Administrator", "administrator")


def by(user: User) -> Actor:
    """The actor for a person at a test's page."""
    return person(user, ip="127.0.0.1", user_agent="pytest", request_id="req-1")


def mirrored(gateway: Gateway, simulator: RunningSimulator, position: int = 6) -> dict[str, Any]:
    """The snapshot of one of the simulator's active customers, brought into the mirror."""
    listed = gateway.customers_page(archived=False).items[position]
    refresh_customer(gateway, listed.id)
    return mirror.snapshot(listed.id)


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
    proposal = KINDS[kind].build(entered, snapshot=snapshot, survey=survey)
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
