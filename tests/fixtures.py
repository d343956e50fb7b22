"""The fixtures that tests of several rooms share, as a plugin of pytest: nobody imports them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adminsite.metronome import MetronomeSettings
from billing.changes.models import ChangeRequest, PolicyVersion
from billing.control.anchor import anchor
from billing.metronome.account import Gateway
from billing.mirror.connection import open_gateway
from billing.users import User
from tests.simulator_server import TOKEN, RunningSimulator
from tests.world import DEFAULT_RULES, approve, mirrored, propose

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collected static files, as the web process serves them."""
    folder = tmp_path_factory.mktemp("static")
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "COUNTERSIGN_PROCESS": "build", "STATIC_ROOT": str(folder)},
        check=True,
        capture_output=True,
    )
    return folder


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
def manager3(house: None) -> User:
    """Somebody who may agree, and had no hand in anything."""
    return _person("manager3", "Marit Manager", "manager")


@pytest.fixture
def auditor(house: None) -> User:
    return _person("auditor", "Ada Auditor", "auditor")


@pytest.fixture
def administrator(house: None) -> User:
    return _person("admin", "Alex Administrator", "administrator")


@pytest.fixture
def snapshot(gateway: Gateway, simulator: RunningSimulator) -> dict[str, Any]:
    """A mirrored, active customer."""
    return mirrored(gateway, simulator)


@pytest.fixture
def submitted(snapshot: dict[str, Any], maker: User) -> ChangeRequest:
    """A renaming that waits for one manager."""
    return propose("customer.rename", maker, {"name": "Halcyon Freight GmbH"}, snapshot=snapshot)


@pytest.fixture
def approved(submitted: ChangeRequest, checker: User) -> ChangeRequest:
    """The renaming, approved."""
    return approve(submitted, checker)
