"""Alive and ready are two questions, and anybody may ask them."""

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client


def test_alive_asks_neither_database_nor_redis(client: Client, settings: Any):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@pytest.mark.django_db
def test_ready_when_the_database_is_migrated(client: Client):
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "database": "ready", "redis": "ready"}
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_a_migration_that_waits_is_not_ready(client: Client):
    MigrationRecorder(connection).migration_qs.filter(app="sessions").delete()

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "database": "not migrated", "redis": "ready"}


@pytest.mark.django_db
def test_without_redis_pages_still_serve_so_it_is_told_but_no_reason_to_refuse(client: Client, settings: Any):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "database": "ready", "redis": "away"}


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_asking_changes_nothing(client: Client, address: str):
    assert client.post(address).status_code == 405
