"""The plumbing under every test: an empty Redis, and the application's own database role."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import pytest
from django.conf import settings
from django.core.management.color import Style
from django.core.management.commands import flush
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from redis import Redis

from local.testing import application_url as find_application_url

pytest_plugins = ["simulator.pytest_plugin", "tests.fixtures"]

FILLED_BY_MIGRATIONS = {"auth_permission", "django_content_type"}
"""Tables that no test writes to. Emptied with the others they would be filled again after each test that
commits, which costs about as much processor time as the emptying."""


def emptied(
    style: Style, database: BaseDatabaseWrapper, *, reset_sequences: bool, allow_cascade: bool
) -> list[str]:
    """The statements that empty every other table."""
    tables = database.introspection.django_table_names(only_existing=True, include_views=False)
    written = [table for table in tables if table not in FILLED_BY_MIGRATIONS]
    return database.ops.sql_flush(
        style, written, reset_sequences=reset_sequences, allow_cascade=allow_cascade
    )


flush.sql_flush, flush.emit_post_migrate_signal = emptied, lambda *_what, **_more: None


@pytest.fixture(autouse=True)
def redis() -> Iterator[Redis]:
    """This test's Redis, empty when it begins."""
    with Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        client.flushdb()
        yield client


@pytest.fixture
def application_url(db: None) -> str:
    """The test database's URL for the role that the application runs as, which owns nothing."""
    url = find_application_url(connection.settings_dict["NAME"])
    if url is None:
        pytest.skip("DATABASE_URL names a server of its own, whose application role we don't know")
    return url


@pytest.fixture
def as_application(transactional_db: None, application_url: str) -> Iterator[None]:
    """Django itself speaks to the database as the application's role, until the test ends."""
    with speaking_as(application_url):
        yield


@contextmanager
def speaking_as(url: str) -> Iterator[None]:
    """Django speaks to its database as the role of this URL while this lasts."""
    parts, as_owner = urlsplit(url), dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(USER=unquote(parts.username), PASSWORD=unquote(parts.password))
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(as_owner)
