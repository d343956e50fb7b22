"""The data of a demo whose requests can't be read any more is made anew, and that is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from billing.changes import sealed
from local.configuration import read_configuration
from local.postgres import SEALED_VERSION
from local.programs import Servers

REQUESTS = "CREATE TABLE billing_changerequest (sealed text NOT NULL)"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    servers = Servers(read_configuration({}, tmp_path))
    servers.start()
    yield servers
    servers.stop()
    servers.postgres.remove()


def kept(servers: Servers, version: int) -> None:
    """A table of requests with one of this version, by the role that migrates."""
    with psycopg.connect(servers.database_url(owner=True)) as owner:
        owner.execute(REQUESTS)
        owner.execute("INSERT INTO billing_changerequest VALUES (%s)", [json.dumps({"version": version})])


def tables(servers: Servers) -> list[str]:
    with psycopg.connect(servers.database_url(owner=True)) as owner:
        rows = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return [name for (name,) in rows]


def test_older_requests_begin_anew_and_present_ones_stay(
    servers: Servers, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(servers, sealed.VERSION)
    servers.stop()
    servers.start()
    assert tables(servers) == ["billing_changerequest"]
    assert "made anew" not in capsys.readouterr().out

    with psycopg.connect(servers.database_url(owner=True)) as owner:
        owner.execute("UPDATE billing_changerequest SET sealed = '{\"version\": 1}'")
    servers.stop()
    servers.start()

    assert tables(servers) == []
    assert "The demo's data was made by an earlier version; it is made anew.\n" in capsys.readouterr().out


def test_both_sides_speak_of_the_same_version() -> None:
    assert str(sealed.VERSION) == SEALED_VERSION
