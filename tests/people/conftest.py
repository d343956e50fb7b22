"""Enough people to change the rights of one of them."""

from __future__ import annotations

import pytest

from billing.changes.models import ChangeRequest
from billing.users import User
from tests.world import propose


def _administrator(username: str) -> User:
    return User.objects.create_user(username=username, name=username.title(), role="administrator")


@pytest.fixture
def admin2(house: None) -> User:
    return _administrator("admin2")


@pytest.fixture
def admin3(house: None) -> User:
    return _administrator("admin3")


@pytest.fixture
def managers(checker: User, checker2: User, manager3: User) -> list[User]:
    """Three, so that two are left for what the policy asks of two."""
    return [checker, checker2, manager3]


@pytest.fixture
def promoted(maker: User, administrator: User, admin2: User, managers: list[User]) -> ChangeRequest:
    """Finance is to be a manager."""
    entered = {"person": maker, "role": "manager"}
    return propose("person.set_role", administrator, entered, reason="Their work changes on Monday.")
