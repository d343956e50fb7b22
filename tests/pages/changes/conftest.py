"""Signed-in browsers for the pages of change requests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from billing.users import User


@pytest.fixture
def as_person() -> Callable[[User], Client]:
    """A browser in which somebody is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in
