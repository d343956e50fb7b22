"""The ground under the tests themselves."""

import os
import socket

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from redis import Redis


@pytest.mark.django_db
def test_a_test_has_a_real_postgresql():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('server_encoding')")
        assert cursor.fetchone() == (settings.DATABASES["default"]["USER"], "UTF8")


def test_a_test_begins_with_an_empty_redis(redis: Redis):
    assert redis.dbsize() == 0
    redis.set("left", "behind")  # the same line in the twin below finds nothing of this


def test_a_second_test_finds_nothing_of_the_first(redis: Redis):
    assert redis.dbsize() == 0
    redis.set("left", "behind")


def test_no_test_reaches_another_machine():
    with socket.socket() as outside, pytest.raises(RuntimeError, match=r"not to 192\.0\.2\.1"):
        outside.connect(("192.0.2.1", 443))


def test_no_metronome_variable_reaches_a_test():
    ours = {name: value for name, value in os.environ.items() if name.startswith("METRONOME_")}
    assert ours == {"METRONOME_ENVIRONMENT": "simulator"}


def test_the_application_role_writes_rows_but_cannot_truncate(application_url: str):
    with psycopg.connect(settings_url()) as owner, psycopg.connect(application_url) as application:
        owner.execute("CREATE TABLE ground (id bigserial PRIMARY KEY, word text)")
        owner.commit()
        try:
            application.execute("INSERT INTO ground (word) VALUES ('kept')")
            application.commit()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute("TRUNCATE ground")
            application.rollback()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute("ALTER TABLE ground DROP COLUMN word")
            application.rollback()
            assert application.execute("SELECT word FROM ground").fetchall() == [("kept",)]
            application.rollback()
        finally:
            owner.execute("DROP TABLE ground")


def settings_url() -> str:
    """The owner's URL of this test's database."""
    return os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{connection.settings_dict['NAME']}"
